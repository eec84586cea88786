"""Real phrases over real layouts, without an image: language is learned there at almost no cost.

`rrsisd_layouts.jsonl.gz`-like files: one JSON object a line with phrase, category, target_box_xyxy or null and
all_objects [[class, [x0, y0, x1, y1]], ...] in an image of 800 x 800.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rs2sam2.data.language.evaluate import evaluate
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import KINDS_OF, canonical
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.program import Program
from rs2sam2.data.language.symmetry import SYMMETRIES
from rs2sam2.data.language.transform import rewrite_phrase
from rs2sam2.errors import DataError
from rs2sam2.objects.candidates import Candidates
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.tokenizer import Tokenizer
from rs2sam2.train.batch import Tensors
from rs2sam2.train.objects.imagined import SIDE, imagine
from rs2sam2.train.objects.phrases import MOST_OBJECTS, Asked, PhraseBank, PhraseMaker, fill_bank, said_freely
from rs2sam2.train.objects.sources import is_ground

SURE, DOUBTFUL = (0.62, 0.15), (0.32, 0.08)
"""Mean and deviation of the scores of what is there and of what is not, about as on photographs."""
COUNTABLE = frozenset(
    (
        "airplane",
        "baseball field",
        "basketball court",
        "building",
        "car",
        "ship",
        "storage tank",
        "tennis court",
        "tree",
    )
)
"""Classes of which layouts are imagined, beside those of the real ones."""


@dataclass(frozen=True)
class RealPhrase:
    """A phrase, its program, and the object it means in its layout."""

    phrase: str
    program: Program
    layout: Layout
    target: int


def read_layouts(path: Path, splits: Sequence[str] = ("train",)) -> list[RealPhrase]:
    """The phrases of these splits whose target is known, over layouts that are not too crowded to be spoken of.

    Raises DataError where the file is missing, is not of that form, or has no such phrase.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            found = _real_phrases([json.loads(line) for line in file], splits)
    except FileNotFoundError:
        raise DataError(f"no {path}; put it there, or leave layouts out with --data.layouts=null") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a gzip file of JSON lines with phrases over layouts ({error})") from None
    if not found:
        raise DataError(f"{path} has no phrase of {', '.join(splits)} with a known target")
    return found


def _real_phrases(entries: Sequence[dict[str, Any]], splits: Sequence[str]) -> list[RealPhrase]:
    found = []
    for entry in entries:
        if entry["split"] not in splits or entry["target_box_xyxy"] is None:
            continue
        objects = [
            SceneObject(name, tuple(box), max((box[2] - box[0]) * (box[3] - box[1]), 1.0))
            for name, box in entry["all_objects"]
        ]
        target = next((i for i, o in enumerate(objects) if list(o.box) == list(entry["target_box_xyxy"])), None)
        program = parse(entry["phrase"], "rrsisd")
        if target is not None and program is not None and len(objects) <= MOST_OBJECTS:
            found.append(RealPhrase(entry["phrase"], program, Layout(SIDE, SIDE, tuple(objects)), target))
    return found


@dataclass(frozen=True)
class LayoutScene:
    """A layout of which every class of the benchmark is known to be there or not."""

    layout: Layout
    known: frozenset[str]
    counted: bool = True
    placed: bool = True
    somewhere: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LayoutItem:
    """A layout as if it had been seen: n candidates with noise, and phrases about its objects."""

    boxes: NDArray[np.float32]  # (n, 4) in [0, 1]
    classes: NDArray[np.float32]  # (n, classes), probabilities
    score: NDArray[np.float32]  # (n,)
    owners: list[int]  # which object each candidate is; -1: none
    asked: list[Asked]


@dataclass(frozen=True)
class LayoutBatch(Tensors):
    """B layouts, filled up to K candidates, with P phrases."""

    boxes: Tensor  # (B, K, 4)
    classes: Tensor  # (B, K, classes)
    score: Tensor  # (B, K)
    padding: Tensor  # (B, K) bool, True = there is none
    token_ids: Tensor  # (P, L)
    text_padding: Tensor  # (P, L)
    image_index: Tensor  # (P,)
    fits: Tensor  # (P, K), 1 where a candidate is meant
    form: Tensor  # (P,)
    present: Tensor  # (P,) bool

    def candidates(self) -> Candidates:
        """As the model takes them."""
        return Candidates(self.boxes, self.classes, self.score, self.padding)


