"""A model made ready to answer, and for nothing else: what only training needs apart is put together.

The masks stay the same (up to rounding); the state no longer is that of the configuration, so it cannot be saved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from rs2sam2.model.beit3 import Layer
from rs2sam2.model.hiera import ADAPTER_RATIO, MLP_RATIO, Block, Hiera
from rs2sam2.model.layers import LinearGELU, MultiheadAttention
from rs2sam2.model.memory import keep_freed
from rs2sam2.model.merged import MergedLayer, fixed, merge_gelu, merge_mlp_adapter
from rs2sam2.model.neck import Lateral
from rs2sam2.model.passes import swap_norms
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.model.windowed import WindowedHiera, fits

LARGE = 100_000_000
"""Weights. The maps of smaller models are small, too."""


def make_ready(
    model: RS2SAM2, dtype: torch.dtype, trunk_dtype: torch.dtype, release: Callable[[], None] = lambda: None
) -> None:
    """Change `model` in place: dtypes, linear layers without anything between them made one, on a CPU matrices packed.

    `trunk_dtype` is that of the trunk, and on a CPU of BEiT-3's feed-forward networks for words.

    Matrix after matrix, so that there never are two copies of the model. `release` is called after each: it may let go
    of the file that the weights are mapped from. On a CPU in float32 the process keeps memory that a large model frees (`memory.py`).
    """
    model.requires_grad_(False)
    pack = next(model.parameters()).device.type == "cpu" and can_pack()
    if pack and trunk_dtype == torch.float32 and sum(p.numel() for p in model.parameters()) > LARGE:
        keep_freed()
    merge_skips(model)
    gaussian = model.prompt_encoder.gaussian
    if next(model.parameters()).is_cuda:
        ready_on_gpu(model)
    trunk = model.trunk_module
    if isinstance(trunk, Hiera):
        trunk.fixed_positions = trunk.positions().to(trunk_dtype)
        for block in trunk.blocks:
            assert isinstance(block, Block)
            merge_mlp_adapter(block)
            if pack:
                pack_linears(block, trunk_dtype, release)
                run_in_pieces(block)
            block.to(trunk_dtype)
            release()
    if pack:
        pack_linears(trunk, trunk_dtype, release)
        for layer in model.beit3.layers:
            # a fifth of all weights, for a few words: in float32 they would be memory more than accuracy
            assert isinstance(layer, Layer)
            pack_linears(layer.ffn["text"], trunk_dtype, release)
        pack_linears(model, dtype, release)
    for part in model.children():
        part.to(trunk_dtype if part is trunk else dtype)
        release()
    model.no_memory.data = model.no_memory.to(dtype)
    model.prompt_encoder.gaussian = gaussian.float()  # not a weight: rounded, it would shift positions


def ready_on_gpu(model: RS2SAM2) -> None:
    """Fewer and larger products, and Hiera's tokens in the order of its windows where these divide its grid."""
    trunk = model.trunk_module
    if isinstance(trunk, Hiera) and fits(trunk):
        model.trunk = WindowedHiera(trunk, list(model.neck.laterals))
        model.neck.laterals = nn.ModuleList(nn.Identity() for _ in model.neck.laterals)
    for i, layer in enumerate(model.beit3.layers):
        assert isinstance(layer, Layer)
        model.beit3.layers[i] = MergedLayer(layer)
    merge_gelu(model)
    for part in (model.beit3.norm, model.prompt_encoder, model.mask_decoder):
        swap_norms(part)


def merge_skips(model: RS2SAM2) -> None:
    """Of the neck's maps at strides 4 and 8 the decoder sees a second 1x1 convolution alone: the two are one."""
    for level, name in enumerate(("skip_stride4", "skip_stride8")):
        first, second = model.neck.laterals[level], getattr(model.mask_decoder, name)
        assert isinstance(first, Lateral) and isinstance(second, nn.Conv2d)
        assert first.bias is not None and second.bias is not None
        matrix = second.weight.flatten(1)
        lateral = Lateral(first.in_channels, second.out_channels, 1, device="meta")
        lateral.weight = fixed((matrix @ first.weight.flatten(1))[..., None, None])
        upscale = getattr(model.mask_decoder, f"upscale{2 - level}")  # its bias is added to the same map
        lateral.bias = fixed(matrix @ first.bias + second.bias + upscale.bias)
        upscale.bias = None
        model.neck.laterals[level] = lateral
        setattr(model.mask_decoder, name, nn.Identity())


