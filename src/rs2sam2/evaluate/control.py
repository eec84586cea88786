"""The wrong-image control: each phrase asked of another image, to see how much of a score comes from looking.

A method that only learnt where things usually lie keeps its score; one that looks loses it. Where the other image does
not even show the phrase's class, the right answer is "not here".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rs2sam2.data.sample import Sample
from rs2sam2.errors import UsageError
from rs2sam2.evaluate.breakdown import scored, with_intervals
from rs2sam2.evaluate.records import Record


def other_images(samples: Sequence[Sample], seed: int = 0) -> dict[Path, Sample]:
    """For each image a sample of another one, no image used twice: the next in an order drawn by `seed`.

    All phrases of an image go to the same other image. Raises UsageError where there is but one image.
    """
    first: dict[Path, Sample] = {}
    for sample in samples:
        first.setdefault(sample.image, sample)
    if len(first) < 2:
        raise UsageError("--control shuffle needs at least two images; leave it out or raise --limit")
    images = list(first)
    order = np.random.default_rng(seed).permutation(len(images)).tolist()
    following = zip(order, order[1:] + order[:1], strict=True)
    return {images[a]: first[images[b]] for a, b in following}


def control(records: Sequence[Record], protocol: str, min_score: float, resamples: int) -> dict[str, Any] | None:
    """Scores with the right and the wrong image, and how often the wrong one was refused; None where it was not run."""
    asked = [(r, r.control) for r in records if r.control is not None and r.has_target]
    if not asked:
        return None
    images = [r.image for r, _ in asked]
    out: dict[str, Any] = {
        "samples": len(asked),
        "right_image": scored([r.answer for r, _ in asked], images, protocol, resamples),
        "wrong_image": scored([c.answer for _, c in asked], images, protocol, resamples),
        "refused": {},
    }
    for name, there in (("class absent", False), ("class there", True)):
        refused = [(not c.answer.found(min_score), c.image) for _, c in asked if c.class_there is there]
        if refused:
            tops = np.array([[float(no)] for no, _ in refused])
            measured = with_intervals([name], tops, np.ones_like(tops), [image for _, image in refused], resamples)
            out["refused"][name] = {"samples": len(refused), **measured[name]}
    return out
