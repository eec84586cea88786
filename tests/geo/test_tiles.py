from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs2sam2.errors import UsageError
from rs2sam2.geo.tiles import Tile, TileGrid

SIDES = st.integers(1, 300)


@given(SIDES, SIDES, st.integers(1, 120), st.floats(0, 0.5))
def test_tiles_cover_the_frame_stay_inside_and_overlap(height: int, width: int, side: int, overlap: float) -> None:
    grid = TileGrid.cover((height, width), side, overlap)
    for starts, length, tile in (
        (grid.row_starts, height, grid.tile[0]),
        (grid.column_starts, width, grid.tile[1]),
    ):
        assert starts[0] == 0 and starts[-1] + tile == length
        gaps = np.diff(starts)
        assert (gaps > 0).all() and (gaps <= max(1, tile - np.floor(overlap * tile))).all()
        assert max(gaps, default=0) - min(gaps, default=0) <= 1  # evenly spread
    assert len(grid) == sum(len(row) for row in grid.rows())


@given(SIDES, st.integers(8, 120), st.floats(0, 0.5))
def test_weights_are_positive_and_symmetric_where_neighbours_fade(length: int, side: int, overlap: float) -> None:
    grid = TileGrid.cover((length, 1), side, overlap)
    total = np.zeros(length)
    for start in grid.row_starts:
        rows, columns = grid.weights(Tile(start, 0, *grid.tile))
        assert (rows > 0).all() and (rows <= 1).all() and (columns == 1).all()
        total[start : start + grid.tile[0]] += rows
    assert (total > 0.5 - 1e-6).all()
    assert total[0] == total[-1] == 1  # nothing fades at the frame's own edge


def test_any_tile_from_the_frames_size_upwards_is_the_same_grid() -> None:
    assert TileGrid.cover((90, 70), 90) == TileGrid.cover((90, 70), 91) == TileGrid.cover((90, 70), 5000)
    assert len(TileGrid.cover((90, 70), 90)) == 1


@pytest.mark.parametrize(("side", "overlap", "said"), [(0, 0.25, "tile-size"), (10, 0.6, "between 0 and 0.5")])
def test_nonsense_is_refused(side: int, overlap: float, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        TileGrid.cover((10, 10), side, overlap)
