"""Phrases without a target, and whether a score tells them: the measures of generalized referring segmentation.

    N-acc    share of phrases without a target that were answered "not here"
    T-acc    share of phrases with a target that were not
    gIoU     mean IoU where a right "not here" counts 1 and any wrong answer to "is it here?" counts 0
    cIoU     sum of intersections / sum of unions over all of them, the mask empty where the answer is "not here"

as GRES defines them (arXiv 2306.00968, section 5). "Not here" is an empty mask, or a score below --min-score. Phrases
whose class is in the image (a wrong position, a wrong relation) are the hard ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.evaluate.breakdown import with_intervals
from rs2sam2.evaluate.records import Record

BINS = 10
SWEEP = tuple(round(0.05 * n, 2) for n in range(21))


def presence(records: Sequence[Record], protocol: str, min_score: float, resamples: int) -> dict[str, Any]:
    """Everything about "is it here?" over all records; parts without a phrase to measure them on are None."""
    target = np.array([r.has_target for r in records], np.bool_)
    found = np.array([r.answer.found(min_score) for r in records], np.bool_)
    hard = np.array([r.class_there is True for r in records], np.bool_)
    absent = np.array([r.class_there is False for r in records], np.bool_)  # neither where nobody knows
    images = [r.image for r in records]
    groups = {
        "N-acc": (~target, ~found),
        "N-acc, class absent": (~target & absent, ~found),
        "N-acc, class there (hard)": (~target & hard, ~found),
        "T-acc": (target, found),
    }
    accuracy: dict[str, Any] = {}
    for name, (among, right) in groups.items():
        if among.any():
            tops, bottoms = (among & right).astype(np.float64)[:, None], among.astype(np.float64)[:, None]
            accuracy[name] = {
                "samples": int(among.sum()),
                **with_intervals([name], tops, bottoms, images, resamples)[name],
            }
    out: dict[str, Any] = {
        "min_score": min_score,
        "without_target": int((~target).sum()),
        "with_target": int(target.sum()),
        "accuracy": accuracy,
        "by_kind": by_kind(records, min_score),
        "generalized": generalized(records, protocol, min_score),
        "sweep": sweep(records),
        "reliability": None,
    }
    trained = [r for r in records if r.answer.presence is not None]
    if (~target).any() and trained:
        scores = np.array([r.answer.presence for r in trained], np.float64)
        out["reliability"] = reliability(scores, np.array([r.has_target for r in trained], np.bool_))
    return out


def generalized(records: Sequence[Record], protocol: str, min_score: float) -> dict[str, float]:
    """gIoU and cIoU over phrases with and without a target."""
    ious, both, either = [], 0, 0
    for r in records:
        found = r.answer.found(min_score)
        intersection, union = r.answer.overlaps[protocol]
        if not found:  # the mask is then empty, and the union the truth alone
            intersection, union = 0, r.answer.truth_pixels[protocol]
        ious.append(float(not found) if not r.has_target else (intersection / union if union else 0.0))
        both, either = both + intersection, either + union
    return {
        "gIoU": float(np.mean(ious)) if ious else float("nan"),
        "cIoU": both / either if either else float("nan"),
    }


def by_kind(records: Sequence[Record], min_score: float) -> list[dict[str, Any]]:
    """T-acc and N-acc of each phrase kind, the commonest first; None where a kind has no such phrase."""
    kinds: dict[str, list[Record]] = {}
    for r in records:
        kinds.setdefault(r.kind, []).append(r)
    rows = []
    for name, those in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0])):
        row: dict[str, Any] = {"name": name}
        sets = {
            "T-acc": [r for r in those if r.has_target],
            "N-acc": [r for r in those if not r.has_target],
            "N-acc, hard": [r for r in those if not r.has_target and r.class_there],
        }
        for label, members in sets.items():
            right = [r.answer.found(min_score) is r.has_target for r in members]
            row[label] = {"samples": len(right), "value": float(np.mean(right)) if right else None}
        rows.append(row)
    return rows


def sweep(records: Sequence[Record]) -> dict[str, Any] | None:
    """N-acc and T-acc at each --min-score of `SWEEP`, and the one where their mean is highest; None without no-target phrases."""
    target = np.array([r.has_target for r in records], np.bool_)
    if target.all() or not target.any() or all(r.answer.score is None for r in records):
        return None
    rows = []
    for cut in SWEEP:
        found = np.array([r.answer.found(cut) for r in records], np.bool_)
        rows.append({"min_score": cut, "N-acc": float((~found)[~target].mean()), "T-acc": float(found[target].mean())})
    best = max(rows, key=lambda row: row["N-acc"] + row["T-acc"])
    return {"rows": rows, "best_min_score": best["min_score"]}


def reliability(scores: NDArray[np.float64], there: NDArray[np.bool_]) -> dict[str, Any]:
    """How often the referent is there among phrases of about equal presence; the expected calibration error.

    The error is the mean over phrases of |mean presence - share there| of their bin, ten bins of equal width.
    """
    bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    rows, error = [], 0.0
    for b in range(BINS):
        inside = bins == b
        if inside.any():
            said, was = float(scores[inside].mean()), float(there[inside].mean())
            rows.append({"bin": b, "samples": int(inside.sum()), "presence": said, "there": was})
            error += abs(said - was) * float(inside.mean())
    return {"bins": rows, "calibration_error": error, "share_there": float(there.mean())}
