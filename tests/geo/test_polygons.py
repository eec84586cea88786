from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from rasterio.features import rasterize

from rs2sam2.geo.polygons import Piece, Polygonizer, simplified

Mask = NDArray[np.bool_]
MASKS = arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def pieces_of(mask: Mask, cuts: list[int], values: NDArray[np.uint8] | None = None) -> list[Piece]:
    """The pieces of a mask that comes in bands cut at the given rows."""
    values = np.zeros(mask.shape, np.uint8) if values is None else values
    polygonizer = Polygonizer(mask.shape[1])
    found: list[Piece] = []
    edges = sorted({0, *(c for c in cuts if 0 < c < len(mask)), len(mask)})
    for top, bottom in itertools.pairwise(edges):
        found += polygonizer.add(mask[top:bottom], values[top:bottom])
    return [*found, *polygonizer.finish()]


@given(MASKS, st.lists(st.integers(1, 13)))
def test_polygons_are_valid_follow_the_mask_and_do_not_know_the_bands(mask: Mask, cuts: list[int]) -> None:
    values = (np.arange(mask.size) % 251).astype(np.uint8).reshape(mask.shape)
    pieces = pieces_of(mask, cuts, values)
    for piece in pieces:
        assert piece.polygon.is_valid and piece.polygon.area == piece.pixels
        inside = rasterize([piece.polygon], mask.shape).astype(bool)
        assert mask[inside].all() and inside.sum() == piece.pixels
        assert abs(piece.mean - values[inside].mean()) < 1e-9
    again = rasterize([p.polygon for p in pieces], mask.shape) if pieces else np.zeros(mask.shape)
    np.testing.assert_array_equal(again.astype(bool), mask)
    in_one = pieces_of(mask, [], values)
    assert sorted(p.polygon.wkt for p in pieces) == sorted(p.polygon.wkt for p in in_one)


def test_what_lies_above_a_seam_and_below_it_is_one_piece_with_its_hole() -> None:
    ring = np.zeros((9, 9), bool)
    ring[1:8, 1:8] = True
    ring[3:6, 3:6] = False
    for cut in range(1, 9):
        (piece,) = pieces_of(ring, [cut, cut + 2])
        assert piece.pixels == 40
        assert piece.polygon.equals(shapely.box(1, 1, 8, 8) - shapely.box(3, 3, 6, 6))
        assert len(piece.polygon.exterior.coords) == len(piece.polygon.interiors[0].coords) == 5  # corners alone


def test_two_arms_that_meet_later_are_one_piece() -> None:
    mask = np.zeros((8, 7), bool)
    mask[:, 0] = mask[:, 6] = mask[:, 3] = mask[7] = True
    (piece,) = pieces_of(mask, [2, 4, 6])
    assert piece.pixels == 3 * 7 + 7


def test_pieces_are_handed_on_as_soon_as_they_end() -> None:
    mask = np.zeros((12, 4), bool)
    mask[1:3, 1] = mask[6:9, 2] = True
    polygonizer, values = Polygonizer(4), np.zeros((4, 4), np.uint8)
    assert len(list(polygonizer.add(mask[:4], values))) == 1
    assert len(list(polygonizer.add(mask[4:8], values))) == 0
    assert len(list(polygonizer.add(mask[8:], values))) == 1
    assert not list(polygonizer.finish())


def test_pixels_that_meet_in_a_corner_are_two_pieces() -> None:
    assert len(pieces_of(np.eye(6, dtype=bool), [3])) == 6


CORNERS = ((1, 7), (1, 8), (6, 8), (6, 6), (2, 6), (2, 7))
HOOK = (
    (3, 1), (3, 5), (6, 5), (6, 4), (9, 4), (9, 3), (10, 3), (10, 1), (11, 1), (11, 0), (9, 0), (9, 2), (5, 2), (5, 1), (6, 1),
    (6, 0), (4, 0), (4, 1),
)  # fmt: skip


@pytest.mark.parametrize(("ring", "width"), [(CORNERS, 1.0), (HOOK, 0.3)])
def test_a_simpler_outline_is_valid_and_keeps_to_the_tolerance(ring: tuple[tuple[int, int], ...], width: float) -> None:
    """GEOS' own answer to these is 1.4 times the tolerance away, or crosses itself."""
    outline = shapely.Polygon(ring)
    (simple,) = simplified([outline], 1.0, (width, 1.0))
    assert simple.is_valid
    before, after = (shapely.transform(p, lambda xy: xy * [width, 1]) for p in (outline, simple))
    assert shapely.hausdorff_distance(before.boundary, after.boundary, densify=0.05) <= 1.001
