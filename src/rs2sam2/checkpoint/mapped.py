"""A safetensors file in memory by map, so that its pages can be let go of again.

The format is an 8-byte length, a JSON header and the data: https://github.com/huggingface/safetensors#format. The
library's own map keeps every page it has read until its last tensor is gone, which doubles the memory of a conversion.
"""

from __future__ import annotations

import json
import math
import mmap
from pathlib import Path

import torch
from torch import Tensor

from rs2sam2.checkpoint.files import DTYPE_NAMES

DTYPES = {name: dtype for dtype, name in DTYPE_NAMES.items()}


class MappedSafetensors:
    """The tensors of a file that is known to be whole."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            self._header = json.loads(file.read(length))
            # private and writable, as torch wants its memory; nothing ever goes back to the file
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self._start = 8 + length

    def __contains__(self, name: str) -> bool:
        """Whether the tensor is of a kind that can be mapped."""
        return self._header[name]["dtype"] in DTYPES

    def tensor(self, name: str) -> Tensor:
        """The tensor where it lies; do not write into it."""
        entry = self._header[name]
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        if 0 in shape:
            return torch.empty(shape, dtype=dtype)
        offset = self._start + entry["data_offsets"][0]
        return torch.frombuffer(self._map, dtype=dtype, count=math.prod(shape), offset=offset).view(shape)

    def release(self) -> None:
        """Let go of what was read so far. Tensors stay valid: what is used again is read again."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
