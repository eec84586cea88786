"""bfloat16 where a recipe asks for it, and the memory saved by computing blocks twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from rs2sam2.train.recipe import PrecisionName


def round_parameters(module: nn.Module) -> None:
    """Parameters to bfloat16, in place; buffers (position codes) stay as they are."""
    for parameter in module.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)


def rounded(module: nn.Module, parts: Sequence[nn.Module]) -> dict[str, Tensor]:
    """Round the parameters of `parts` of a module; what they were, on the CPU, by their names in the module."""
    low = {id(parameter) for part in parts for parameter in part.parameters()}
    exact = {name: p.detach().cpu() for name, p in module.named_parameters() if id(p) in low}
    for part in parts:
        round_parameters(part)
    return exact


def isolate(module: nn.Module, inner: Iterable[nn.Module] = ()) -> None:
    """Let a bfloat16 module live among float32 ones: floating inputs are rounded on the way in, outputs widened.

    `inner`: parts of it that are also called from outside, of which inputs alone are rounded.
    """

    def down(_: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(_cast(a, torch.bfloat16) for a in arguments)

    def up(_module: nn.Module, _arguments: Any, output: Any) -> Any:
        return (
            tuple(_cast(o, torch.float32) for o in output)
            if isinstance(output, tuple)
            else _cast(output, torch.float32)
        )

    for part in (module, *inner):
        part.register_forward_pre_hook(down)
    module.register_forward_hook(up)


def _cast(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def arithmetic(precision: PrecisionName, device: torch.device) -> AbstractContextManager[Any]:
    """Context of a forward pass."""
    if precision == "autocast":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def recompute(blocks: Iterable[nn.Module]) -> None:
    """Keep only the inputs of each block for the backward pass, and compute the block again there."""
    for block in blocks:
        # the attribute is found before the class's method; parameter names stay as they are
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
