"""What makes a run repeatable: the random number generators of a process, and sums in a fixed order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

_FILL = "fill_uninitialized_memory"
"""Of `torch.utils.deterministic`: new memory is written over, which finds bugs and takes time."""


def seed(value: int) -> None:
    """Seed all of them."""
    random.seed(value)
    np.random.seed(value % 2**32)  # noqa: NPY002 (libraries that a learner uses may draw from it)
    torch.manual_seed(value)


def states() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Where they stand: tensors, and what is plain enough for JSON."""
    tensors = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    tensors["numpy"] = torch.from_numpy(np.asarray(keys).astype(np.int64))
    version, numbers, gauss = random.getstate()
    tensors["python"] = torch.tensor(numbers, dtype=torch.int64)
    return tensors, {"numpy": [str(kind), int(position), int(has_gauss), float(cached)], "python": [version, gauss]}


def restore(tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
    """Inverse of `states`."""
    torch.set_rng_state(tensors["torch"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
    kind, position, has_gauss, cached = rest["numpy"]
    np.random.set_state((kind, tensors["numpy"].numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002
    version, gauss = rest["python"]
    random.setstate((version, tuple(tensors["python"].tolist()), gauss))


@contextmanager
def in_fixed_order(device: torch.device) -> Iterator[None]:
    """On a CPU, gradients that add up where an index repeats (several phrases about one image) do so in one order.

    With several threads torch adds them as they come, so that two equal steps differ in their last bits. Done for the
    CPU alone: CUDA has operations that know no fixed order.
    """
    before, settings = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic
    filled = getattr(settings, _FILL)
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
        setattr(settings, _FILL, False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        setattr(settings, _FILL, filled)
