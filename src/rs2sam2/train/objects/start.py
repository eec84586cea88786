"""The model that a run starts from: fresh, fresh with an ImageNet trunk, or from weights of a like configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rs2sam2.checkpoint.folder import BUNDLED, VOCABULARY_FILE, is_object_first, locate
from rs2sam2.data.language.lexicon import KINDS_OF, canonical, noun_of
from rs2sam2.errors import VocabularyError, WeightsError
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.files import load
from rs2sam2.objects.model import ObjectFirst
from rs2sam2.train.build import merged, require
from rs2sam2.train.lite0 import load_lite0
from rs2sam2.train.objects.options import Init

STEM = ("trunk.stem", "trunk.groups.0", "trunk.groups.1")
"""What `stem` means in `freeze`: early filters, which are general."""
BY_CLASS = {
    "pyramid.centres.weight": 0,
    "pyramid.centres.bias": 0,
    "pyramid.classes.weight": 0,
    "pyramid.classes.bias": 0,
    "outline.classes.weight": 0,
    "outline.classes.bias": 0,
    "describe.facts.layers.0.weight": 1,
}
"""Entries that begin with a row for each class (`pyramid.centres`: for each thing), and the dimension that rows are of."""


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
        return model, _vocabulary(init, path), [f"weights from {path}", *_carry(given, model)]


def _carry(given: ObjectFirst, model: ObjectFirst) -> list[str]:
    """Fill `model` with what fits it of `given`, classes by their names; say what starts fresh, classes being untaught then."""
    old, new = given.state_dict(), model.state_dict()
    before, after = given.config, model.config
    was = {i: j for i, name in enumerate(after.classes) if (j := before.numbers.get(name)) is not None}
    was_thing = {i: j for i, j in was.items() if i < len(after.things) and j < len(before.things)}
    kept: dict[str, Tensor] = {}
    for name, tensor in new.items():
        if name in BY_CLASS:
            of_things = name.startswith("pyramid.centres")
            counts = (len(before.things), len(after.things)) if of_things else (len(before.classes), len(after.classes))
            rows = _rows_carried(old[name], tensor, BY_CLASS[name], was_thing if of_things else was, counts)
            kept |= {} if rows is None else {name: rows}
        elif name in old and old[name].shape == tensor.shape:
            kept[name] = old[name]
    model.load_state_dict(new | kept)
    unlike = sorted({n.rpartition(".")[0] or n for n in new.keys() - kept.keys()})
    added = [n for i, n in enumerate(after.classes) if i not in (was_thing if i < len(after.things) else was)]
    fresh = added if kept.keys() >= BY_CLASS.keys() else after.classes
    model.config = replace(after, untaught=tuple(c for c in after.classes if c in fresh or c in after.untaught))
    notes = [f"start fresh, being of another shape: {', '.join(unlike)}"] if unlike else []
    return notes + ([f"start fresh, being new classes: {', '.join(added)}"] if added else [])


def _rows_carried(old: Tensor, new: Tensor, dim: int, was: dict[int, int], counts: tuple[int, int]) -> Tensor | None:
    """`new` with the rows of `old` that `was` names (by new row) and with all that follow the rows of classes.

    `counts`: how many of these each has. None where rows are of another size.
    """
    a, b = old.movedim(dim, 0), new.clone().movedim(dim, 0)
    rest, place = a[counts[0] :], b[counts[1] :]
    if a.shape[1:] != b.shape[1:] or rest.shape != place.shape:
        return None
    b[list(was)] = a[list(was.values())]
    place.copy_(rest)
    return b.movedim(0, dim)


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
    """A configuration with nested entries replaced, not calibrated; classes are named as in data sets, new ones are untaught.

    Raises UsageError for what is unknown or cannot be.
    """
    anew = {"presence_slope": 1.0, "presence_offset": 0.0, "untaught": []}
    changes = changes | _named(config, changes)
    out = ObjectFirstConfig.from_json(json.dumps(merged(json.loads(config.to_json()), anew | changes)))
    taught = {config.numbers[name] for name in config.taught}
    return replace(out, untaught=tuple(c for c in out.classes if config.numbers.get(c) not in taught))


def _named(config: ObjectFirstConfig, changes: dict[str, Any]) -> dict[str, list[str]]:
    """The lists of classes among `changes`, by canonical names; what is no such list is the configuration's to refuse.

    Raises UsageError where two names are of one class: only one of them would be taught.
    """
    lists = {key: changes[key] for key in ("things", "stuff") if isinstance(changes.get(key), list | tuple)}
    lists = {key: names for key, names in lists.items() if all(isinstance(name, str) for name in names)}
    first: dict[str, str] = {}
    for key in ("things", "stuff") if lists else ():
        for name in lists.get(key, getattr(config, key)):
            one = noun_of(name).names[0]
            said = f"model.things and model.stuff name {first.get(one)!r} and {name!r}, which are one class ({one})"
            require(one not in first, f"{said}; leave one of them out")
            first[one] = name
    return {key: [canonical(name) for name in names] for key, names in lists.items()}


def after_lessons(config: ObjectFirstConfig, shown: Iterable[str]) -> ObjectFirstConfig:
    """The configuration once training has shown these classes."""
    taught = {canonical(name) for name in shown}
    taught |= {general for general, kinds in KINDS_OF.items() if kinds & taught}
    numbers = {config.numbers.get(name) for name in taught}
    return replace(config, untaught=tuple(name for name in config.untaught if config.numbers[name] not in numbers))


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
