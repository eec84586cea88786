"""SAM2's feature pyramid neck, as far as an image needs it."""

from __future__ import annotations

from torch import Tensor, nn


class Lateral(nn.Conv2d):
    """A convolution that takes maps of any dtype: the trunk may compute in bfloat16 where the rest does not."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H, W)."""
        return super().forward(x.to(self.weight.dtype))


class Neck(nn.Module):
    """1x1 convolutions to one width; the stride-16 map alone gets the coarser one (nearest 2x) added."""

    def __init__(self, channels: tuple[int, int, int, int], width: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(Lateral(c, width, 1) for c in channels)

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Four maps (B, C, H, W) at strides 4-32, in any dtype -> three (B, width, H, W) at strides 4, 8, 16."""
        stride4, stride8, stride16, stride32 = (conv(x) for conv, x in zip(self.laterals, maps, strict=True))
        finer = stride16.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)) + stride32[:, :, :, None, :, None]
        return stride4, stride8, finer.flatten(4, 5).flatten(2, 3)
