"""RS2-SAM2 as a learner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from rs2sam2.checkpoint.folder import save_folder
from rs2sam2.config import RS2SAM2Config
from rs2sam2.data.present import check_files
from rs2sam2.data.registry import open_dataset
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError
from rs2sam2.model.hiera import Hiera
from rs2sam2.model.lite import LiteTrunk
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.predictor import RS2SAM2Segmenter, Segmenter
from rs2sam2.tokenizer import Tokenizer
from rs2sam2.train.learner import Group
from rs2sam2.train.precision import isolate
from rs2sam2.train.provenance import fingerprint
from rs2sam2.train.recipe import Recipe
from rs2sam2.train.rs2sam2.batch import Batch, Item, collate
from rs2sam2.train.rs2sam2.components import GROUPS, component, group
from rs2sam2.train.rs2sam2.data import PhraseItems, read_training
from rs2sam2.train.rs2sam2.lora import add_lora, merged
from rs2sam2.train.rs2sam2.module import TrainedModel
from rs2sam2.train.rs2sam2.options import Options
from rs2sam2.train.rs2sam2.start import seeded_start
from rs2sam2.train.validation import readable, thin

PREFIX = "model."
"""Of the model's names in the module."""


class RS2SAM2Learner:
    """See `rs2sam2.train.learner.Learner`."""

    Options: ClassVar[type[Any]] = Options

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        """Raises UsageError, WeightsError, VocabularyError or DataError."""
        self.recipe, self.options, self.device = recipe, recipe.options, device
        data = self.options.data
        samples, self._layouts, self._categories = read_training(data)  # before the weights: it is quick
        val = [] if data.val is None else open_dataset(data.root, data.layout).read(data.val)
        changes = dict(self.options.model)
        if self.options.losses.presence:
            changes.setdefault("presence", True)
        model, self.vocabulary, notes = seeded_start(self.options.init, changes, recipe.seed)
        self.config: RS2SAM2Config = model.config
        self.tokenizer = Tokenizer(self.vocabulary, self.config.beit3.vocabulary, self.config.beit3.max_tokens)
        self._samples, short_of = readable(samples, self.tokenizer.reads, data.train)
        self._val, short_of_val = readable(val, self.tokenizer.reads, str(data.val))
        self.notes = [*notes, *short_of, *short_of_val]
        if not self._samples:
            raise DataError(f"{data.root}: {short_of[0]}; shorten them, or train a model that reads longer ones")
        check_files([*self._samples, *thin(self._val, recipe.validation.limit)])
        self.collate: Callable[[Sequence[Item]], Batch] = partial(collate, tokenizer=self.tokenizer)
        freeze(model, self.options.freeze)
        if self.options.lora is not None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(recipe.seed)
                add_lora(model.beit3, self.options.lora)
        if recipe.compute.precision == "released":
            isolate(model.beit3, [model.beit3.patch_embedding])
        self.module: nn.Module = TrainedModel(model, self.options.losses).to(device)
        self._model = model

    def groups(self) -> list[Group]:
        """Adapters, gate and mask prompt generator; BEiT-3; trunk and neck; the rest. Empty where all of it is frozen."""
        named: dict[str, dict[str, nn.Parameter]] = {name: {} for name in GROUPS}
        for name, parameter in self.module.named_parameters():
            if parameter.requires_grad:
                named[group(name)][name] = parameter
        return [Group(name, parameters) for name, parameters in named.items()]

    def blocks(self) -> list[nn.Module]:
        """Layers of BEiT-3, and blocks of the trunk."""
        trunk: Any = self._model.trunk
        assert isinstance(trunk, Hiera | LiteTrunk)
        return [*self._model.beit3.layers, *(trunk.blocks if isinstance(trunk, Hiera) else trunk.groups)]

    def shards(self) -> list[nn.Module]:
        """BEiT-3 where it alone is to be in bfloat16; its patch embedding is called from outside it."""
        return (
            [self._model.beit3.patch_embedding, self._model.beit3]
            if self.recipe.compute.precision == "released"
            else []
        )

    def training_data(self) -> PhraseItems:
        """Images with phrases."""
        return PhraseItems(
            self._samples,
            self.options.data,
            self.config,
            seed=self.recipe.seed,
            layouts=self._layouts,
            categories=self._categories,
        )

    def validation_data(self) -> list[Sample]:
        """The split `data.val` of the first data set, as far as the model reads its phrases."""
        return self._val

    def segmenter(self, state: Mapping[str, Tensor]) -> Segmenter:
        """The model with these weights; on a GPU in bfloat16 where the run computes in it."""
        fast = self.device.type == "cuda" and self.recipe.compute.precision in ("autocast", "bfloat16")
        return RS2SAM2Segmenter(self._with(state, torch.bfloat16 if fast else torch.float32), self.tokenizer)

    def save(self, folder: Path, state: Mapping[str, Tensor]) -> None:
        """config.json, model.safetensors and the vocabulary."""
        save_folder(self._with(state, torch.float32), folder, self.vocabulary, {"recipe": self.recipe.name})

    def fingerprint(self) -> dict[str, str]:
        """Of the samples trained on, and of the validation split."""
        return {"train": fingerprint(self._samples), "val": fingerprint(self._val)}

    def _with(self, state: Mapping[str, Tensor], dtype: torch.dtype) -> RS2SAM2:
        """A plain model around the tensors of `state`; nothing is copied where the dtype fits."""
        if self.options.lora is not None:
            state = merged(state, self.options.lora)
        with torch.device("meta"):
            model = RS2SAM2(self.config)
        values = {
            name.removeprefix(PREFIX): t if name.endswith("gaussian") else t.to(dtype) for name, t in state.items()
        }
        model.load_state_dict(values, strict=True, assign=True)
        return model.eval()


def freeze(model: nn.Module, components: Sequence[str]) -> None:
    """Leave the named components as they are."""
    for name, parameter in model.named_parameters():
        if component(name) in components:
            parameter.requires_grad_(False)
