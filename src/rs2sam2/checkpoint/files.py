"""Write safetensors without a second copy in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from rs2sam2.errors import WeightsError
from rs2sam2.files import atomic

DTYPE_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def write_safetensors(
    path: Path,
    shapes: Mapping[str, tuple[torch.dtype, tuple[int, ...]]],
    tensor: Callable[[str], Tensor],
    metadata: Mapping[str, str],
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write the tensors named in `shapes` one after the other, asking `tensor(name)` for each.

    The library's own writer wants all tensors at once and copies them to bytes. The format is an 8-byte length, a JSON
    header and the data: https://github.com/huggingface/safetensors#format. `progress` gets the bytes written so far.
    Raises WeightsError for a type of numbers that is none of `DTYPE_NAMES`.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt", **metadata}}
    offset = 0
    for name, (dtype, shape) in shapes.items():
        if dtype not in DTYPE_NAMES:
            kind = str(dtype).removeprefix("torch.")
            raise WeightsError(
                f"{name} is of type {kind}, which is not written; convert it to float16 or bfloat16 first"
            )
        size = torch.Size(shape).numel() * dtype.itemsize
        header[name] = {"dtype": DTYPE_NAMES[dtype], "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        done = 0
        for name, (dtype, shape) in shapes.items():
            value = tensor(name).detach().cpu().contiguous()
            assert value.dtype == dtype and tuple(value.shape) == tuple(shape), name
            file.write(value.reshape(-1).view(torch.uint8).numpy().data)
            done += value.nbytes
            progress(done)
