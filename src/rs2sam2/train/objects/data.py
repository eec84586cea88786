"""Views with phrases, each with layouts beside it, as items of the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.tokenizer import Tokenizer
from rs2sam2.train.batch import Tensors
from rs2sam2.train.objects.layouts import LayoutBatch, LayoutItem, LayoutSampler, collate_layouts
from rs2sam2.train.objects.options import Data
from rs2sam2.train.objects.phrases import Asked, PhraseBank, PhraseMaker, fill_bank, said_freely
from rs2sam2.train.objects.pools import Pool
from rs2sam2.train.objects.targets import Batch, Item, collate, item_of
from rs2sam2.train.objects.views import View, draw_view

SILENT = 0.3
"""Share of the views of which nothing can be said that are looked at all the same: they show what is not there."""
BANK_SIDE = 64
"""Side in pixels of the views that a bank of phrases is made of: only their layouts matter."""


@dataclass(frozen=True)
class TrainingItem:
    """A view with the phrases about it, and layouts with their own."""

    view: Item
    layouts: tuple[LayoutItem, ...]


@dataclass(frozen=True)
class TrainingBatch(Tensors):
    """What the module takes."""

    views: Batch
    layouts: LayoutBatch | None


def collate_both(items: Sequence[TrainingItem], tokenizer: Tokenizer) -> TrainingBatch:
    """Items -> a batch, in order."""
    layouts = [layout for item in items for layout in item.layouts]
    return TrainingBatch(
        collate([item.view for item in items], tokenizer), collate_layouts(layouts, tokenizer) if layouts else None
    )


class ViewItems:
    """Training data: item i depends on the pools, the seed, the epoch and i alone.

    The bank of phrases that are denied belongs to the epoch: drawn once for a whole run, it would be learned by heart.
    Phrases longer than the model reads (`reads`) are left out.
    """

    def __init__(
        self,
        pools: Sequence[Pool],
        layouts: LayoutSampler | None,
        options: Data,
        config: ObjectFirstConfig,
        reads: Callable[[str], bool],
        *,
        seed: int,
    ) -> None:
        self.pools, self.layouts = list(pools), layouts
        self.options, self.config, self.reads, self.seed = options, config, reads, seed
        self.epoch = 0
        self._banks: tuple[int, PhraseBank, PhraseBank] | None = None

    def __len__(self) -> int:
        return self.options.views

    def set_epoch(self, epoch: int) -> None:
        """Other views; their bank is drawn here, before workers start, so that they share it."""
        self.epoch = epoch
        self.banks()

    def banks(self) -> tuple[PhraseBank, PhraseBank]:
        """What can be denied of this epoch's views, and of its layouts."""
        if self._banks is None or self._banks[0] != self.epoch:
            random = Random(f"{self.seed}/{self.epoch}/bank")
            views = bank_of(self.pools, self.options, random)
            size, each = self.options.bank, self.options.layout_phrases
            layouts = PhraseBank() if self.layouts is None else self.layouts.bank(random, size, each)
            self._banks = self.epoch, views, layouts
        return self._banks[1:]

    def __getitem__(self, index: int) -> TrainingItem:
        """Raises DataError where an image is missing or damaged."""
        views, layouts = self.banks()
        random = Random(f"{self.seed}/{self.epoch}/{index}")
        while True:
            view, asked = draw_asked(self.pools, views, self.options, self.config.image_size, random)
            asked = readable(asked, self.reads)
            if asked or random.random() < SILENT:
                break
        beside: tuple[LayoutItem, ...] = ()
        if self.layouts is not None:
            count, each = self.options.layouts_beside, self.options.layout_phrases
            drawn = (self.layouts.draw(random, layouts, each) for _ in range(count))
            beside = tuple(replace(layout, asked=readable(layout.asked, self.reads)) for layout in drawn)
        return TrainingItem(item_of(view, asked, self.config, random), beside)


def readable(asked: Sequence[Asked], reads: Callable[[str], bool]) -> list[Asked]:
    """Those that are not too long for the model."""
    return [a for a in asked if reads(a.phrase)]


def draw_asked(
    pools: Sequence[Pool], bank: PhraseBank, options: Data, side: int, random: Random, *, anew: bool = True
) -> tuple[View, list[Asked]]:
    """A view of any of the pools, and phrases about it (none where nothing can be said)."""
    view = _draw(pools, side, random, anew=anew)
    maker = PhraseMaker(random, bank, options.no_target, options.hard)
    return view, said_freely(maker.about(view, options.phrases), options.freely, random)


def bank_of(pools: Sequence[Pool], options: Data, random: Random) -> PhraseBank:
    """What can be said of views of the pools, see `fill_bank`."""

    def views() -> Iterator[View]:
        while True:
            yield _draw(pools, BANK_SIDE, random, anew=False)

    return fill_bank(views(), random, options.bank, options.phrases)


def _draw(pools: Sequence[Pool], side: int, random: Random, *, anew: bool) -> View:
    pool = random.choices(pools, [p.weight for p in pools])[0]
    return draw_view(pool.draw(random), random, side, pool.zoom, anew=anew)
