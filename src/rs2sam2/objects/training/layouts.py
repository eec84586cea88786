"""Real phrases over real layouts, without an image: language is learned there at almost no cost.

`rrsisd_layouts.jsonl.gz`-like files: one JSON object a line with phrase, category, target_box_xyxy or null and
all_objects [[class, [x0, y0, x1, y1]], ...] in an image of 800 x 800.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from torch import Tensor

from rs2sam2.data.language.evaluate import evaluate
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import KINDS_OF, canonical
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.program import Program
from rs2sam2.data.language.symmetry import SYMMETRIES
from rs2sam2.data.language.transform import rewrite_phrase
from rs2sam2.objects.candidates import Candidates
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.training.phrases import MOST_OBJECTS, Asked, PhraseMaker

SIDE = 800


@dataclass(frozen=True)
class RealPhrase:
    """A phrase, its program, and the object it means in its layout."""

    phrase: str
    program: Program
    layout: Layout
    target: int


def read_layouts(path: Path, splits: Sequence[str] = ("train",)) -> list[RealPhrase]:
    """The phrases of these splits whose target is known."""
    found = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry["split"] not in splits or entry["target_box_xyxy"] is None:
                continue
            objects = [
                SceneObject(name, tuple(box), max((box[2] - box[0]) * (box[3] - box[1]), 1.0))
                for name, box in entry["all_objects"]
            ]
            target = next((i for i, o in enumerate(objects) if list(o.box) == list(entry["target_box_xyxy"])), None)
            program = parse(entry["phrase"], "rrsisd")
            if target is not None and program is not None:
                found.append(RealPhrase(entry["phrase"], program, Layout(SIDE, SIDE, tuple(objects)), target))
    return found


@dataclass
class LayoutBatch:
    """Layouts as if they had been seen: candidates with noise, and phrases about them."""

    candidates: Candidates
    phrases: list[str]
    image_index: Tensor
    fits: Tensor  # (P, K)
    form: Tensor
    present: Tensor


class LayoutSampler:
    """Draws layouts, turns them with their phrase, asks more phrases of them, and blurs what is seen."""

    def __init__(self, real: Sequence[RealPhrase], config: ObjectFirstConfig, random: Random) -> None:
        self.real = real
        self.config = config
        self.random = random
        self.maker = PhraseMaker(random)
        self.number = {name: i for i, name in enumerate(config.classes)}
        self.known = frozenset(canonical(o.category) for r in real for o in r.layout.objects)

    def batch(self, count: int, phrases: int) -> LayoutBatch:
        """`count` layouts with about `phrases` phrases each."""
        views = [self._one(phrases) for _ in range(count)]
        k = max(len(boxes) for boxes, *_ in views)
        classes = len(self.config.classes)
        candidates = Candidates(
            torch.zeros(count, k, 4),
            torch.zeros(count, k, classes),
            torch.zeros(count, k),
            torch.ones(count, k, dtype=torch.bool),
        )
        rows = [(b, a) for b, (_, _, _, _, asked) in enumerate(views) for a in asked]
        fits = torch.zeros(len(rows), k)
        for b, (boxes, probability, score, _, _) in enumerate(views):
            n = len(boxes)
            candidates.boxes[b, :n], candidates.classes[b, :n], candidates.score[b, :n] = boxes, probability, score
            candidates.padding[b, :n] = False
        for p, (b, a) in enumerate(rows):
            for i, owner in enumerate(views[b][3]):
                fits[p, i] = float(owner in a.targets)
        return LayoutBatch(
            candidates,
            [a.phrase for _, a in rows],
            torch.tensor([b for b, _ in rows], dtype=torch.int64),
            fits,
            torch.tensor([a.form for _, a in rows], dtype=torch.int64),
            torch.tensor([bool(a.targets) for _, a in rows]),
        )

    def _one(self, phrases: int) -> tuple[Tensor, Tensor, Tensor, list[int], list[Asked]]:
        random = self.random
        real = random.choice(self.real)
        while len(real.layout.objects) > MOST_OBJECTS:
            real = random.choice(self.real)
        turn = random.choice(SYMMETRIES)
        phrase = rewrite_phrase(real.phrase, turn, "rrsisd") if turn != "identity" else real.phrase
        if phrase is None:
            turn, phrase = "identity", real.phrase
        layout = real.layout.turned(turn)
        asked = [Asked(phrase, (real.target,), 0, "real")]
        asked += self.maker.about(layout, self.known, True, True, [True] * len(layout.objects), phrases - 1)
        other = random.choice(self.real)  # a real phrase that is not true here
        if not evaluate(other.program, layout).possible and not (
            layout.candidates(other.program.select.category) and any(True for _ in other.program.select.walk()) is False
        ):
            asked.append(Asked(other.phrase, (), 0, "real"))
        return (*self._seen(layout), asked)

    def _seen(self, layout: Layout) -> tuple[Tensor, Tensor, Tensor, list[int]]:
        """Boxes, class probabilities, scores and whose each is (-1: nobody's), in random order."""
        random = self.random
        rows = []
        for i, o in enumerate(layout.objects):
            for score in [random.uniform(0.25, 1)] + [random.uniform(0.05, 0.4)] * (random.random() < 0.15):
                rows.append((_jitter(o.box, random), canonical(o.category), score, i))
        for _ in range(random.randrange(0, 14)):
            w, h, x, y = (
                random.random() ** 2 * 0.5 + 0.02,
                random.random() ** 2 * 0.5 + 0.02,
                random.random(),
                random.random(),
            )
            name = random.choice(self.config.things)
            rows.append(((x - w / 2, y - h / 2, x + w / 2, y + h / 2), name, random.uniform(0.01, 0.25), -1))
        random.shuffle(rows)
        boxes = torch.tensor([r[0] for r in rows]).clamp(0, 1)
        probability = torch.rand(len(rows), len(self.config.classes)) ** 6 * 0.15
        for row, (_, name, score, _) in zip(probability, rows, strict=True):
            for n in (name, *(g for g, kinds in KINDS_OF.items() if name in kinds)):
                if n in self.number:
                    row[self.number[n]] = score
        return boxes, probability, torch.tensor([r[2] for r in rows]), [r[3] for r in rows]


def _jitter(box: Sequence[float], random: Random) -> tuple[float, ...]:
    w, h = (box[2] - box[0]) / SIDE, (box[3] - box[1]) / SIDE
    s = random.choice((0.02, 0.08))
    return tuple(v / SIDE + random.gauss(0, s) * (w, h)[k % 2] for k, v in enumerate(box))
