import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs2sam2.data.synthetic import noise, shapes


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20), st.floats(0.7, 30))
def test_noise_is_a_function_of_position(row: int, column: int, height: int, width: int, spacing: float) -> None:
    whole = noise.smooth(3, 1, (-10, -10, 80, 80), (spacing, spacing / 2))
    part = noise.smooth(3, 1, (row - 10, column - 10, height, width), (spacing, spacing / 2))
    np.testing.assert_array_equal(part, whole[row : row + height, column : column + width])
    white = noise.white(3, 1, (row, column, height, width))
    np.testing.assert_array_equal(white, noise.white(3, 1, (0, 0, 80, 80))[row : row + height, column : column + width])


def test_noise_has_unit_deviation_and_changes_with_seed_and_channel() -> None:
    a = noise.smooth(0, 1, (0, 0, 600, 600), (3.0, 3.0))
    assert abs(a.mean()) < 0.1
    assert a.std() == pytest.approx(1, abs=0.1)
    for other in ((1, 1), (0, 2)):
        b = noise.smooth(*other, (0, 0, 600, 600), (3.0, 3.0))
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.1


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 40), st.floats(1, 40), st.floats(-7, 7))
def test_rectangle_keeps_its_area_and_middle(x: float, y: float, length: float, width: float, heading: float) -> None:
    corners = shapes.rectangle(x, y, length, width, heading)
    a, b = corners[:, 0], corners[:, 1]
    area = abs(np.dot(a - x, np.roll(b - y, -1)) - np.dot(b - y, np.roll(a - x, -1))) / 2
    assert area == pytest.approx(length * width)
    np.testing.assert_allclose(corners.mean(0), (x, y), atol=1e-9)


def test_stroke_of_a_straight_line_is_a_rectangle() -> None:
    outline = shapes.stroke([(0, 0), (5, 0), (10, 0)], 4)
    assert outline.min(0).tolist() == [0, -2]
    assert outline.max(0).tolist() == [10, 2]


def test_points_along_a_line_are_evenly_spaced() -> None:
    spots, headings = shapes.along([(0, 0), (0, 10)], 2.0)
    np.testing.assert_allclose(spots, [(0, 1), (0, 3), (0, 5), (0, 7), (0, 9)])
    np.testing.assert_allclose(headings, math.pi / 2)


def test_sweep_covers_start_and_end() -> None:
    pieces = shapes.sweep(shapes.rectangle(0, 0, 2, 2), (5, 0))
    corners = np.concatenate(pieces)
    assert corners.min(0).tolist() == [-1, -1]
    assert corners.max(0).tolist() == [6, 1]
