"""Two results on the same samples: by how much they differ, whether that is more than chance, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rs2sam2.errors import UsageError
from rs2sam2.evaluate.bootstrap import RESAMPLES
from rs2sam2.evaluate.breakdown import GROUPINGS, differences, grouped, ratios, table_of
from rs2sam2.evaluate.records import Record
from rs2sam2.metrics import NAMES

MOST = 10
"""Samples shown that changed most, each way."""


def compare(
    a: Sequence[Record], b: Sequence[Record], *, protocol: str | None = None, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """B - A over the samples that both have, under one protocol (default: the first that both were scored under).

    The interval is paired: both results are redrawn with the same images. Raises UsageError where nothing is common
    or nothing is to be redrawn.
    """
    if resamples < 1:
        raise UsageError(f"resamples {resamples} must be a positive number")
    first = _numbered(a)
    matched = [(first[key], r) for key, r in _numbered(b).items() if key in first]
    if not matched:
        raise UsageError("the two results have no sample in common; compare results on one split of one data set")
    shared = [name for name in matched[0][0].answer.overlaps if name in matched[0][1].answer.overlaps]
    if not shared or (protocol is not None and protocol not in shared):
        raise UsageError(
            f"the two results are not both scored under {protocol or 'one protocol'}; both have "
            f"{', '.join(shared) or 'none'}; evaluate again with --protocol all"
        )
    name = protocol or shared[0]
    pairs = [(x, y) for x, y in matched if x.has_target]
    if not pairs:
        raise UsageError("the samples that both results have are all without a target; there is no mask to compare")
    changed: list[dict[str, Any]] = [
        {
            "id": y.id,
            "image": y.image,
            "phrase": y.phrase,
            "kind": y.kind,
            "before": x.answer.iou(name),
            "after": y.answer.iou(name),
        }
        for x, y in pairs
    ]
    changed.sort(key=lambda c: c["after"] - c["before"])
    return {
        "protocol": name,
        "samples": len(pairs),
        "only_in_a": len(first) - len(matched),
        "only_in_b": len(b) - len(matched),
        "scores": _differences(pairs, name, resamples),
        "groups": {
            grouping: [
                {"name": group, "samples": len(places), **_differences([pairs[i] for i in places], name, resamples)}
                for group, places in grouped([y for _, y in pairs], grouping).items()
            ]
            for grouping in GROUPINGS
        },
        "better": sum(c["after"] > c["before"] for c in changed),
        "worse": sum(c["after"] < c["before"] for c in changed),
        "worst": [c for c in changed[:MOST] if c["after"] < c["before"]],
        "best": [c for c in changed[: -MOST - 1 : -1] if c["after"] > c["before"]],
    }


def _numbered(records: Sequence[Record]) -> dict[tuple[tuple[str, str, str], int], Record]:
    """By key and how often the key came before: a data set may repeat an id with the same phrase."""
    seen: Counter[tuple[str, str, str]] = Counter()
    out = {}
    for record in records:
        out[record.key, seen[record.key]] = record
        seen[record.key] += 1
    return out


def _differences(pairs: Sequence[tuple[Record, Record]], protocol: str, resamples: int) -> dict[str, Any]:
    before, after = (ratios(table_of([pair[k].answer for pair in pairs], protocol)) for k in (0, 1))
    return differences(NAMES, before, after, [x.image for x, _ in pairs], resamples)
