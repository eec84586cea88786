"""Scores by hand and by brute force."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from rs2sam2.errors import UsageError
from rs2sam2.metrics import NAMES, TENTHS, intersection_union, scores

MASKS = npst.arrays(np.bool_, (5, 4))


def test_by_hand() -> None:
    truth = np.zeros((4, 4), bool)
    truth[:2] = True  # 8 pixels
    mask = np.zeros((4, 4), bool)
    mask[1:3] = True  # 8 pixels, 4 of them right
    assert intersection_union(mask, truth) == (4, 12)
    # IoUs 1/3, 1, 1/2: mean 11/18; sums 4 + 8 + 5 over 12 + 8 + 10
    got = scores([(4, 12), (8, 8), (5, 10)])
    assert got["oIoU"] == pytest.approx(17 / 30) and got["mIoU"] == pytest.approx(11 / 18)
    assert [got[f"Pr@0.{t}"] for t in TENTHS] == pytest.approx([2 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3])
    assert tuple(got) == NAMES == ("oIoU", "mIoU", "Pr@0.5", "Pr@0.6", "Pr@0.7", "Pr@0.8", "Pr@0.9")


@pytest.mark.parametrize("tenths", TENTHS)
def test_a_share_on_the_threshold_counts_unless_strict(tenths: int) -> None:
    # 0.7 * 10 == 7.000000000000001 in floating point; pixels do not round.
    on = [(tenths, 10), (3 * tenths, 30), (tenths * 10**6, 10**7)]
    assert scores(on)[f"Pr@0.{tenths}"] == 1
    assert scores(on, strict=True)[f"Pr@0.{tenths}"] == 0
    assert scores([(tenths * 10**6 - 1, 10**7)])[f"Pr@0.{tenths}"] == 0


def test_an_empty_union_is_what_the_caller_says() -> None:
    nothing = [(0, 0), (1, 1)]
    assert scores(nothing)["mIoU"] == 0.5 and scores(nothing)["Pr@0.9"] == 0.5
    kind = scores(nothing, empty_union=1.0)
    assert kind["mIoU"] == kind["Pr@0.5"] == kind["Pr@0.9"] == 1
    assert scores(nothing, empty_union=1.0, strict=True)["Pr@0.9"] == 1
    assert kind["oIoU"] == scores(nothing)["oIoU"] == 1  # the sums do not see it
    assert scores([(0, 0)])["oIoU"] == 0 and scores([(0, 0)], empty_union=1.0)["oIoU"] == 1


def test_no_samples_no_number() -> None:
    assert all(np.isnan(value) for value in scores([]).values())


def test_impossible_overlaps_and_unequal_sizes() -> None:
    with pytest.raises(UsageError, match="sample 1: an intersection of 3"):
        scores([(1, 2), (3, 2)])
    with pytest.raises(UsageError, match="cannot be compared"):
        intersection_union(np.zeros((2, 2), bool), np.zeros((2, 3), bool))


@given(st.lists(st.tuples(MASKS, MASKS), min_size=1, max_size=6), st.booleans(), st.sampled_from([0.0, 1.0]))
def test_brute_force(pairs: list[tuple[np.ndarray, np.ndarray]], strict: bool, empty: float) -> None:
    both, either, each = 0, 0, []
    for mask, truth in pairs:  # pixel by pixel, in exact fractions
        inside = sum(bool(m) and bool(t) for m, t in zip(mask.flat, truth.flat, strict=True))
        touched = sum(bool(m) or bool(t) for m, t in zip(mask.flat, truth.flat, strict=True))
        assert intersection_union(mask, truth) == (inside, touched)
        both, either = both + inside, either + touched
        each.append(Fraction(inside, touched) if touched else Fraction(int(empty)))
    got = scores([intersection_union(m, t) for m, t in pairs], strict=strict, empty_union=empty)
    assert got["oIoU"] == pytest.approx(both / either if either else empty)
    assert got["mIoU"] == pytest.approx(float(sum(each) / len(each)))
    for t in TENTHS:
        right = sum(iou > Fraction(t, 10) if strict else iou >= Fraction(t, 10) for iou in each)
        assert got[f"Pr@0.{t}"] == pytest.approx(right / len(each))
