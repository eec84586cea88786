"""The object-first model as a learner."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from rs2sam2.data.language.known import names_a_class
from rs2sam2.data.language.plain import plain
from rs2sam2.data.present import check_files
from rs2sam2.data.registry import open_dataset
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError
from rs2sam2.objects.files import save
from rs2sam2.objects.model import ObjectFirst
from rs2sam2.objects.segmenter import ObjectSegmenter
from rs2sam2.tokenizer import Tokenizer
from rs2sam2.train.build import require
from rs2sam2.train.learner import Group
from rs2sam2.train.objects.beside import never_beside
from rs2sam2.train.objects.calibration import FEWEST, Question, Slope, fit, presence_logits
from rs2sam2.train.objects.data import (
    TrainingBatch,
    TrainingItem,
    ViewItems,
    bank_of,
    collate_both,
    draw_asked,
    readable,
)
from rs2sam2.train.objects.layouts import LayoutSampler, read_layouts
from rs2sam2.train.objects.module import TrainedObjects
from rs2sam2.train.objects.options import Options
from rs2sam2.train.objects.pools import check_there, open_parted
from rs2sam2.train.objects.start import after_lessons, freeze, start
from rs2sam2.train.provenance import fingerprint
from rs2sam2.train.recipe import Recipe
from rs2sam2.train.validation import readable as readable_samples
from rs2sam2.train.validation import thin

PREFIX = "model."
"""Of the model's names in the module."""


