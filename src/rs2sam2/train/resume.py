"""Where a run stands, and whether it may go on from its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rs2sam2.checkpoint.folder import BUNDLED
from rs2sam2.errors import UsageError
from rs2sam2.train.recipe import Recipe


@dataclass
class State:
    """Where a run stands."""

    step: int = 0
    """Optimizer steps done."""
    epoch: int = 0
    position: int = 0
    """Steps done in this epoch."""
    validated: int = -1
    """Step of the last validation."""
    best: float = -1.0
    """Highest mIoU + oIoU so far."""
    best_step: int = 0
    seconds: float = 0.0
    """Spent on the run, over all its parts."""
    values: dict[str, float] = field(default_factory=dict)
    """Of the last validation."""
    finished: bool = False
    """Whether the weights of the last step were validated and written: a run may be stopped between the two."""


def check_same(checkpoint: Path, saved: Mapping[str, Any], recipe: Recipe, items: int, data: Mapping[str, str]) -> None:
    """Raise UsageError where the state `saved` is of another batch or other data than those of the run that goes on.

    `items` to train on, `data`: their fingerprint. Older checkpoints have none, and go on.
    """
    anew = "or start anew with --init.weights from its folder last and another --output"
    batch = saved["recipe"]["batch"]
    if batch != recipe.batch:  # steps and their place in the epoch are counted in batches
        raise UsageError(f"{checkpoint} is of batch {batch}, not {recipe.batch}; go on with --batch={batch}, {anew}")
    if saved["items"] != items:
        raise UsageError(
            f"{checkpoint} was trained on {saved['items']} items, now there are {items}; restore the data, {anew}"
        )
    before = saved.get("data", data)["train"]
    if before != data["train"]:
        raise UsageError(
            f"{checkpoint} was trained on other data ({before}; now {data['train']}); restore the data, {anew}"
        )


def without_start(recipe: Recipe, last: Path) -> Recipe:
    """The recipe of a run that goes on, with other weights to start from where its own are gone.

    The checkpoint replaces every weight, so that shapes and a vocabulary are enough: those in `last`, or of a fresh start.
    """
    init = getattr(recipe.options, "init", None)
    if init is None:
        return recipe
    gone = [path for path in (init.weights, init.lite0) if path is not None and _is_gone(str(path))]
    if not gone or (init.weights is not None and not last.is_dir()):
        return recipe
    vocabulary = None if init.vocabulary is None or _is_gone(str(init.vocabulary)) else init.vocabulary
    start = type(init)(weights=None if init.weights is None else str(last), vocabulary=vocabulary)
    return replace(recipe, options=replace(recipe.options, init=start))


def _is_gone(named: str) -> bool:
    """Whether this is neither in the package nor a file or folder here; an id on the hub counts as gone, being far."""
    return named != BUNDLED and not Path(named).exists()


def differences(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    """Entries of two nested dicts that differ: (dotted key, before, now)."""
    out: list[tuple[str, Any, Any]] = []
    for key in sorted({*before, *now}):
        a, b = before.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            out += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            out.append((prefix + key, a, b))
    return out
