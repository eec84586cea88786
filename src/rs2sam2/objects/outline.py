"""Masks by filters made for one object: small networks, three layers deep, whose weights a token writes.

After conditional convolutions for instance segmentation: Z. Tian, C. Shen, H. Chen, ECCV 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.pyramid import OBJECT_FEATURES, PIXEL_FEATURES

PLACE = 3  # across, down, within the box


class Filters(nn.Module):
    """Tokens write filters; filters read maps: (N, width) and (N, C, H, W) -> (N, H, W) logits."""

    def __init__(self, width: int, *channels: int) -> None:
        super().__init__()
        self.channels = (*channels, 1)
        self.sizes = [a * b for a, b in zip(self.channels, self.channels[1:], strict=False)]
        self.write = nn.Linear(width, sum(self.sizes) + sum(self.channels[1:]))
        nn.init.normal_(self.write.weight, std=0.02)
        parts = self.write.bias.split([*self.sizes, *self.channels[1:]])
        with torch.no_grad():
            for matrix, into in zip(parts, self.channels[:-1], strict=False):
                nn.init.normal_(matrix, std=(2.0 / into) ** 0.5)
            for bias in parts[len(self.sizes) :]:
                nn.init.zeros_(bias)

    def forward(self, written: Tensor, x: Tensor) -> Tensor:
        """`written` (N, filters) from `write`, x (N, C, H * W) -> (N, H * W)."""
        weights = written.split([*self.sizes, *self.channels[1:]], dim=1)
        layers = len(self.sizes)
        for i in range(layers):
            out, into = self.channels[i + 1], self.channels[i]
            x = torch.baddbmm(weights[layers + i][:, :, None], weights[i].view(-1, out, into), x)
            if i + 1 < layers:
                x = F.relu(x)
        return x[:, 0]


class Outline(nn.Module):
    """The mask of an object from its token and box, and the mask of ground from the phrase's token."""

    def __init__(self, config: ObjectFirstConfig) -> None:
        super().__init__()
        self.objects = Filters(config.width, OBJECT_FEATURES + PLACE, 12, 8)
        self.told = nn.Linear(config.width, self.objects.write.out_features, bias=False)
        nn.init.normal_(self.told.weight, std=0.005)
        self.ground = Filters(config.width, PIXEL_FEATURES + 3, 16)
        self.classes = nn.Linear(config.width, len(config.classes))

    def of_objects(
        self, features: Tensor, image_index: Tensor, boxes: Tensor, token: Tensor, told: Tensor | None
    ) -> Tensor:
        """(N, h, w) logits. features (B, C, h, w); boxes (N, 4); token (N, width) as described, `told` as read (or None)."""
        written = self.objects.write(token)
        if told is not None:
            written = written + self.told(told)
        height, width = features.shape[2:]
        x = torch.cat([features[image_index].flatten(2), place(boxes, height, width)], dim=1)
        return self.objects(written, x).unflatten(1, (height, width))  # type: ignore[no-any-return]

    def of_ground(self, features: Tensor, classes: Tensor, image_index: Tensor, token: Tensor) -> Tensor:
        """(N, h, w) logits.

        features (B, C, h, w); classes (B, classes, h/2, w/2) logits, of which the phrase picks its own; token (N, width)
        the image as the phrase sees it.
        """
        height, width = features.shape[2:]
        y, x = _grid(height, width, features)
        where = torch.stack([x.expand(height, width), y.expand(height, width)]).flatten(1) * 2 - 1
        attention = self.classes(token).softmax(1)
        named = torch.einsum("nc,nchw->nhw", attention, classes[image_index].clamp(-8, 8)) / 2
        named = F.interpolate(named[:, None], (height, width), mode="bilinear", align_corners=False).flatten(2)
        maps = torch.cat([features[image_index].flatten(2), where.expand(len(token), -1, -1), named], dim=1)
        return self.ground(self.ground.write(token), maps).unflatten(1, (height, width))  # type: ignore[no-any-return]


def place(boxes: Tensor, height: int, width: int) -> Tensor:
    """Where each cell lies in boxes (N, 4): across and down from -1 to 1 inside, and softly inside; (N, PLACE, h * w)."""
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, ((boxes[:, 2:] - boxes[:, :2]) / 2).clamp_min(2e-3)
    y, x = _grid(height, width, boxes)
    across = ((x[None] - centre[:, 0, None, None]) / half[:, 0, None, None]).expand(-1, height, width)
    down = ((y[None] - centre[:, 1, None, None]) / half[:, 1, None, None]).expand(-1, height, width)
    inside = (6 * (1.1 - torch.maximum(across.abs(), down.abs()))).sigmoid()
    return torch.stack([across.clamp(-3, 3), down.clamp(-3, 3), inside], dim=1).flatten(2)


def _grid(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cell centres in [0, 1]: y (h, 1) and x (1, w)."""
    y = (torch.arange(height, device=like.device, dtype=like.dtype) + 0.5) / height
    x = (torch.arange(width, device=like.device, dtype=like.dtype) + 0.5) / width
    return y[:, None], x[None, :]
