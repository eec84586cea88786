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
    """Count and a hash of all phrases, ids, targets' kinds and image files' names and lengths, in order."""
    digest = hashlib.sha256()
    sizes: dict[Path, int] = {}
    for sample in samples:
        if sample.image not in sizes:
            sizes[sample.image] = sample.image.stat().st_size if sample.image.is_file() else -1
        entry = (sample.id, sample.phrase, sample.image.name, sizes[sample.image], len(sample.targets))
        digest.update(repr(entry).encode())
    return f"{len(samples)} samples, {len(sizes)} images, sha256 {digest.hexdigest()[:16]}"


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