class LayoutSampler:
    """Draws layouts, turns them with their phrase, asks more phrases of them, and blurs what is seen."""

    def __init__(
        self,
        real: Sequence[RealPhrase],
        config: ObjectFirstConfig,
        no_target: float,
        hard: float,
        imagined: float = 0.0,
        freely: float = 0.0,
    ) -> None:
        self.real = real
        self.config = config
        self.no_target, self.hard, self.imagined, self.freely = no_target, hard, imagined, freely
        self.number = config.numbers
        self.known = frozenset(canonical(o.category) for r in real for o in r.layout.objects)
        self.nouns = tuple(sorted(n for n in self.known | COUNTABLE if n in self.number and not is_ground(n)))

    def bank(self, random: Random, size: int, each: int) -> PhraseBank:
        """What is said of the layouts, see `fill_bank`."""

        def scenes() -> Iterator[LayoutScene]:
            while True:
                if random.random() < self.imagined:
                    yield self._imagined(random)
                else:
                    yield LayoutScene(random.choice(self.real).layout.turned(random.choice(SYMMETRIES)), self.known)

        return fill_bank(scenes(), random, size, each)

    def draw(self, random: Random, bank: PhraseBank, phrases: int) -> LayoutItem:
        """A layout with about `phrases` phrases, its real one among them unless it is imagined."""
        maker = PhraseMaker(random, bank, self.no_target, self.hard)
        if random.random() < self.imagined:
            scene = self._imagined(random)
            return self._seen(scene.layout, random, maker.about(scene, phrases))
        real = random.choice(self.real)
        turn = random.choice(SYMMETRIES)
        phrase = rewrite_phrase(real.phrase, turn, "rrsisd") if turn != "identity" else real.phrase
        if phrase is None:
            turn, phrase = "identity", real.phrase
        layout = real.layout.turned(turn)
        asked = [Asked(phrase, (real.target,), 0, "real")]
        asked += maker.about(LayoutScene(layout, self.known), phrases - 1)
        other = random.choice(self.real)  # a real phrase that is not true here
        select = other.program.select
        only_its_class = bool(layout.candidates(select.category)) and not select.where
        if not evaluate(other.program, layout).possible and not only_its_class:
            asked.append(Asked(other.phrase, (), 0, "real"))
        return self._seen(layout, random, asked)

    def _imagined(self, random: Random) -> LayoutScene:
        return LayoutScene(imagine(self.nouns, random), self.known | frozenset(self.nouns))

    def _seen(self, layout: Layout, random: Random, asked: list[Asked]) -> LayoutItem:
        """Candidates in random order: each object once or twice, and some that are nothing."""
        rows = []
        for i, o in enumerate(layout.objects):
            sure = _score(SURE, random)
            for score in [sure] + [random.uniform(0.05, 0.4)] * (random.random() < 0.15):
                rows.append((_jitter(o.box, random), canonical(o.category), score, i))
        for _ in range(min(random.randrange(2, 24), max(0, self.config.candidates - len(rows)))):
            w, h = random.random() ** 2 * 0.5 + 0.02, random.random() ** 2 * 0.5 + 0.02
            x, y = random.random(), random.random()
            like = random.choice(layout.objects).category if layout.objects and random.random() < 0.4 else None
            name = random.choice(self.config.things) if like is None else canonical(like)
            rows.append(((x - w / 2, y - h / 2, x + w / 2, y + h / 2), name, _score(DOUBTFUL, random), -1))
        random.shuffle(rows)
        noise = np.random.default_rng(random.randrange(2**32))
        probability = noise.random((len(rows), len(self.config.classes)), np.float32) ** 6 * np.float32(0.15)
        for row, (_, name, score, _) in zip(probability, rows, strict=True):
            for n in (name, *(g for g, kinds in KINDS_OF.items() if name in kinds)):
                if n in self.number:
                    row[self.number[n]] = score
        boxes = np.array([r[0] for r in rows], np.float32).clip(0, 1)
        said = said_freely(asked, self.freely, random)
        return LayoutItem(boxes, probability, np.array([r[2] for r in rows], np.float32), [r[3] for r in rows], said)


def collate_layouts(items: Sequence[LayoutItem], tokenizer: Tokenizer) -> LayoutBatch:
    """Layouts of several sizes in one batch."""
    count, k, classes = len(items), max(len(item.boxes) for item in items), items[0].classes.shape[1]
    boxes, probability = torch.zeros(count, k, 4), torch.zeros(count, k, classes)
    score, padding = torch.zeros(count, k), torch.ones(count, k, dtype=torch.bool)
    for b, item in enumerate(items):
        n = len(item.boxes)
        boxes[b, :n], probability[b, :n] = torch.from_numpy(item.boxes), torch.from_numpy(item.classes)
        score[b, :n], padding[b, :n] = torch.from_numpy(item.score), False
    rows = [(b, asked) for b, item in enumerate(items) for asked in item.asked]
    fits = torch.zeros(len(rows), k)
    for p, (b, asked) in enumerate(rows):
        for i, owner in enumerate(items[b].owners):
            fits[p, i] = float(owner in asked.targets)
    token_ids, text_padding = tokenizer.batch([asked.phrase for _, asked in rows])
    return LayoutBatch(
        boxes=boxes,
        classes=probability,
        score=score,
        padding=padding,
        token_ids=token_ids,
        text_padding=text_padding,
        image_index=torch.tensor([b for b, _ in rows], dtype=torch.int64),
        fits=fits,
        form=torch.tensor([asked.form for _, asked in rows], dtype=torch.int64),
        present=torch.tensor([asked.there for _, asked in rows], dtype=torch.bool),
    )


def _score(usual: tuple[float, float], random: Random) -> float:
    return min(max(random.gauss(*usual), 0.02), 0.98)


def _jitter(box: Sequence[float], random: Random) -> tuple[float, ...]:
    w, h = (box[2] - box[0]) / SIDE, (box[3] - box[1]) / SIDE
    s = random.choice((0.02, 0.08))
    return tuple(v / SIDE + random.gauss(0, s) * (w, h)[k % 2] for k, v in enumerate(box))
