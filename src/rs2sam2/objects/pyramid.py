"""From the trunk's maps to what objects are found, described and outlined with. Tensors are (B, C, H, W)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.objects.config import ObjectFirstConfig

OBJECT_FEATURES = 16
PIXEL_FEATURES = 32
RARE = -4.6
"""Bias of the class maps at the start: one cell in a hundred is taken for a centre, as in focal-loss detectors."""


@dataclass
class ImageFeatures:
    """What is known of B images before any phrase. S is the image size."""

    shared: Tensor  # (B, P, S/8, S/8)
    context: Tensor  # (B, P, S/32, S/32)
    colours: Tensor  # (B, 3, S/8, S/8), the image itself, averaged
    centres: Tensor  # (B, things, S/8, S/8), logits: an object of that class is centred in this cell
    boxes: Tensor  # (B, 4, S/8, S/8), x0 y0 x1 y1 in [0, 1], of the object each cell belongs to
    classes: Tensor  # (B, classes, S/8, S/8), logits: this cell belongs to that class
    object_features: Tensor  # (B, OBJECT_FEATURES, S/4, S/4), for the masks of objects
    pixel_features: Tensor  # (B, PIXEL_FEATURES, S/4, S/4), for masks without an object


class Separable(nn.Module):
    """Depthwise k x k and pointwise convolution, group norm, ReLU."""

    def __init__(self, width_in: int, width: int, kernel: int = 5) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width_in, width_in, kernel, padding=kernel // 2, groups=width_in, bias=False)
        self.pointwise = nn.Conv2d(width_in, width, 1, bias=False)
        self.norm = nn.GroupNorm(8, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H, W)."""
        return F.relu(self.norm(self.pointwise(self.depthwise(x))))


class Pyramid(nn.Module):
    """Coarse maps tell fine ones what they see; heads read centres, boxes, classes and mask features off them."""

    def __init__(self, config: ObjectFirstConfig) -> None:
        super().__init__()
        self.image_size = config.image_size
        c4, c8, c16, c32 = config.trunk.channels
        width, fine = config.pyramid, config.pyramid // 2
        self.lateral32 = nn.Conv2d(c32, width, 1)
        self.lateral16 = nn.Conv2d(c16, width, 1)
        self.lateral8 = nn.Conv2d(c8, width, 1)
        self.lateral4 = nn.Conv2d(c4, fine, 1)
        self.whole = nn.Linear(c32, width)  # of the image's mean
        self.mix32 = nn.Sequential(Separable(width, width, 7), Separable(width, width, 7))
        self.mix16 = Separable(width, width)
        self.mix8 = nn.Sequential(Separable(width, width), Separable(width, width))
        self.to_fine = nn.Conv2d(width, fine, 1)
        self.mix4 = Separable(fine, fine)
        self.found = Separable(width, width)
        self.sized = nn.Sequential(Separable(width, width), Separable(width, width))
        self.centres = nn.Conv2d(width, len(config.things), 1)
        self.sides = nn.Conv2d(width, 4, 1)
        self.classes = nn.Conv2d(width, len(config.classes), 1)
        self.object_features = nn.Conv2d(fine, OBJECT_FEATURES, 1)
        self.pixel_features = nn.Conv2d(fine, PIXEL_FEATURES, 1)
        for head in (self.centres, self.classes):
            nn.init.normal_(head.weight, std=0.01)
            nn.init.constant_(head.bias, RARE)  # type: ignore[arg-type]

    def forward(self, maps: list[Tensor], image: Tensor) -> ImageFeatures:
        """Maps at strides 4, 8, 16, 32 and the normalised image (B, 3, S, S)."""
        p4, p8, p32 = self._mixed(maps)
        found = self.found(p8)
        return ImageFeatures(
            shared=p8,
            context=p32,
            colours=F.avg_pool2d(image, 8),
            centres=self.centres(found),
            boxes=self._boxes(self.sides(self.sized(p8)), self.image_size / image.shape[-1]),
            classes=self.classes(found),
            object_features=self.object_features(p4),
            pixel_features=self.pixel_features(p4),
        )

    def ground(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """What masks without an object need, and no more: `pixel_features` and `classes` of `ImageFeatures`."""
        p4, p8, _ = self._mixed(maps)
        return self.pixel_features(p4), self.classes(self.found(p8))

    def _mixed(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Coarse to fine; the maps at strides 4, 8 and 32."""
        m4, m8, m16, m32 = maps
        whole = self.whole(m32.mean((2, 3)))[:, :, None, None]
        p32 = self.mix32(self.lateral32(m32) + whole)
        p16 = self.mix16(self.lateral16(m16) + _double(p32))
        p8 = self.mix8(self.lateral8(m8) + _double(p16))
        return self.mix4(self.lateral4(m4) + _double(self.to_fine(p8))), p8, p32

    def _boxes(self, sides: Tensor, unit: float) -> Tensor:
        """Distances from each cell's centre to the four sides, in `unit` images, to x0 y0 x1 y1 in images.

        In a smaller square than that of training the same pixels are a larger part of it.
        """
        height, width = sides.shape[2:]
        y = (torch.arange(height, device=sides.device, dtype=sides.dtype) + 0.5) / height
        x = (torch.arange(width, device=sides.device, dtype=sides.dtype) + 0.5) / width
        left, top, right, bottom = (0.08 * unit * sides.clamp(-6, 3).exp()).unbind(1)
        x, y = x[None, None, :], y[None, :, None]
        return torch.stack([x - left, y - top, x + right, y + bottom], dim=1)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
