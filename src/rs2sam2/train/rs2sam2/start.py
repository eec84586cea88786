"""The model that a run starts from: a configuration from scratch, or weights, with components switched on or off."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rs2sam2.checkpoint.folder import BUNDLED, VOCABULARY_FILE, load_model, locate, open_folder
from rs2sam2.config import LiteConfig, RS2SAM2Config
from rs2sam2.errors import UsageError, VocabularyError, WeightsError
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.presets import preset
from rs2sam2.train.build import merged
from rs2sam2.train.lite0 import load_lite0
from rs2sam2.train.rs2sam2.options import Init


def start(init: Init, changes: dict[str, Any]) -> tuple[RS2SAM2, Path, list[str]]:
    """The model in float32 on the CPU, its vocabulary, and what is worth telling about where its weights come from.

    Draws what starts fresh from torch's generator. Raises UsageError, WeightsError or VocabularyError.
    """
    changes = dict(changes)
    name = changes.pop("preset", None)
    if init.weights is None:
        config = changed(preset(name or "large"), changes)
        model, notes, beside = RS2SAM2(config), ["all weights start fresh"], None
        if init.lite0 is not None:
            if not isinstance(config.trunk, LiteConfig):
                raise UsageError(f"recipe: init.lite0 is for a trunk of kind lite, this one is {config.trunk.kind}")
            load_lite0(model.trunk, Path(init.lite0))
            notes = ["the trunk starts from EfficientNet-Lite0, the rest fresh"]
        return model, _vocabulary(init, beside), notes
    if name is not None or init.lite0 is not None:
        raise UsageError(
            "recipe: model.preset and init.lite0 are for a fresh start; leave them out (--model.preset=null where the recipe "
            "has one), or set --init.weights=null"
        )
    folder = open_folder(locate(init.weights, init.revision, init.subfolder))
    vocabulary = _vocabulary(init, folder.vocabulary)
    loaded = load_model(folder.plan)
    config = changed(loaded.config, changes)
    if config == loaded.config:
        for parameter in loaded.parameters():
            parameter.data = parameter.data.clone()  # files stay mapped else, and training writes
        return loaded, vocabulary, [f"weights from {folder.path}"]
    model, notes = _carry(loaded, config, folder.path)
    return model, vocabulary, notes


def _carry(loaded: RS2SAM2, config: RS2SAM2Config, path: Path) -> tuple[RS2SAM2, list[str]]:
    """The loaded weights in a model of a changed configuration: what is new starts fresh, what is gone is dropped."""
    model, given = RS2SAM2(config), loaded.state_dict()
    wanted = model.state_dict()
    other = [n for n, t in wanted.items() if n in given and given[n].shape != t.shape]
    if other:
        raise WeightsError(
            f"recipe: model changes the shape of {', '.join(other[:3])}{' ...' if len(other) > 3 else ''}, so the weights of {path} "
            "do not fit; change the size at import-weights, or start fresh with --init.weights=null"
        )
    model.load_state_dict({n: given.get(n, t) for n, t in wanted.items()})
    notes = [f"weights from {path}"]
    if fresh := _parts(wanted, given):
        notes.append(f"start fresh: {fresh}")
    if gone := _parts(given, wanted):
        notes.append(f"dropped: {gone}")
    return model, notes


def _parts(state: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> str:
    """What of `state` the other has not: the outermost modules that it lacks, those of a row as one, counted."""
    there = {".".join(path[: i + 1]) for name in other for path in (name.split("."),) for i in range(len(path))}
    counts: Counter[str] = Counter()
    for name in sorted(state.keys() - other.keys()):
        path = name.split(".")
        part = next(p for i in range(len(path)) if (p := ".".join(path[: i + 1])) not in there)
        counts[re.sub(r"\.\d+\b", ".*", part)] += state[name].numel()
    return ", ".join(f"{part} ({count:,} parameters)" for part, count in counts.items())


def changed(config: RS2SAM2Config, changes: dict[str, Any]) -> RS2SAM2Config:
    """A configuration with nested entries replaced. Raises UsageError for what is unknown or of a wrong type."""
    return RS2SAM2Config.from_dict(merged(config.to_dict(), changes))


def _vocabulary(init: Init, beside: Path | None) -> Path:
    if init.vocabulary == BUNDLED:
        return Path(str(files("rs2sam2"))) / "assets" / BUNDLED / VOCABULARY_FILE
    path = Path(init.vocabulary) if init.vocabulary is not None else beside
    if path is None:
        raise VocabularyError("no vocabulary to train with; give BEiT-3's: --init.vocabulary=beit3.spm")
    return path


def seeded_start(init: Init, changes: dict[str, Any], seed: int) -> tuple[RS2SAM2, Path, list[str]]:
    """`start`, the same every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return start(init, changes)
