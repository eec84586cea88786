"""Checkpoints: one safetensors file that appears whole or not at all, the run's state as JSON in its header.

Tensors are written one after the other, so that a sharded model is never whole in memory; nothing in the file can run
code; and it can be read with another number of processes than it was written with.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rs2sam2.checkpoint.files import write_safetensors
from rs2sam2.errors import UsageError, WeightsError
from rs2sam2.files import atomic
from rs2sam2.train.distributed import World, whole

VERSION = 1
KEY = "rs2sam2-checkpoint"


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], state: dict[str, Any], world: World) -> None:
    """Every process calls it, with the same names; the first one writes.

    Raises UsageError in all of them where the file cannot be written; an earlier file of this name is then intact.
    """
    names = list(tensors)
    shapes = {name: (t.dtype, tuple(t.shape)) for name, t in tensors.items()}
    failure = None
    pending = iter(names)

    def fetch(name: str) -> Tensor:
        assert next(pending) == name
        return whole(tensors[name])

    if world.first:
        try:
            text = json.dumps({"version": VERSION, **state})
            write_safetensors(path, shapes, fetch, {KEY: text})
        except UsageError as error:
            intact = "; the checkpoint before it is intact" if path.exists() else ""
            failure = UsageError(f"{error}{intact}; free space, then --resume")
    for name in pending:  # putting a sharded tensor together takes all processes, also after a failure
        whole(tensors[name])
    world.agree(failure)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (mapped, read when used) and state. Raises WeightsError where the file is damaged or no checkpoint."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if KEY not in metadata:
                raise WeightsError(f"{path} is no checkpoint of a training run")
            state = json.loads(metadata[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError, ValueError) as error:
        raise WeightsError(f"checkpoint {path} cannot be read ({error}); start again in another --output") from None
    if state.pop("version", None) != VERSION:
        raise WeightsError(f"checkpoint {path} is of another version; train on with the rs2sam2 that wrote it")
    return tensors, state


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix/`, without it."""
    return {name[len(prefix) + 1 :]: t for name, t in tensors.items() if name.startswith(prefix + "/")}


def check_writable(folder: Path) -> None:
    """Raise UsageError where `folder` could not be written, before hours of work; it is not made yet."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UsageError(f"cannot write to {folder}; choose another folder with -o")


def prepare(folder: Path) -> None:
    """Make the folder of a run, and remove what a killed process left half written. Raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stray in (*folder.glob(".*.tmp*"), *folder.glob("*/.*.tmp*")):
            stray.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {folder} ({error.strerror}); choose another folder with -o") from None


def write_json(path: Path, value: Any) -> None:
    """Readable JSON, atomically."""
    with atomic(path) as file:
        file.write((json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def detached(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Whole float32 copies where something is sharded or of lower precision; else the tensors themselves."""
    return {name: _float(whole(t.detach())) for name, t in tensors.items()}


def _float(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() and tensor.dtype != torch.float32 else tensor
