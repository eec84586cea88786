"""What lies between images, phrases and results: what a model is asked, what it answers, what a user gets.

`Segmenter` is the interface behind `Predictor`, so that a quite different model can take RS2-SAM2's place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rs2sam2.config import DEFAULT_MIN_SCORE, ProcessorConfig
from rs2sam2.data.masks import box_of
from rs2sam2.errors import UsageError
from rs2sam2.processor import at_size, probability
from rs2sam2.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer to one phrase about one image of size (H, W)."""

    phrase: str
    logits: NDArray[np.float32]  # (H, W), at the image's own size
    decision: ProcessorConfig  # how logits become mask and probability
    predicted_iou: float
    """RS2-SAM2: the decoder's estimate of the mask's IoU, in [0, 1]. The bundled model: the probability of its choice."""
    presence: float | None
    """Probability that the referent is in the image; None for weights without trained presence, such as the released ones."""
    min_score: float = DEFAULT_MIN_SCORE
    """A lower presence means "not here"."""

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W): the best guess, however low the presence is."""
        return self.logits > self.decision.threshold

    @property
    def probability(self) -> NDArray[np.float32]:
        """(H, W) foreground probability."""
        return probability(self.logits, self.decision)

    @cached_property
    def score(self) -> float:
        """Presence if it was trained, else the mean foreground probability inside the mask (0 for an empty mask)."""
        if self.presence is not None:
            return self.presence
        return float(probability(self.logits[self.mask], self.decision).mean()) if self.mask.any() else 0.0

    def is_here(self, min_score: float | None = None) -> bool:
        """Whether the referent is in the image; always true for weights without trained presence.

        `min_score`: the least presence that counts as here; None takes the prediction's own `min_score`.
        """
        return self.presence is None or self.presence >= (self.min_score if min_score is None else min_score)

    def score_text(self, min_score: float | None = None) -> str:
        """`score` with two decimals, or with more where two would contradict `is_here`: 0.596, below 0.6, is no "0.60"."""
        least = self.min_score if min_score is None else min_score
        texts = (f"{self.score:.{digits}f}" for digits in (2, 3, 4, 5))
        return next((text for text in texts if (float(text) >= least) == (self.score >= least)), repr(self.score))

    @cached_property
    def box(self) -> tuple[int, int, int, int] | None:
        """(x0, y0, x1, y1) in pixels around the mask, x1 and y1 excluded; None for an empty mask."""
        return box_of(self.mask)


@dataclass(frozen=True)
class Correction:
    """SAM2's own prompts beside the phrase, in pixels (x, y) of the image, to correct a mask.

    An object-first model, such as the bundled one, takes the object at that place. Lists and arrays are kept as
    tuples. Raises UsageError for other shapes and for numbers that are not finite. An empty correction is false.
    """

    points: Sequence[tuple[float, float]] = ()  # on the object
    not_points: Sequence[tuple[float, float]] = ()  # beside it
    box: tuple[float, float, float, float] | None = None  # x0, y0, x1, y1
    previous: Prediction | None = None  # the prediction to correct

    if TYPE_CHECKING:  # more is accepted than is kept

        def __init__(
            self,
            points: Sequence[Sequence[float]] | NDArray[Any] = (),
            not_points: Sequence[Sequence[float]] | NDArray[Any] = (),
            box: Sequence[float] | NDArray[Any] | None = None,
            previous: Prediction | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("points", "not_points"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name), 2))
        if self.box is not None:
            (box,) = _numbers("box", [self.box], 4)
            if not (box[0] < box[2] and box[1] < box[3]):
                raise UsageError(f"box {box} of a correction is empty; wanted x0, y0, x1, y1 with x0 < x1 and y0 < y1")
            object.__setattr__(self, "box", box)
        if not isinstance(self.previous, Prediction | None):
            raise UsageError(f"previous of a correction is a {type(self.previous).__name__}; wanted a Prediction")

    def __bool__(self) -> bool:
        return bool(self.points or self.not_points or self.box is not None or self.previous is not None)


def _numbers(name: str, given: Any, length: int) -> tuple[Any, ...]:
    """Rows of `length` numbers as tuples of floats."""
    try:
        rows = tuple(tuple(float(v) for v in row) for row in given)
    except (TypeError, ValueError):
        rows = ((),)
    if not all(len(row) == length and all(map(math.isfinite, row)) for row in rows):
        wanted = "x0, y0, x1, y1" if length == 4 else "a list of (x, y)"
        raise UsageError(f"{name} of a correction is {str(given)[:60]}; wanted {wanted}, in pixels")
    return rows


@dataclass
class Segmented:
    """What a segmenter returns for B pairs of image and phrase."""

    mask_logits: Tensor  # (B, 1, h, w), square view
    predicted_iou: Tensor  # (B,), see `Prediction`
    presence: Tensor | None  # (B,), probability

    def prediction(self, row: int, phrase: str, size: tuple[int, int], segmenter: Segmenter) -> Prediction:
        """The answer to one pair, `phrase` about an image of `size` (H, W), by the segmenter that gave it."""
        return Prediction(
            phrase=phrase,
            logits=at_size(self.mask_logits[row : row + 1], size)[0].numpy(),
            decision=segmenter.decision,
            predicted_iou=float(self.predicted_iou[row]),
            presence=None if self.presence is None else float(self.presence[row]),
            min_score=least_score(segmenter),
        )


class Segmenter(Protocol):
    """Images and phrases in; mask logits, score and presence out.

    It may have more: `image_size`, the side in pixels of the square it works at, which scenes cut their tiles to; `min_score`,
    see `Prediction`; `classes`, the names it was taught, which scenes put into phrases; and `diagnose`, see
    `rs2sam2.evaluate.ask.Diagnosing`.
    """

    decision: ProcessorConfig
    max_batch: int
    """How many pairs of image and phrase are worth running together on this device."""

    def check(self, phrase: str) -> None:
        """Raise UsageError if the phrase cannot be read."""
        ...

    def __call__(
        self,
        images: Sequence[Image.Image],
        phrases: Sequence[str],
        image_index: Sequence[int],
        corrections: Sequence[Correction | None],
    ) -> Segmented:
        """Pair b is phrases[b] about images[image_index[b]]."""
        ...


def least_score(segmenter: Segmenter) -> float:
    """The presence below which the answer is "not here": the segmenter's own `min_score`, else the default."""
    return float(getattr(segmenter, "min_score", DEFAULT_MIN_SCORE))


def check_text(phrase: str) -> None:
    """Raise UsageError for a phrase that is no text, or that cannot be encoded as UTF-8."""
    if not isinstance(phrase, str):
        raise UsageError(f"a phrase is a {type(phrase).__name__}; wanted text")
    try:
        phrase.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the phrase {phrase!r} is no UTF-8; type it in a terminal that is") from None


def check_phrase(phrase: str, tokenizer: Tokenizer) -> None:
    """Raise UsageError if the phrase is no text, is empty, or is longer than the tokenizer's model reads."""
    check_text(phrase)
    if not phrase.strip():
        raise UsageError("the phrase is empty; say what to look for, for example -p 'the ship on the left'")
    tokenizer.encode(phrase)
