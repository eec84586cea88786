"""The validation split, scored with whatever segmenter a learner gives: mIoU and oIoU at native size.

Samples are shared out over the processes by image; the numbers do not depend on how many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rs2sam2.data.sample import Sample
from rs2sam2.metrics import intersection_union, scores
from rs2sam2.predictor import Predictor, Segmenter
from rs2sam2.train.distributed import World
from rs2sam2.train.pictures import Shown

T = TypeVar("T")


@dataclass
class Scored:
    """Scores of a validation, and samples to draw (on the first process)."""

    values: dict[str, float]
    shown: list[Shown] = field(default_factory=list)

    @property
    def total(self) -> float:
        """What the best weights are chosen by: mIoU + oIoU."""
        return self.values["mIoU"] + self.values["oIoU"]


def thin(samples: Sequence[Sample], limit: int | None) -> list[Sample]:
    """`limit` of the samples, evenly spaced."""
    if limit is None or limit >= len(samples):
        return list(samples)
    return [samples[i * len(samples) // limit] for i in range(limit)]


def readable(samples: Sequence[Sample], reads: Callable[[str], bool], split: str) -> tuple[list[Sample], list[str]]:
    """The samples whose phrase is not empty and which the model `reads`, and a note for the user where others are left out.

    Found out in a batch or a validation, one of them would end a run that has gone on for hours.
    """
    kept = [sample for sample in samples if sample.phrase.strip() and reads(sample.phrase)]
    count = len(samples) - len(kept)
    return kept, [f"left out of {split}: {count} phrases, empty or longer than this model reads"] if count else []


def validate(
    samples: Sequence[Sample],
    segmenter: Segmenter,
    world: World,
    *,
    pictures: int,
    stopped: Callable[[], bool],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scored | None:
    """Scores on `samples`, on all processes; None where `stopped` said so in one of them.

    Phrases without a target count for presence alone: `presence` is the share of right answers among the samples, with
    a threshold of 0.5, for segmenters that answer.
    """
    groups: defaultdict[Path, list[int]] = defaultdict(list)
    for i, sample in enumerate(samples):
        groups[sample.image].append(i)
    drawn = {i * len(samples) // pictures for i in range(pictures)} if pictures else set()
    predictor = Predictor(segmenter)
    mine: dict[int, tuple[int, int]] = {}
    present: dict[int, bool] = {}
    shown: dict[int, Shown] = {}
    halted = False
    for rows in list(groups.values())[world.rank :: world.size]:
        if stopped():
            halted = True
            break
        image = samples[rows[0]].load_image()
        for row, result in zip(rows, predictor.predict(image, [samples[r].phrase for r in rows]), strict=True):
            sample = samples[row]
            truth = sample.load_mask((image.height, image.width))
            overlap = intersection_union(result.mask, truth)
            note = "no target" if not sample.targets else f"IoU {overlap[0] / max(overlap[1], 1):.2f}"
            if sample.targets:
                mine[row] = overlap
            if result.presence is not None:
                present[row] = (result.presence > 0.5) == bool(sample.targets)
                note += f", presence {result.presence:.2f}"
            if row in drawn:
                shown[row] = Shown(image, sample.phrase, result.mask, truth, note)
        progress(len(mine), len(samples))
    if any(world.gather(halted)):
        return None
    overlaps = _merge(world.gather(mine))
    answers = _merge(world.gather(present))
    pictured = _merge(world.gather(shown)) if drawn else {}
    values = scores([overlaps[i] for i in sorted(overlaps)]) if overlaps else {"mIoU": 0.0, "oIoU": 0.0}
    values = {"phrases": float(len(samples)), **values}
    if answers:
        values["presence"] = sum(answers.values()) / len(answers)
    return Scored(values, [pictured[i] for i in sorted(pictured)])


def _merge(parts: Sequence[dict[int, T]]) -> dict[int, T]:
    return {key: value for part in parts for key, value in part.items()}
