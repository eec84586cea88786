"""The model that a run starts from: fresh, fresh with an ImageNet trunk, or from weights of a like configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from rs2sam2.checkpoint.folder import BUNDLED, VOCABULARY_FILE, is_object_first, locate
from rs2sam2.data.language.lexicon import KINDS_OF, canonical
from rs2sam2.errors import VocabularyError, WeightsError
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.files import load
from rs2sam2.objects.model import ObjectFirst
from rs2sam2.train.build import merged, require
from rs2sam2.train.lite0 import load_lite0
from rs2sam2.train.objects.options import Init

STEM = ("trunk.stem", "trunk.groups.0", "trunk.groups.1")
"""What `stem` means in `freeze`: early filters, which are general."""


def start(init: Init, changes: dict[str, Any], seed: int) -> tuple[ObjectFirst, Path, list[str]]:
    """The model in float32 on the CPU, its vocabulary, and what is worth telling about where its weights come from.

    The same every time for a seed. Raises UsageError for a configuration that cannot be, WeightsError, VocabularyError.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if init.weights is None:
            config = changed(ObjectFirstConfig(), changes)
            model, notes = ObjectFirst(replace(config, untaught=config.classes)), ["all weights start fresh"]
            if init.lite0 is not None:
                load_lite0(model.trunk, Path(init.lite0))
                notes = ["the trunk starts from EfficientNet-Lite0, the rest fresh"]
            return model, _vocabulary(init, None), notes
        path = locate(init.weights)
        if not is_object_first(path):
            raise WeightsError(f"init.weights {path} is no object-first model; give one, or null for a fresh start")
        given = load(path)
        model = ObjectFirst(changed(given.config, changes))
        return model, _vocabulary(init, path), _carry(given, model, path)


def _carry(given: ObjectFirst, model: ObjectFirst, path: Path) -> list[str]:
    """Fill `model` with what fits it of `given`; say what starts fresh."""
    old, new = given.state_dict(), model.state_dict()
    kept = {n: old[n] for n, t in new.items() if n in old and old[n].shape == t.shape}
    model.load_state_dict(new | kept)
    fresh = sorted({n.rpartition(".")[0] or n for n in new.keys() - kept.keys()})
    return [f"weights from {path}"] + ([f"start fresh, being of another shape: {', '.join(fresh)}"] if fresh else [])


def freeze(model: ObjectFirst, parts: Sequence[str]) -> None:
    """Leave the named parts as they are. Raises UsageError for a part that the model does not have."""
    names = [name for name, _ in model.named_parameters()]
    for part in parts:
        paths = STEM if part == "stem" else (part,)
        fits = {name for name in names if any(name == path or name.startswith(path + ".") for path in paths)}
        known = ", ".join(["stem", *(name for name, _ in model.named_children())])
        require(bool(fits), f"freeze names {part!r}; the parts are {known}, or a part of one such as trunk.groups.2")
        for name, parameter in model.named_parameters():
            if name in fits:
                parameter.requires_grad_(False)


def changed(config: ObjectFirstConfig, changes: dict[str, Any]) -> ObjectFirstConfig:
    """A configuration with nested entries replaced, not calibrated; classes that are new are untaught.

    Raises UsageError for what is unknown or cannot be.
    """
    anew = {"presence_slope": 1.0, "presence_offset": 0.0, "untaught": []}
    out = ObjectFirstConfig.from_json(json.dumps(merged(json.loads(config.to_json()), anew | changes)))
    return replace(out, untaught=tuple(c for c in out.classes if c not in config.taught))


def after_lessons(config: ObjectFirstConfig, shown: Iterable[str]) -> ObjectFirstConfig:
    """The configuration once training has shown these classes."""
    taught = {canonical(name) for name in shown}
    taught |= {general for general, kinds in KINDS_OF.items() if kinds & taught}
    return replace(config, untaught=tuple(name for name in config.untaught if canonical(name) not in taught))


def _vocabulary(init: Init, beside: Path | None) -> Path:
    if init.vocabulary is None and beside is not None:
        path = beside / VOCABULARY_FILE
    elif init.vocabulary in (None, BUNDLED):
        path = Path(str(files("rs2sam2"))) / "assets" / BUNDLED / VOCABULARY_FILE
    else:
        path = Path(str(init.vocabulary))
    if not path.is_file():
        raise VocabularyError(f"no vocabulary at {path}; give one with --init.vocabulary=FILE")
    return path
