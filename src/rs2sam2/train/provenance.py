"""`run.json`: what was run, with what, on which data."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from rs2sam2 import __version__
from rs2sam2.data.masks import MaskFile
from rs2sam2.data.sample import Sample
from rs2sam2.train.distributed import World
from rs2sam2.train.recipe import Recipe

PACKAGES = ("torch", "numpy", "pillow", "safetensors", "sentencepiece")


def describe_run(recipe: Recipe, world: World, parameters: dict[str, int], data: dict[str, str]) -> dict[str, Any]:
    """Ready for JSON: recipe, command, versions, machine, git state, parameters by group, data fingerprint."""
    return {
        "recipe": recipe.to_dict(),
        "command": sys.argv,
        "versions": {"rs2sam2": __version__, "python": platform.python_version(), **_versions()},
        "machine": {
            "platform": platform.platform(),
            "device": torch.cuda.get_device_name(world.device) if world.device.type == "cuda" else "cpu",
            "threads": torch.get_num_threads(),
            "processes": world.size,
        },
        "git": git_state(Path(__file__).parent),
        "trainable_parameters": parameters,
        "data": data,
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and whether files differ from it; None where the package is not run from a checkout of itself."""
    try:
        top = Path(_git(folder, "rev-parse", "--show-toplevel"))
        if not (top / "src" / "rs2sam2").is_dir():  # some other repository that an environment happens to lie in
            return None
        return {
            "commit": _git(folder, "rev-parse", "HEAD"),
            "changed": bool(_git(folder, "status", "--porcelain", "-uno")),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def fingerprint(samples: Sequence[Sample]) -> str:
    """Count and a hash of all phrases, ids, annotations and image files' names and lengths, in order.

    It does not depend on where the data lies, and reads no image.
    """
    digest = hashlib.sha256()
    lengths: dict[Path, int] = {}

    def name_and_length(file: Path) -> tuple[str, int]:
        if file not in lengths:
            lengths[file] = file.stat().st_size if file.is_file() else -1
        return file.name, lengths[file]

    for sample in samples:
        targets = [
            (*name_and_length(t.path), t.values, t.above) if isinstance(t, MaskFile) else t for t in sample.targets
        ]
        digest.update(repr((sample.id, sample.phrase, name_and_length(sample.image), targets)).encode())
    images = len({sample.image for sample in samples})
    return f"{len(samples)} samples, {images} images, sha256 {digest.hexdigest()[:16]}"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    out = {}
    for package in PACKAGES:
        try:
            out[package] = version(package)
        except PackageNotFoundError:
            continue
    return out
