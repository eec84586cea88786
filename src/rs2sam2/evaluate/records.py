"""What is known about each sample after the run: one `Record`, one line of `samples.jsonl`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rs2sam2.data.masks import RLE
from rs2sam2.errors import DataError

FILE = "samples.jsonl"


@dataclass(frozen=True)
class Answer:
    """What came of one question: the mask compared with the truth, and what was said about it."""

    overlaps: dict[str, tuple[int, int]]
    """(intersection, union) in pixels, by protocol."""
    size: tuple[int, int]
    """(height, width) of the native mask."""
    mask_pixels: int
    """At native size."""
    truth_pixels: dict[str, int]
    """By protocol, and "native" always."""
    score: float | None = None
    """What --min-score is held against; None where a method gave none."""
    presence: float | None = None
    """The score, where it is a trained probability that the referent is there."""
    predicted_iou: float | None = None
    unread: bool = False
    """The model cannot read the phrase (too long for it); counted as an empty mask."""
    mask: RLE | None = None
    diagnostics: dict[str, float] = field(default_factory=dict)

    def iou(self, protocol: str) -> float:
        """Intersection over union, 0 for an empty union."""
        both, either = self.overlaps[protocol]
        return both / either if either else 0.0

    def found(self, min_score: float) -> bool:
        """Whether the answer is "here it is": a mask that is not empty, with a score that reaches `min_score`."""
        return self.mask_pixels > 0 and (self.score is None or self.score >= min_score)


@dataclass(frozen=True)
class WrongImage:
    """The same phrase asked of another image."""

    image: str
    class_there: bool | None
    """Whether that image shows the phrase's class; None where nobody knows."""
    answer: Answer


@dataclass(frozen=True)
class Record:
    """One sample with its answer."""

    id: str
    split: str
    phrase: str
    image: str
    category: str | None
    kind: str
    words: int
    targets: int
    """How many objects the phrase means; 0 where nothing in the image answers it."""
    class_there: bool | None
    """Whether the image shows the phrase's class: what makes a phrase without a target hard."""
    answer: Answer
    control: WrongImage | None = None

    @property
    def has_target(self) -> bool:
        """Whether anything in the image answers the phrase."""
        return self.targets > 0

    @property
    def truth_share(self) -> float:
        """Share of the image that the truth covers."""
        height, width = self.answer.size
        return self.answer.truth_pixels["native"] / max(height * width, 1)

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two records of two runs the same sample."""
        return self.split, self.id, self.phrase

    def to_dict(self, *, masks: bool = False) -> dict[str, Any]:
        """The JSON form; with `masks` the native mask as COCO run-length code."""
        out: dict[str, Any] = {
            "id": self.id,
            "split": self.split,
            "image": self.image,
            "phrase": self.phrase,
            "category": self.category,
            "kind": self.kind,
            "words": self.words,
            "targets": self.targets,
            "class_there": self.class_there,
            **_answer_json(self.answer, masks),
        }
        if self.control is not None:
            out["wrong_image"] = {
                "image": self.control.image,
                "class_there": self.control.class_there,
                **_answer_json(self.control.answer, False),
            }
        return out

    @classmethod
    def from_dict(cls, item: dict[str, Any]) -> Record:
        """Inverse of `to_dict`. Raises KeyError, TypeError or ValueError where it is something else."""
        wrong = item.get("wrong_image")
        return cls(
            **{key: item[key] for key in ("id", "split", "image", "phrase", "category", "kind", "words")},
            targets=int(item["targets"]),
            class_there=item["class_there"],
            answer=_answer(item),
            control=None if wrong is None else WrongImage(wrong["image"], wrong["class_there"], _answer(wrong)),
        )


def _answer_json(answer: Answer, masks: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        "iou": {name: round(answer.iou(name), 6) for name in answer.overlaps},
        "overlap": {name: list(pair) for name, pair in answer.overlaps.items()},
        "size": list(answer.size),
        "mask_pixels": answer.mask_pixels,
        "truth_pixels": answer.truth_pixels,
        "score": answer.score,
        "presence": answer.presence,
        "predicted_iou": answer.predicted_iou,
    }
    if answer.unread:
        out["unread"] = True
    if answer.diagnostics:
        out["diagnostics"] = answer.diagnostics
    if masks and answer.mask is not None:
        out["rle"] = {"size": list(answer.mask.size), "counts": answer.mask.counts}
    return out


def _answer(item: dict[str, Any]) -> Answer:
    height, width = item["size"]
    return Answer(
        overlaps={name: (int(both), int(either)) for name, (both, either) in item["overlap"].items()},
        size=(int(height), int(width)),
        mask_pixels=item["mask_pixels"],
        truth_pixels=item["truth_pixels"],
        score=item["score"],
        presence=item["presence"],
        predicted_iou=item["predicted_iou"],
        unread=item.get("unread", False),
        mask=RLE.from_coco(item["rle"]) if "rle" in item else None,
        diagnostics=item.get("diagnostics", {}),
    )


def read_records(path: Path) -> list[Record]:
    """Records of a folder that `evaluate` or `score` wrote, or of its samples.jsonl. DataError where it is neither."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise DataError(f"no {file}; give a folder that rs2sam2 evaluate or rs2sam2 score wrote")
    records = []
    with file.open(encoding="utf-8") as lines:
        try:
            for number, line in enumerate(lines, 1):
                try:
                    records.append(Record.from_dict(json.loads(line)))
                except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
                    raise DataError(
                        f"{file} line {number} is not what rs2sam2 evaluate writes ({error}); evaluate again"
                    ) from None
        except UnicodeDecodeError as error:
            raise DataError(f"{file} is not UTF-8 ({error.reason} at byte {error.start}); evaluate again") from None
    return records
