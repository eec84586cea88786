"""What learners' batches share: dataclasses whose tensors go together to a device or into pinned memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tensors:
    """Base of a batch. Tensors in its fields are moved, in nested batches too; whatever else it holds stays."""

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return self._each(lambda t: t.to(device, non_blocking=True))

    def pin_memory(self) -> Self:
        """The same in memory that a GPU can read from."""
        return self._each(lambda t: t.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        changed: dict[str, Tensor | Tensors] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                changed[field.name] = change(value)
            elif isinstance(value, Tensors):
                changed[field.name] = value._each(change)
        return replace(self, **changed)
