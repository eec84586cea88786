"""A small convolutional trunk for CPUs: EfficientNet-Lite0, then text adapters on its maps. Tensors are (B, C, H, W).

Architecture: M. Tan and Q. Le, "EfficientNet", ICML 2019, in the Lite variant (no squeeze-and-excitation, ReLU6).
Batch norm is folded into the convolutions, so there are none here: each convolution has a bias.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.config import LiteConfig
from rs2sam2.model.adapters import TextAdapter

KERNELS = (3, 3, 5, 3, 5, 5, 3)  # of the seven groups
STRIDES = (1, 2, 2, 2, 1, 2, 1)  # of the first block in each
EXPANSIONS = (1, 6, 6, 6, 6, 6, 6)
STRIPS = 4
REACH = 12
"""Rows of the image beyond a strip that its map at stride 4 depends on: 9, in whole cells."""
LARGE = 512
"""Images of so many rows or fewer are not cut."""


class LiteTrunk(nn.Module):
    """Maps at strides 4, 8, 16, 32; the three coarse ones are conditioned on the text, coarse to fine."""

    def __init__(self, config: LiteConfig, text_width: int | None) -> None:
        super().__init__()
        self.channels = config.channels
        self.text_free_maps = 4 if text_width is None else 1
        self.stem = nn.Conv2d(3, config.stem, 3, stride=2, padding=1)
        self.groups = nn.ModuleList()
        width = config.stem
        for group, (out, repeats) in enumerate(zip(config.widths, config.repeats, strict=True)):
            blocks = []
            for i in range(repeats):
                blocks.append(
                    InvertedBottleneck(width, out, EXPANSIONS[group], KERNELS[group], STRIDES[group] if i == 0 else 1)
                )
                width = out
            self.groups.append(nn.Sequential(*blocks))
        self.text_adapters = None
        if text_width is not None:
            coarse_to_fine = list(reversed(self.channels[1:]))
            self.text_adapters = nn.ModuleList(
                TextAdapter(channels, config.adapter_width, text_width, last=i == len(coarse_to_fine) - 1)
                for i, channels in enumerate(coarse_to_fine)
            )

    def embed(self, image: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> four maps (B, C, S / stride, S / stride)."""
        return self._late(self._early(image))

    def embed_in_strips(self, image: Tensor) -> list[Tensor]:
        """The same maps, that at stride 4 computed strip by strip in large images: what it widens to then stays in the cache.

        Strips overlap by what the convolutions reach, so that nothing changes. For inference: in training every strip's
        maps would be kept.
        """
        height = image.shape[2]
        if height <= LARGE or height % (4 * STRIPS):
            return self.embed(image)
        rows = height // STRIPS
        strips = []
        for top in range(0, height, rows):
            above, below = min(top, REACH), min(height - top - rows, REACH)
            m4 = self._early(image[:, :, top - above : top + rows + below])
            strips.append(m4[:, :, above // 4 : (above + rows) // 4])
        return self._late(torch.cat(strips, dim=2))

    def _early(self, image: Tensor) -> Tensor:
        """The map at stride 4 of an image, or of rows of one."""
        return self.groups[1](self.groups[0](_with_relu6(self.stem, image)))  # type: ignore[no-any-return]

    def _late(self, m4: Tensor) -> list[Tensor]:
        """All four maps from the first."""
        m8 = self.groups[2](m4)
        m16 = self.groups[4](self.groups[3](m8))
        return [m4, m8, m16, self.groups[6](self.groups[5](m16))]

    def forward(
        self, features: list[Tensor], text: Tensor | None, text_padding: Tensor | None
    ) -> tuple[list[Tensor], Tensor | None]:
        """Four maps and text (B, L, T) -> four maps and text, conditioned on each other."""
        maps = list(features)
        if self.text_adapters is not None and text is not None:
            for adapter, level in zip(self.text_adapters, (3, 2, 1), strict=True):
                h, text = adapter(maps[level].permute(0, 2, 3, 1), text, text_padding)
                maps[level] = h.permute(0, 3, 1, 2)
        return maps, text


class InvertedBottleneck(nn.Module):
    """Widen 1x1, filter each channel k x k, narrow 1x1; a skip where the shape allows."""

    def __init__(self, width_in: int, width: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        hidden = width_in * expansion
        self.skip = stride == 1 and width_in == width
        self.widen = nn.Conv2d(width_in, hidden, 1) if expansion > 1 else None
        self.filter = nn.Conv2d(hidden, hidden, kernel, stride=stride, padding=kernel // 2, groups=hidden)
        self.narrow = nn.Conv2d(hidden, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H', W')."""
        y = x if self.widen is None else _with_relu6(self.widen, x)
        y = self.narrow(_with_relu6(self.filter, y))
        return x + y if self.skip else y  # type: ignore[no-any-return]


def _with_relu6(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """ReLU6 of a convolution; in inference on a CPU in one go, which spares a pass over the widest maps there are.

    Elsewhere in place: a convolution's gradient does not need what it gave.
    """
    plain = torch.is_grad_enabled() or torch.compiler.is_compiling() or not _fuses()
    if plain or x.device.type != "cpu" or x.dtype != torch.float32:
        return F.relu6(conv(x), inplace=True)
    return torch.ops.mkldnn._convolution_pointwise(  # type: ignore[no-any-return]
        x, conv.weight, conv.bias, conv.padding, conv.stride, conv.dilation, conv.groups, "hardtanh", [0.0, 6.0], ""
    )


@cache
def _fuses() -> bool:
    """Whether this torch has oneDNN's convolutions with what follows them, which torch.compile, too, makes use of."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
