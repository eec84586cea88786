"""Ask a predictor many questions: phrases of one image together, images read ahead, ranks side by side.

Questions are cut into units before ranks share them out, so what runs in one batch, and with it every number, is the same
on any number of ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rs2sam2.data.masks import RLE, Mask, resize
from rs2sam2.data.sample import Sample
from rs2sam2.errors import UsageError
from rs2sam2.evaluate import oracles, protocol
from rs2sam2.evaluate.ranks import Ranks
from rs2sam2.evaluate.records import Answer
from rs2sam2.predictor import Predictor

AHEAD = 3
"""Units that are read while one is computed."""


@runtime_checkable
class Diagnosing(Protocol):
    """What a segmenter may offer besides `Segmenter`: where its quality is lost."""

    def diagnose(
        self, image: Image.Image, phrases: Sequence[str], truths: Sequence[NDArray[np.bool_]]
    ) -> list[dict[str, float]]:
        """One dict a phrase, name -> value in [0, 1], given the true masks (H, W) of the image's size.

        The report averages each name over the samples that have it.
        """
        ...


@dataclass(frozen=True)
class View:
    """A change of the image that is asked about, and the same change of the truth."""

    key: str = ""
    """What it does, in one word or two; questions of one image and one key share the changed image."""
    image: Callable[[Image.Image], Image.Image] = lambda image: image
    truth: Callable[[Mask], Mask] | None = None


SAME = View()


@dataclass(frozen=True)
class Question:
    """A phrase, the sample whose image is shown, and the sample whose targets are right."""

    phrase: str
    image: Sample
    truth: Sample
    view: View = SAME


@dataclass(frozen=True)
class Asking:
    """How to ask. `keep_masks`: each answer carries its native mask; `oracles`: and its diagnostics."""

    protocols: tuple[protocol.Protocol, ...]
    keep_masks: bool = False
    oracles: bool = False


@dataclass(frozen=True)
class _Unit:
    """Questions that are computed together, with their places."""

    places: tuple[int, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class _Loaded:
    images: list[Image.Image]
    image_index: list[int]
    sizes: list[tuple[int, int]]
    truths: list[dict[str, Mask]]
    """By protocol, and "native" always."""


def ask(
    predictor: Predictor,
    questions: Sequence[Question],
    asking: Asking,
    *,
    ranks: Ranks | None = None,
    advance: Callable[[int], None] = lambda n: None,
) -> list[Answer]:
    """The answer to each question, in order, on every rank. `advance(n)` is called when n more are done (all ranks').

    Raises DataError where an image or a mask cannot be read.
    """
    ranks = ranks or Ranks()
    units = _units(predictor, questions)
    mine = units[ranks.rank :: ranks.count]
    answered: list[tuple[int, Answer]] = []
    for unit, loaded in _read_ahead(mine, asking):
        answered += zip(unit.places, _compute(predictor, unit, loaded, asking), strict=True)
        advance(len(unit.places) * ranks.count)
    answers = dict(ranks.gather(answered))
    return [answers[place] for place in range(len(questions))]


def _units(predictor: Predictor, questions: Sequence[Question]) -> list[_Unit]:
    """Up to `max_batch` questions a unit, those about one image together, images in the order of first appearance."""
    size = predictor.segmenter.max_batch
    by_image: dict[tuple[str, str], list[int]] = {}
    for place, question in enumerate(questions):
        by_image.setdefault(_key(question), []).append(place)
    units: list[list[int]] = []
    for places in by_image.values():
        for start in range(0, len(places), size):
            part = places[start : start + size]
            if units and len(units[-1]) + len(part) <= size:
                units[-1].extend(part)
            else:
                units.append(part)
    return [_Unit(tuple(places), tuple(questions[p] for p in places)) for places in units]


def _key(question: Question) -> tuple[str, str]:
    return str(question.image.image), question.view.key


def _read_ahead(units: Sequence[_Unit], asking: Asking) -> Iterator[tuple[_Unit, _Loaded]]:
    read = _reader()
    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[_Loaded]] = []
        try:
            for i, unit in enumerate(units):
                while len(waiting) < min(AHEAD, len(units) - i):
                    waiting.append(pool.submit(_load, units[i + len(waiting)], asking, read))
                yield unit, waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


def _reader() -> Callable[[Question], Image.Image]:
    """Reads the changed image of a question; the last one is kept, because a unit often goes on with it."""
    last: dict[tuple[str, str], Image.Image] = {}

    def read(question: Question) -> Image.Image:
        key = _key(question)
        if key not in last:
            image = question.view.image(question.image.load_image())
            last.clear()
            last[key] = image
        return last[key]

    return read


def _load(unit: _Unit, asking: Asking, read: Callable[[Question], Image.Image]) -> _Loaded:
    images: dict[tuple[str, str], tuple[int, Image.Image]] = {}
    index, sizes, truths = [], [], []
    for question in unit.questions:
        key = _key(question)
        if key not in images:
            images[key] = len(images), read(question)
        index.append(images[key][0])
        truth = truths_of(question.truth, asking.protocols, question.view)
        sizes.append(truth["native"].shape)
        truths.append(truth)
    return _Loaded([image for _, image in images.values()], index, [(s[0], s[1]) for s in sizes], truths)


def native_size(sample: Sample) -> protocol.Size:
    """(height, width) of the image file; of the annotation's frame where the file is not there, as finished masks need none."""
    if sample.height and sample.width and not sample.image.is_file():
        return sample.height, sample.width
    return sample.image_size()


def truths_of(sample: Sample, protocols: Sequence[protocol.Protocol], view: View = SAME) -> dict[str, Mask]:
    """The true mask at each protocol's size, and at native size: one NEAREST resampling from the annotation to each."""
    native = sample.load_mask(native_size(sample))
    if view.truth is not None:
        native = np.ascontiguousarray(view.truth(native))
    out = {"native": native}
    for p in protocols:
        if p.side is not None:
            size = p.size((native.shape[0], native.shape[1]))
            out[p.name] = sample.load_mask(size) if view.truth is None else resize(native, size)
    return out


def _compute(predictor: Predictor, unit: _Unit, loaded: _Loaded, asking: Asking) -> list[Answer]:
    segmenter = predictor.segmenter
    readable = [i for i, question in enumerate(unit.questions) if _readable(predictor, question.phrase)]
    answers: dict[int, Answer] = {}
    if readable:
        used = sorted({loaded.image_index[i] for i in readable})
        out = segmenter(
            [loaded.images[u] for u in used],
            [unit.questions[i].phrase for i in readable],
            [used.index(loaded.image_index[i]) for i in readable],
            [None] * len(readable),
        )
        notes = _diagnose(segmenter, unit, loaded, readable) if asking.oracles else {}
        for row, i in enumerate(readable):
            size, truths = loaded.sizes[i], loaded.truths[i]
            logits = out.mask_logits[row : row + 1]
            prediction = out.prediction(row, unit.questions[i].phrase, size, segmenter)
            diagnostics = dict(notes.get(i, {}))
            if asking.oracles and truths["native"].any():
                diagnostics |= oracles.generic(logits[0, 0], prediction, truths["native"])
            answers[i] = Answer(
                overlaps=_overlaps(logits, prediction.mask, truths, asking, segmenter.decision.threshold),
                size=size,
                mask_pixels=int(prediction.mask.sum()),
                truth_pixels={name: int(truth.sum()) for name, truth in truths.items()},
                score=prediction.score,
                presence=prediction.presence,
                predicted_iou=prediction.predicted_iou,
                mask=RLE.encode(prediction.mask) if asking.keep_masks else None,
                diagnostics=diagnostics,
            )
    for i in set(range(len(unit.questions))) - set(readable):
        nothing = np.zeros(loaded.sizes[i], np.bool_)
        answers[i] = replace(answer_of_mask(nothing, loaded.truths[i], asking, score=0.0), unread=True)
    return [answers[i] for i in range(len(unit.questions))]


def _readable(predictor: Predictor, phrase: str) -> bool:
    try:
        predictor.segmenter.check(phrase)
    except UsageError:
        return False
    return True


def _overlaps(
    logits: Tensor, native: Mask, truths: dict[str, Mask], asking: Asking, threshold: float
) -> dict[str, tuple[int, int]]:
    found = {}
    for p in asking.protocols:
        truth = torch.from_numpy(truths[p.name])[None]
        if p.side is None:
            mask = torch.from_numpy(native)[None]
        else:
            mask = protocol.decide(logits, p.size((native.shape[0], native.shape[1])), threshold)
        found[p.name] = protocol.overlaps_of(mask, truth)[0]
    return found


def answer_of_mask(mask: Mask, truths: dict[str, Mask], asking: Asking, *, score: float | None = None) -> Answer:
    """The answer that a finished bool mask (H, W), of any size, is; stretched NEAREST to each protocol's size."""
    height, width = truths["native"].shape
    native = resize(mask, (height, width))
    overlaps = {}
    for p in asking.protocols:
        stretched = resize(mask, p.size((height, width)))
        pair = torch.from_numpy(stretched)[None], torch.from_numpy(truths[p.name])[None]
        overlaps[p.name] = protocol.overlaps_of(*pair)[0]
    return Answer(
        overlaps=overlaps,
        size=(height, width),
        mask_pixels=int(native.sum()),
        truth_pixels={name: int(truth.sum()) for name, truth in truths.items()},
        score=score,
        mask=RLE.encode(native) if asking.keep_masks else None,
    )


def _diagnose(segmenter: Any, unit: _Unit, loaded: _Loaded, readable: list[int]) -> dict[int, dict[str, float]]:
    """What the segmenter itself can say about phrases with a target, by question."""
    if not isinstance(segmenter, Diagnosing):
        return {}
    notes: dict[int, dict[str, float]] = {}
    for number, image in enumerate(loaded.images):
        here = [i for i in readable if loaded.image_index[i] == number and loaded.truths[i]["native"].any()]
        if here:
            said = segmenter.diagnose(
                image, [unit.questions[i].phrase for i in here], [loaded.truths[i]["native"] for i in here]
            )
            notes |= dict(zip(here, said, strict=True))
    return notes
