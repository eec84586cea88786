"""The random number generators of a process: torch's, CUDA's, NumPy's and Python's."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor


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
