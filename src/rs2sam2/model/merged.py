"""Products whose matrices can be multiplied beforehand, for a GPU: there, each small product costs a launch.

The same functions up to rounding; weights that are put together this way cannot be trained or saved.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.model.adapters import TEXT_KEPT, TextAdapter
from rs2sam2.model.beit3 import JointAttention, Layer, SubLNFeedForward
from rs2sam2.model.hiera import MLP_ADAPTER_WEIGHT, Block
from rs2sam2.model.layers import FeedForward, LinearGELU, MultiheadAttention, attend
from rs2sam2.model.passes import add_norm, softmax_of_words

ALIGNED = 8
"""Matrix units want rows of so many numbers (16 bytes in bfloat16) or a multiple of it."""


class EpilogueGELU(nn.Module):
    """GELU(W x + b), on a GPU in bfloat16 with the GELU inside the product.

    That one takes the tanh form of GELU, 4.8e-4 off at most (at -2.7 and 2.7), which moves masks no further from those of
    float32 than bfloat16 does without it (docs/performance.md).
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = fixed(weight), fixed(bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        if not x.is_cuda or x.dtype != torch.bfloat16:
            return F.gelu(F.linear(x, self.weight, self.bias))
        y: Tensor = torch._addmm_activation(self.bias, x.flatten(0, -2), self.weight.t(), use_gelu=True)
        return y.view(*x.shape[:-1], -1)


class MergedTextAdapter(nn.Module):
    """`TextAdapter`, with all that is linear in the text as one product.

    What pixels a meet (see `MultiheadAttention`) is linear in u = text_in t, so in t: keys Wq_h^T k_h, values v_h Wo_h^T and
    the constants k_h . bq_h of pixels_to_words, queries Wk_h^T q_h of words_to_pixels, and text_out u. The pixels that words
    meet go through Wv_h, Wo_h and text_out, which are one matrix.
    """

    def __init__(self, adapter: TextAdapter) -> None:
        super().__init__()
        hidden, self.text_width = adapter.text_in.weight.shape
        self.hidden = -(-hidden // ALIGNED) * ALIGNED  # wider by channels that stay 0
        more = self.hidden - hidden
        self.heads = adapter.pixels_to_words.heads
        self.down = EpilogueGELU(
            F.pad(adapter.down.weight.detach(), (0, 0, 0, more)), F.pad(adapter.down.bias.detach(), (0, more))
        )
        self.up = fixed(F.pad(adapter.up.weight.detach(), (0, more)).mT.contiguous())  # (hidden, C)
        self.shift = fixed(adapter.up.bias)  # is not added here
        into = _Affine(adapter.text_in.weight.double().mT, adapter.text_in.bias.double())
        q, k, v, o = _projections(adapter.pixels_to_words)
        scale = q[0].matrix.shape[1] ** -0.5
        keys = [into.then(kh).then(_Affine(scale * qh.matrix.mT)) for qh, kh in zip(q, k, strict=True)]
        constants = [into.then(kh).then(_Affine(scale * qh.shift[:, None])) for qh, kh in zip(q, k, strict=True)]
        values = [into.then(vh).then(oh) for vh, oh in zip(v, o, strict=True)]
        columns = [m.wider(more) for m in (*keys, *values)]
        self.sees_pixels = adapter.words_to_pixels is not None
        self.met: nn.Parameter | None = None
        answer: list[_Affine] = []
        if adapter.words_to_pixels is not None and adapter.text_out is not None:
            q, k, v, o = _projections(adapter.words_to_pixels)
            columns += [
                into.then(qh).then(_Affine(scale * kh.matrix.mT)).wider(more) for qh, kh in zip(q, k, strict=True)
            ]
            out = _Affine(
                (1 - TEXT_KEPT) * adapter.text_out.weight.double().mT, (1 - TEXT_KEPT) * adapter.text_out.bias.double()
            )
            # the weights of a query sum to 1, so that what values are shifted by comes once
            met = [vh.then(oh) for vh, oh in zip(v, o, strict=True)]
            constant = sum((m.shift for m in met), start=torch.zeros_like(met[0].shift))
            answer = [_Affine(into.matrix, into.shift + constant).then(out)]
            self.met = fixed(torch.cat([F.pad(m.matrix @ out.matrix, (0, 0, 0, more)) for m in met]).float())
        self.answered = self.text_width if answer else 0
        everything = [*columns, *answer, *constants]
        matrix = torch.cat([c.matrix for c in everything], dim=1)
        spare = -matrix.shape[1] % ALIGNED
        self.weight = fixed(F.pad(matrix, (0, spare)).mT.float().contiguous())
        self.bias = fixed(F.pad(torch.cat([c.shift for c in everything]), (0, spare)).float())

    def forward(self, h: Tensor, text: Tensor, text_padding: Tensor | None) -> tuple[Tensor, Tensor]:
        """As `TextAdapter`, for pixels (B, N, C) that it may write over; `shift` is left for the caller to add."""
        heads, words = self.heads, text.shape[1]
        a = self.down(h)
        told = F.linear(text, self.weight, self.bias)
        width = (3 if self.sees_pixels else 2) * heads * self.hidden
        pixels, answer, constant = told[..., : width + self.answered + heads].split(
            [width, self.answered, heads], dim=-1
        )
        # (B, heads * L, C) each
        keys, values, *queries = (
            pixels.unflatten(-1, (-1, heads, self.hidden)).permute(2, 0, 3, 1, 4).contiguous().flatten(2, 3)
        )
        constant = constant.mT  # (B, heads, L)
        if text_padding is not None:
            constant = constant.masked_fill(text_padding[:, None], -torch.inf)
        weights = softmax_of_words(a @ keys.mT, constant)
        a.baddbmm_(weights, values)
        if queries:
            assert self.met is not None
            met = (queries[0] @ a.mT).softmax(-1) @ a  # (B, heads * L, C)
            met = met.unflatten(1, (heads, words)).transpose(1, 2).flatten(2)
            text = torch.add(answer + met @ self.met, text, alpha=TEXT_KEPT)
        h.flatten(0, 1).addmm_(a.flatten(0, 1), self.up)
        return h, text


class MergedLayer(nn.Module):
    """A layer of BEiT-3, with the three projections of a way in one product, and sums where the next norm reads them."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.vision, self.text = _Way(layer, "vision"), _Way(layer, "text")
        assert isinstance(layer.attention, JointAttention)
        self.heads = layer.attention.heads

    def forward(self, vision: Tensor, text: Tensor, padding: Tensor | None) -> tuple[Tensor, Tensor]:
        """As `Layer`."""
        q, k, v = torch.cat([self.vision.project(vision), self.text.project(text)], dim=1).chunk(3, -1)
        met = attend(q, k, v, self.heads, padding).split([vision.shape[1], text.shape[1]], dim=1)
        return self.vision(vision, met[0]), self.text(text, met[1])


class _Way(nn.Module):
    """What a layer of BEiT-3 has for the image, or for the words."""

    def __init__(self, layer: Layer, way: str) -> None:
        super().__init__()
        attention, ffn = layer.attention, layer.ffn[way]
        assert isinstance(attention, JointAttention) and isinstance(ffn, SubLNFeedForward)
        norms = layer.attention_norm[way], attention.norm[way], layer.ffn_norm[way], ffn.norm
        self.before, self.within, self.between, self.inner = norms
        projections = [p[way] for p in (attention.q_proj, attention.k_proj, attention.v_proj)]
        self.weight = fixed(torch.cat([p.get_parameter("weight") for p in projections]))
        self.bias = fixed(torch.cat([p.get_parameter("bias") for p in projections]))
        self.out_proj = attention.out_proj[way]
        self.fc1 = EpilogueGELU(ffn.fc1.weight, ffn.fc1.bias)
        self.fc2, self.fc2_bias = fixed(ffn.fc2.weight.mT.contiguous()), fixed(ffn.fc2.bias)

    def project(self, x: Tensor) -> Tensor:
        """(B, N, C) -> queries, keys and values (B, N, 3 C)."""
        return F.linear(self._norm(x, self.before), self.weight, self.bias)

    def forward(self, x: Tensor, met: Tensor) -> Tensor:
        """X (B, N, C) and what it met in attention -> x."""
        assert isinstance(self.between, nn.LayerNorm)
        x, y = add_norm(x, self.out_proj(self._norm(met, self.within)), self.between, rest=self.fc2_bias)
        x.flatten(0, 1).addmm_(self._norm(self.fc1(y), self.inner).flatten(0, 1), self.fc2)
        return x

    @staticmethod
    def _norm(x: Tensor, norm: nn.Module) -> Tensor:
        assert isinstance(norm, nn.LayerNorm)
        return add_norm(x, None, norm)[1]


def merge_mlp_adapter(block: Block) -> None:
    """fc2 GELU(fc1 y) + 0.5 up GELU(down y) is one MLP: the adapter's hidden units stand beside the others."""
    adapter, mlp = block.mlp_adapter, block.mlp
    if adapter is None:
        return
    assert isinstance(mlp, FeedForward)
    fc1, fc2 = mlp.fc1, mlp.fc2
    fc1.weight = fixed(torch.cat([fc1.weight, adapter.down.weight]))
    fc1.bias = fixed(torch.cat([fc1.bias, adapter.down.bias]))
    fc2.weight = fixed(torch.cat([fc2.weight, MLP_ADAPTER_WEIGHT * adapter.up.weight], dim=1))
    fc2.bias = fixed(fc2.bias + MLP_ADAPTER_WEIGHT * adapter.up.bias)
    block.mlp_adapter = None


def merge_gelu(module: nn.Module) -> None:
    """Put an EpilogueGELU in the place of each LinearGELU below `module`."""
    for name, child in module.named_children():
        if isinstance(child, LinearGELU):
            setattr(module, name, EpilogueGELU(child.weight, child.bias))
        else:
            merge_gelu(child)


def fixed(value: Tensor) -> nn.Parameter:
    """A parameter that is not trained."""
    return nn.Parameter(value.detach(), requires_grad=False)


class _Affine:
    """Row vectors x -> x matrix + shift."""

    def __init__(self, matrix: Tensor, shift: Tensor | None = None) -> None:
        self.matrix = matrix.detach()
        self.shift = torch.zeros_like(self.matrix[0]) if shift is None else shift.detach()

    def then(self, other: _Affine) -> _Affine:
        return _Affine(self.matrix @ other.matrix, self.shift @ other.matrix + other.shift)

    def wider(self, more: int) -> _Affine:
        """With so many columns of 0 more."""
        return _Affine(F.pad(self.matrix, (0, more)), F.pad(self.shift, (0, more)))


def _projections(attention: MultiheadAttention) -> list[list[_Affine]]:
    """Of queries, keys, values and output, one for each head, in float64. The output's bias is shared among them."""
    heads, out = attention.heads, attention.out_proj
    inner = zip(attention.in_proj.weight.double().chunk(3), attention.in_proj.bias.double().chunk(3), strict=True)
    listed = [
        [_Affine(w.mT, b) for w, b in zip(weight.chunk(heads), bias.chunk(heads), strict=True)]
        for weight, bias in inner
    ]
    return [*listed, [_Affine(w.mT, out.bias.double() / heads) for w in out.weight.double().chunk(heads, dim=1)]]
