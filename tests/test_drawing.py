from __future__ import annotations

import numpy as np

from rs2sam2.drawing import COLORS, inner_edge, outer_edge, shrink, tint


def square() -> np.ndarray:
    mask = np.zeros((9, 9), np.bool_)
    mask[2:7, 2:7] = True
    return mask


def test_edges_lie_inside_and_outside() -> None:
    mask = square()
    assert inner_edge(mask).sum() == 16 and not (inner_edge(mask) & ~mask).any()
    assert inner_edge(mask, 3).sum() == 25
    assert outer_edge(mask).sum() == 20 and not (outer_edge(mask, 2) & mask).any()
    assert inner_edge(np.ones((4, 4), np.bool_)).sum() == 12  # the frame is an edge


def test_a_tint_lets_pixels_shine_through() -> None:
    pixels = np.full((9, 9, 3), 100, np.float32)
    tinted = tint(pixels, square(), COLORS[0], 0.25)
    assert (tinted[0, 0] == 100).all() and (tinted[4, 4] == 75 + 0.25 * np.array(COLORS[0])).all()
    assert tinted.dtype == np.float32 and (pixels == 100).all()


def test_a_speck_does_not_vanish() -> None:
    mask = np.zeros((90, 90), np.bool_)
    mask[44:46, 40] = True
    assert shrink(mask, (9, 9)).sum() == 1 and shrink(square(), (9, 9)).sum() == 25
    assert not shrink(np.zeros((90, 90), np.bool_), (9, 9)).any()