class ObjectFirstLearner:
    """See `rs2sam2.train.learner.Learner`."""

    Options: ClassVar[type[Any]] = Options

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        """Raises UsageError, WeightsError, VocabularyError or DataError."""
        require(
            recipe.compute.precision in ("float32", "autocast"),
            f"compute.precision {recipe.compute.precision} is not for this learner; choose float32 or autocast",
        )
        require(
            recipe.compute.parallel == "ddp", "compute.parallel fsdp is for large models; choose ddp for this learner"
        )
        self.recipe, self.options, self.device = recipe, recipe.options, device
        data = self.options.data
        if not Path(data.root).is_dir():
            raise DataError(f"no folder {data.root} with imagery to train on; give it with --data.root=DIR")
        check_there(Path(data.root), data.pools, data.layouts)  # of all, before any is read
        model, self.vocabulary, notes = start(self.options.init, self.options.model, recipe.seed)
        self.config = model.config
        self.tokenizer = Tokenizer(self.vocabulary, self.config.vocabulary, self.config.max_tokens)
        self.collate: Callable[[Sequence[TrainingItem]], TrainingBatch] = partial(
            collate_both, tokenizer=self.tokenizer
        )
        real = [] if data.layouts is None else read_layouts(Path(data.root) / data.layouts)
        val = [] if data.refs is None else open_dataset(data.refs).read(data.val)
        beside = never_beside({phrase.layout for phrase in real}, data.rare)
        self.pools, self.held_out = open_parted(Path(data.root), data.pools, data.calibration.share, beside)
        self.config = after_lessons(model.config, {name for pool in self.pools for name in pool.shown()})
        self.layouts = (
            LayoutSampler(real, self.config, data.no_target, data.hard, data.imagined, data.freely) if real else None
        )
        self._val: list[Sample]
        self._val, short_of = readable_samples(
            val, lambda phrase: self.tokenizer.reads(plain(phrase, self.config.taught)), data.val
        )
        check_files(thin(self._val, recipe.validation.limit))
        self.notes = [*notes, *short_of, f"images: {', '.join(f'{p.name} {len(p)}' for p in self.pools)}"]
        foreign = sorted({name for pool in self.pools for name in pool.classes()} - self.config.numbers.keys())
        if foreign:
            self.notes.append(
                f"no classes of the model, so hardly found: {', '.join(foreign)}; name them in --model.things or --model.stuff"
            )
        if self.config.untaught:
            self.notes.append(f"classes that no image shows, known by name alone: {', '.join(self.config.untaught)}")
        if self.layouts is None:
            model.describe.unseen.requires_grad_(False)  # stands for the looks of layouts, of which there are none
        else:
            self.notes.append(f"{len(real)} real phrases over layouts")
        self._questions = self._ask() if self.held_out else []
        there = [answer for question in self._questions for answer in question.there]
        self._calibrates = min(there.count(True), there.count(False)) >= FEWEST
        if not self._calibrates:
            self.notes.append(
                f"presence is not calibrated: the images held out give {there.count(True)} phrases with a target and "
                f"{there.count(False)} without, of {FEWEST} each; raise data.calibration.share or views"
            )
        freeze(model, self.options.freeze)
        self.module: nn.Module = TrainedObjects(model, self.options.losses).to(device)
        self._model = model
        self._calibrated: tuple[str, Slope] | None = None

    def groups(self) -> list[Group]:
        """The trunk with its stem, and the rest. Empty where all of it is frozen."""
        named: dict[str, dict[str, nn.Parameter]] = {"trunk": {}, "rest": {}}
        for name, parameter in self.module.named_parameters():
            if parameter.requires_grad:
                named["trunk" if name.startswith(PREFIX + "trunk.") else "rest"][name] = parameter
        return [Group(name, parameters) for name, parameters in named.items()]

    def blocks(self) -> list[nn.Module]:
        """Groups of the trunk, and layers of the reader."""
        return [*self._model.trunk.groups, *self._model.reader.layers]

    def shards(self) -> list[nn.Module]:
        """None: all of the model is of one dtype."""
        return []

    def training_data(self) -> ViewItems:
        """Views with phrases."""
        return ViewItems(
            self.pools, self.layouts, self.options.data, self.config, self.tokenizer.reads, seed=self.recipe.seed
        )

    def validation_data(self) -> list[Sample]:
        """The split `data.val` of the data set `data.refs`, where there is one."""
        return self._val

    def segmenter(self, state: Mapping[str, Tensor]) -> ObjectSegmenter:
        """The model with these weights, presence calibrated."""
        return ObjectSegmenter(self._with(state), self.tokenizer)

    def save(self, folder: Path, state: Mapping[str, Tensor]) -> None:
        """config.json, model.safetensors and the vocabulary."""
        save(self._with(state), folder, self.vocabulary, torch.float32, {"recipe": self.recipe.name})

    def fingerprint(self) -> dict[str, str]:
        """Of the pools' images and of the validation split."""
        digest = hashlib.sha256()
        for pool in self.pools:
            for entry in pool.contents():
                digest.update(repr((pool.name, *entry)).encode())
        images = sum(len(pool) for pool in self.pools)
        seen = f"{images} samples in {len(self.pools)} pools, sha256 {digest.hexdigest()[:16]}"
        return {"train": seen} | ({"val": fingerprint(self._val)} if self._val else {})

    def _with(self, state: Mapping[str, Tensor]) -> ObjectFirst:
        """A plain model with the tensors of `state`, calibrated."""
        with torch.device("meta"):
            model = ObjectFirst(self.config)
        model.load_state_dict({n.removeprefix(PREFIX): t for n, t in state.items()}, strict=True, assign=True)
        model.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        if self._calibrates:
            model.config = self._slope(model).of(self.config)
        return model

    def _slope(self, model: ObjectFirst) -> Slope:
        """Fitted on the held-out images; remembered, since weights are validated and kept more than once."""
        digest = hashlib.sha256()
        for tensor in model.state_dict().values():
            digest.update(tensor.contiguous().cpu().numpy().tobytes())
        if self._calibrated is None or self._calibrated[0] != digest.hexdigest():
            logits, there, _ = presence_logits(model, self.tokenizer, self._questions)
            line = fit(logits, there)
            self._calibrated = digest.hexdigest(), line or Slope()
        return self._calibrated[1]

    def _ask(self) -> list[Question]:
        """Phrases about held-out images, the same in every run of a seed. They are not photographed anew: users' are not.

        Those that name no class of the model are left out: their presence is cut, whatever is fitted.
        """
        data, classes = self.options.data, self.config.taught

        def counts(phrase: str) -> bool:
            said = plain(phrase, classes)
            return self.tokenizer.reads(said) and names_a_class(said, classes)

        random = Random(f"{self.recipe.seed}/held out")
        bank = bank_of(self.held_out, data, random)
        drawn = [
            draw_asked(self.held_out, bank, data, self.config.image_size, random, anew=False)
            for _ in range(data.calibration.views)
        ]
        kept = [(view.image, readable(asked, counts)) for view, asked in drawn]
        return [Question(image, [a.phrase for a in asked], [a.there for a in asked]) for image, asked in kept]
