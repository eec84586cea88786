"""Scores of samples with a target, with intervals, altogether and by what the samples have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.evaluate import bootstrap
from rs2sam2.evaluate.records import Answer, Record
from rs2sam2.metrics import NAMES, TENTHS, as_table, ious, passed

SIZES = ((0.001, "under 0.1 %"), (0.005, "0.1 - 0.5 %"), (0.02, "0.5 - 2 %"), (0.1, "2 - 10 %"), (2.0, "10 % and more"))
"""Share of the image that the truth covers. Shares and not pixels, because every view of the model is one square."""
LENGTHS = (
    (3, "1 - 3 words"),
    (5, "4 - 5 words"),
    (8, "6 - 8 words"),
    (12, "9 - 12 words"),
    (10**6, "13 words and more"),
)


def size_group(record: Record) -> str:
    """The name of the record's target size."""
    return next(name for limit, name in SIZES if record.truth_share < limit)


def length_group(record: Record) -> str:
    """The name of the record's phrase length."""
    return next(name for limit, name in LENGTHS if record.words <= limit)


GROUPINGS: dict[str, Callable[[Record], str]] = {
    "category": lambda r: r.category or "unknown",
    "target size": size_group,
    "phrase kind": lambda r: r.kind,
    "phrase length": length_group,
    "objects meant": lambda r: "one" if r.targets == 1 else "several",
}
_ORDERS = {"target size": [name for _, name in SIZES], "phrase length": [name for _, name in LENGTHS]}


def table_of(answers: Sequence[Answer], protocol: str) -> NDArray[np.int64]:
    """(N, 2) intersections and unions."""
    return as_table([a.overlaps[protocol] for a in answers])


def ratios(table: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 7) tops and bottoms of the scores `NAMES`, whose sums' ratios they are. An empty union counts 0."""
    one = np.ones(len(table))
    columns = [passed(table, tenths).astype(np.float64) for tenths in TENTHS]
    tops = np.stack([table[:, 0].astype(np.float64), ious(table), *columns], axis=1)
    bottoms = np.stack([table[:, 1].astype(np.float64), *[one] * (1 + len(TENTHS))], axis=1)
    return tops, bottoms


def scored(answers: Sequence[Answer], images: Sequence[str], protocol: str, resamples: int) -> dict[str, Any]:
    """Each score's value with its 95 % interval: {"mIoU": {"value": ., "low": ., "high": .}, ...}."""
    tops, bottoms = ratios(table_of(answers, protocol))
    return with_intervals(NAMES, tops, bottoms, images, resamples)


def with_intervals(
    names: Sequence[str],
    tops: NDArray[np.float64],
    bottoms: NDArray[np.float64],
    images: Sequence[str],
    resamples: int,
) -> dict[str, Any]:
    """K ratios of sums over samples, by name, with intervals from redrawing images."""
    values = bootstrap.ratio(tops, bottoms)
    draws = bootstrap.resample(tops, bottoms, bootstrap.groups_of(images), resamples=resamples)
    low, high = bootstrap.interval(draws)
    return {
        name: {"value": float(values[k]), "low": float(low[k]), "high": float(high[k])} for k, name in enumerate(names)
    }


def breakdown(records: Sequence[Record], protocol: str, resamples: int) -> dict[str, list[dict[str, Any]]]:
    """The scores of every group of every grouping, for records with a target.

    Categories and kinds are ordered by how many samples they have, sizes and lengths by themselves.
    """
    return {
        grouping: [
            {
                "name": group,
                "samples": len(places),
                **scored([records[i].answer for i in places], [records[i].image for i in places], protocol, resamples),
            }
            for group, places in grouped(records, grouping).items()
        ]
        for grouping in GROUPINGS
    }


def grouped(records: Sequence[Record], grouping: str) -> dict[str, list[int]]:
    """Places of the records of each group, in the order to show them."""
    groups: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        groups.setdefault(GROUPINGS[grouping](record), []).append(place)
    order = _ORDERS.get(grouping) or sorted(groups, key=lambda g: (-len(groups[g]), g))
    return {group: groups[group] for group in order if group in groups}


def differences(
    names: Sequence[str],
    before: tuple[bootstrap.Array, bootstrap.Array],
    after: tuple[bootstrap.Array, bootstrap.Array],
    images: Sequence[str],
    resamples: int,
) -> dict[str, Any]:
    """Each score before and after, and after - before with a paired interval, from (N, K) tops and bottoms."""
    groups = bootstrap.groups_of(images)
    old, new = bootstrap.ratio(*before), bootstrap.ratio(*after)
    draws = bootstrap.resample(*after, groups, resamples=resamples) - bootstrap.resample(
        *before, groups, resamples=resamples
    )
    low, high = bootstrap.interval(draws)
    return {
        name: {
            "before": float(old[k]),
            "after": float(new[k]),
            "difference": float(new[k] - old[k]),
            "low": float(low[k]),
            "high": float(high[k]),
        }
        for k, name in enumerate(names)
    }
