"""Samples of a referring data set as items: an image with one of its phrases, or with several drawn anew each epoch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rs2sam2.config import RS2SAM2Config
from rs2sam2.data.augmentation import layouts_of
from rs2sam2.data.language.evaluate import execute
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.program import Program
from rs2sam2.data.masks import Mask
from rs2sam2.data.registry import open_dataset
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError, UsageError
from rs2sam2.processor import Processor
from rs2sam2.train.rs2sam2.augment import Referred, augment_together
from rs2sam2.train.rs2sam2.batch import Item
from rs2sam2.train.rs2sam2.options import Data

FOREIGN_TRIES = 8
"""Phrases drawn before giving up on one that does not fit the image."""


Categories = dict[Path, set[str | None]]
"""Classes with a target, by image."""


def read_training(data: Data) -> tuple[list[Sample], dict[Path, Layout], Categories]:
    """The samples to train on, what is annotated in their images where the data set says so, and all classes of each image.

    Raises UsageError or DataError where a data set cannot be read, or the recipe asks for what it does not have.
    """
    samples: list[Sample] = []
    layouts: dict[Path, Layout] = {}
    for root in (data.root, *data.more):
        samples += open_dataset(root, data.layout if root == data.root else None).read(data.train)
        try:
            layouts |= layouts_of(root, data.train)
        except DataError:
            if data.augmentation.crop:
                raise UsageError(
                    f"recipe: data.augmentation.crop needs the layouts that 'rs2sam2 data make-refs' writes, and {root} has none; "
                    "set --data.augmentation.crop=0"
                ) from None
    categories = categories_of(samples)  # of all samples: what is left out below is in the image all the same
    if data.limit is not None and data.limit < len(samples):
        samples = [samples[i * len(samples) // data.limit] for i in range(data.limit)]
    if not samples:
        raise UsageError(f"{data.root} has no samples in its split {data.train!r}; choose another --data.train")
    if data.no_target and not all(sample.category for sample in samples):
        raise UsageError(
            f"recipe: data.no_target makes phrases about classes that an image does not have, but {data.root} names no "
            "categories; set --data.no_target=0"
        )
    return samples, layouts, categories


def categories_of(samples: Sequence[Sample]) -> Categories:
    """What the samples say is in each image."""
    out: defaultdict[Path, set[str | None]] = defaultdict(set)
    for sample in samples:
        if sample.targets:
            out[sample.image].add(sample.category)
    return dict(out)


class PhraseItems:
    """Training data for RS2-SAM2: item i depends on the samples, the seed, the epoch and i alone."""

    def __init__(
        self,
        samples: Sequence[Sample],
        options: Data,
        config: RS2SAM2Config,
        *,
        seed: int,
        layouts: Mapping[Path, Layout] | None = None,
        categories: Categories | None = None,
    ) -> None:
        """`categories`: where `samples` are but a part of what is known of the images."""
        self.samples = list(samples)
        self.options, self.seed = options, seed
        self.processor = Processor(config)
        self.size = config.image_size
        self.layouts = layouts or {}
        by_image: defaultdict[Path, list[int]] = defaultdict(list)
        for i, sample in enumerate(self.samples):
            by_image[sample.image].append(i)
        self.categories = categories_of(self.samples) if categories is None else categories
        several = options.phrases_per_image > 1
        self.rows = list(by_image.values()) if several else [[i] for i in range(len(self.samples))]
        # In shared memory: workers that live through the epochs see a new one, too.
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Other random numbers for the same items."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        """Raises DataError where an image or annotation is missing or damaged."""
        rng = np.random.default_rng((self.seed, int(self._epoch), index))
        rows = self.rows[index]
        if len(rows) > self.options.phrases_per_image:
            rows = [rows[i] for i in sorted(rng.choice(len(rows), self.options.phrases_per_image, replace=False))]
        chosen = [self.samples[i] for i in rows]
        image = np.asarray(chosen[0].load_image())
        layout = self.layouts.get(chosen[0].image)
        referred = [self._referred(sample, image.shape[0], image.shape[1], layout, rng) for sample in chosen]
        key = chosen[0].id if self.options.phrases_per_image == 1 else chosen[0].image.name
        image, referred = augment_together(image, referred, rng, self.options.augmentation, key=key, layout=layout)
        trunk, beit3 = self.processor.images([Image.fromarray(image)])
        return Item(
            image=trunk[0],
            image_beit3=None if beit3 is None else beit3[0],
            phrases=[r.phrase for r in referred],
            masks=torch.stack([self._square(r.mask) for r in referred]),
            targets=[r.target for r in referred],
        )

    def _referred(
        self, sample: Sample, height: int, width: int, layout: Layout | None, rng: np.random.Generator
    ) -> Referred:
        if self.options.no_target and rng.random() < self.options.no_target:
            other = self._foreign(sample.image, layout, rng)
            if other is not None:
                return Referred(other.phrase, np.zeros((height, width), bool), other.id, False, _program(other, layout))
        mask = sample.load_mask((height, width))
        return Referred(sample.phrase, mask, sample.id, bool(sample.targets), _program(sample, layout))

    def _foreign(self, image: Path, layout: Layout | None, rng: np.random.Generator) -> Sample | None:
        """A sample whose phrase means nothing in `image`: of a class that is not there, by all that is annotated."""
        for _ in range(FOREIGN_TRIES):
            other = self.samples[int(rng.integers(len(self.samples)))]
            program = _program(other, layout)
            if layout is not None and program is not None:
                if execute(program, layout) == frozenset():
                    return other
            elif other.category not in self.categories.get(image, ()):
                return other
        return None

    def _square(self, mask: Mask) -> Tensor:
        """(H, W) -> (S, S) bool, NEAREST, as the released scripts do."""
        picture = Image.fromarray(mask.astype(np.uint8)).resize((self.size, self.size), Image.Resampling.NEAREST)
        return torch.from_numpy(np.array(picture, dtype=bool))


def _program(sample: Sample, layout: Layout | None) -> Program | None:
    """The phrase's meaning, where there is something to run it on."""
    return None if sample.program is None or layout is None else Program.from_dict(sample.program)
