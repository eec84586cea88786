"""The reader: words, candidates and two standing tokens look at each other until it is clear which are meant."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.objects.config import ObjectFirstConfig

FORMS = ("one", "several", "ground")
"""What a phrase asks for: one object, several, or ground that no object stands for ("the road")."""


@dataclass
class Reading:
    """What P phrases mean, each among K candidates."""

    choice: Tensor  # (P, K) logits over the candidates: which one
    membership: Tensor  # (P, K) logits, each for itself: is it one of those meant
    form: Tensor  # (P, 3) logits over FORMS
    presence: Tensor  # (P,) logit: what is meant is there
    objects: Tensor  # (P, K, width), the candidates as the phrase sees them
    ground: Tensor  # (P, width), the image as the phrase sees it


class Reader(nn.Module):
    """Tokens [presence, ground, candidates, words] through layers of attention, candidates minding their geometry."""

    def __init__(self, config: ObjectFirstConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.words = nn.Embedding(config.vocabulary, width)
        self.positions = nn.Parameter(torch.zeros(config.max_tokens, width))
        self.standing = nn.Parameter(torch.zeros(2, width))
        self.scene = nn.Linear(config.pyramid, width)
        self.kinds = nn.Parameter(torch.zeros(2, width))  # candidate, word
        self.layers = nn.ModuleList(ReaderLayer(width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.choice = nn.Linear(width, 1)
        self.membership = nn.Linear(width, 1)
        self.form = nn.Linear(width, len(FORMS))
        self.presence = nn.Linear(width, 1)
        self.trust = nn.Parameter(torch.tensor(0.5))  # of the best candidate's membership in presence
        for parameter in (self.words.weight, self.positions, self.standing, self.kinds):
            nn.init.normal_(parameter, std=0.3)

    def forward(
        self,
        objects: Tensor,
        object_padding: Tensor,
        pair_bias: Tensor,
        context: Tensor | None,
        token_ids: Tensor,
        text_padding: Tensor,
        image_index: Tensor,
    ) -> Reading:
        """Phrase p is about image image_index[p].

        objects (B, K, width) and object_padding (B, K) True = ignore; pair_bias (B, depth * heads, K, K); context
        (B, P, h, w) or None where there is no image; token_ids and text_padding (P, L), True = ignore.
        """
        phrases, count = len(token_ids), objects.shape[1]
        words = self.words(token_ids) + self.positions[: token_ids.shape[1]] + self.kinds[1]
        standing = self.standing.expand(phrases, -1, -1)
        if context is not None:
            standing = standing + self.scene(context.mean((2, 3)))[image_index][:, None]
        x = torch.cat([standing, objects[image_index] + self.kinds[0], words], dim=1)
        ignored = torch.cat(
            [torch.zeros_like(text_padding[:, :1]).expand(-1, 2), object_padding[image_index], text_padding], dim=1
        )
        mask = torch.zeros_like(ignored, dtype=x.dtype).masked_fill(ignored, -1e4)[:, None, None, :]
        bias = pair_bias.unflatten(1, (len(self.layers), self.heads))
        for depth, layer in enumerate(self.layers):
            geometry = F.pad(bias[:, depth][image_index], (2, words.shape[1], 2, words.shape[1]))
            x = layer(x, geometry + mask)
        x = self.norm(x)
        met = x[:, 2 : 2 + count]
        membership = self.membership(met)[..., 0].masked_fill(object_padding[image_index], -1e4)
        form = self.form(x[:, 1])
        # what is meant is there if some candidate is it; for ground, candidates say nothing
        best = membership.amax(1).clamp_min(-10) * (1 - form.softmax(1)[:, -1])
        return Reading(
            choice=self.choice(met)[..., 0].masked_fill(object_padding[image_index], -1e4),
            membership=membership,
            form=form,
            presence=self.presence(x[:, 0])[:, 0] + self.trust * best,
            objects=met,
            ground=x[:, 1],
        )


class ReaderLayer(nn.Module):
    """Attention with an additive bias, then a feed-forward network; norms come first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x (P, N, width), bias (P, heads or 1, N, N) added to the attention's logits -> (P, N, width)."""
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        # written out: on a CPU the fused kernel's gradient is slow for heads this small
        attention = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + bias).softmax(-1)
        x = x + self.out((attention @ v).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))  # type: ignore[no-any-return]
