"""Intervals: seeded, as wide as they should be, paired where they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs2sam2.evaluate.bootstrap import groups_of, interval, ratio, resample
from rs2sam2.evaluate.breakdown import differences, ratios
from rs2sam2.metrics import NAMES, scores


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda p: (min(p), max(p))), min_size=1))
def test_ratios_of_sums_are_the_scores(overlaps: list[tuple[int, int]]) -> None:
    tops, bottoms = ratios(np.array(overlaps))
    got, expected = ratio(tops, bottoms), scores(overlaps)
    if not sum(either for _, either in overlaps):
        assert np.isnan(got[0])
        got[0] = 0
    assert dict(zip(NAMES, got, strict=True)) == pytest.approx(expected)


def test_equal_to_a_plain_loop() -> None:
    rng = np.random.default_rng(5)
    tops, groups = rng.random((12, 1)), groups_of(list("aabbbcddeeff"))
    ones = np.ones_like(tops)
    draws = resample(tops, ones, groups, resamples=7, seed=3)
    again = np.random.default_rng(3)
    drawn = again.integers(0, 6, (7, 6))
    for row, chosen in enumerate(drawn):
        values = np.concatenate([tops[groups == g, 0] for g in chosen])
        assert draws[row, 0] == pytest.approx(values.mean())


def test_chunks_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    tops = np.random.default_rng(0).random((40, 2))
    whole = resample(tops, np.ones_like(tops), np.arange(40), resamples=50)
    monkeypatch.setattr("rs2sam2.evaluate.bootstrap._CHUNK", 200)
    chunked = resample(tops, np.ones_like(tops), np.arange(40), resamples=50)
    np.testing.assert_allclose(chunked, whole, rtol=1e-12)  # a matrix product's last bits depend on its shape
    assert all(np.array_equal(a, b) for a, b in zip(interval(chunked), interval(whole), strict=True))


def test_as_wide_as_the_normal_interval() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.2, (400, 1))
    low, high = interval(resample(values, np.ones_like(values), np.arange(400), resamples=4000))
    assert (high - low)[0] == pytest.approx(2 * 1.96 * 0.2 / 20, rel=0.12)
    assert low[0] < values.mean() < high[0]


def test_phrases_of_one_image_are_drawn_together() -> None:
    """Ten phrases an image that all fare alike know no more than one phrase an image."""
    values = np.repeat(np.random.default_rng(2).random(30), 10)[:, None]
    ones = np.ones_like(values)
    widths = []
    for groups in (np.repeat(np.arange(30), 10), np.arange(300)):
        low, high = interval(resample(values, ones, groups, resamples=2000))
        widths.append((high - low)[0])
    assert widths[0] > 2.5 * widths[1]


def test_a_paired_difference_is_narrower() -> None:
    rng = np.random.default_rng(3)
    before = rng.random((200, 1))
    after = before + 0.05 + 0.01 * rng.standard_normal((200, 1))
    ones = np.ones_like(before)
    cell = differences(["x"], (before, ones), (after, ones), [str(n) for n in range(200)], 500)["x"]
    assert cell["difference"] == pytest.approx(0.05, abs=0.003) and 0.045 < cell["low"] < cell["high"] < 0.055


def test_four_images_give_no_interval() -> None:
    ones = np.ones((8, 1))
    assert np.isnan(resample(ones, ones, np.repeat(np.arange(4), 2), resamples=3)).all()
    assert (resample(ones, ones, np.minimum(np.arange(8), 4), resamples=3) == 1).all()


def test_nothing_to_draw() -> None:
    low, high = interval(resample(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, np.int64), resamples=5))
    assert np.isnan(low).all() and np.isnan(high).all()
    assert groups_of(["b", "a", "b"]).tolist() == [0, 1, 0]