def run_in_pieces(block: Block) -> None:
    """The MLP token by token, attention inside windows window by window."""
    block.mlp = InPieces(block.mlp, "token", MLP_RATIO + 1 / ADAPTER_RATIO)
    if block.window > 0:
        block.attention = InPieces(block.attention, "window", 6)  # q, k, v as they are made and as they are multiplied


CACHED_BYTES = 12 * 2**20
"""What a module may make of a piece that `InPieces` gives it: about what a CPU's last cache holds."""


class InPieces(nn.Module):
    """Run a module on some tokens or windows at a time, so that what it makes in between stays in the cache.

    `each`: "token" for a module that takes tokens (..., C) one by one, "window" for one that takes windows (N, w, w, C).
    `widening`: how many times more than its input the module makes.
    """

    def __init__(self, module: nn.Module, each: Literal["token", "window"], widening: float) -> None:
        super().__init__()
        self.module = module
        self.each = each
        self.widening = widening

    def forward(self, x: Tensor) -> Tensor:
        """As the module's."""
        pieces = x.flatten(0, -2) if self.each == "token" else x
        rows = max(1, int(CACHED_BYTES / (self.widening * pieces[0].nbytes)))
        if rows >= len(pieces):
            return self.module(x)  # type: ignore[no-any-return]
        first: Tensor = self.module(pieces[:rows])
        made: Tensor = first.new_empty(len(pieces), *first.shape[1:])
        made[:rows] = first
        for start in range(rows, len(pieces), rows):
            made[start : start + rows] = self.module(pieces[start : start + rows])
        return made.view(x.shape) if self.each == "token" else made


def can_pack() -> bool:
    """Whether this torch has oneDNN with the operators that torch.compile, too, packs matrices with."""
    return torch.backends.mkldnn.is_available() and all(
        hasattr(torch.ops.mkldnn, name) for name in ("_reorder_linear_weight", "_linear_pointwise")
    )


class PackedLinear(nn.Module):
    """W x + b, or GELU of it, with W in the order of oneDNN's kernels and bias and GELU inside the product.

    `torch.nn.functional.linear` writes the bias first and adds the product to it, and GELU passes over memory again.
    """

    def __init__(self, linear: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        weight = linear.weight.detach().to(dtype).contiguous()
        self.matrix = packed(weight)
        self.bias: Tensor = linear.bias.detach().to(dtype)  # beside the matrix, whatever dtype the model is moved to
        self.dtype = dtype
        self.activation = "gelu" if isinstance(linear, LinearGELU) else "none"

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out), in the dtype of `x`."""
        # the last argument: no approximation, GELU by erf
        y: Tensor = torch.ops.mkldnn._linear_pointwise(
            x.to(self.dtype), self.matrix, self.bias, self.activation, [], "none"
        )
        return y.to(x.dtype)

    def __getstate__(self) -> dict[str, Any]:
        """To be copied or pickled, which oneDNN's order cannot be."""
        return {**self.__dict__, "matrix": self.matrix.to_dense()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As it was, packed."""
        super().__setstate__({**state, "matrix": packed(state["matrix"])})  # type: ignore[no-untyped-call]


def packed(matrix: Tensor) -> Tensor:
    """(out, in), contiguous -> the same in the order of oneDNN's kernels."""
    reordered: Tensor = torch.ops.mkldnn._reorder_linear_weight(matrix, None)
    return reordered


def pack_linears(module: nn.Module, dtype: torch.dtype, release: Callable[[], None] = lambda: None) -> None:
    """Put a PackedLinear in the place of each Linear below `module`, one by one."""
    for name, child in module.named_children():
        if isinstance(child, MultiheadAttention):
            continue  # takes its matrices apart itself
        if isinstance(child, nn.Linear):
            setattr(module, name, PackedLinear(child, dtype))
            release()
        else:
            pack_linears(child, dtype, release)
