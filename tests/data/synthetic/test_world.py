import numpy as np
import pytest

from rs2sam2.data.synthetic.world import BLOCK, World

GSD = 1.5


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=2, gsd=GSD)


def test_cells_are_whole_blocks() -> None:
    assert World(0, 0.5).cell_pixels == 768
    assert World(0, 0.1).cell_pixels <= 2048
    assert all(World(0, gsd).cell_pixels % BLOCK == 0 for gsd in (0.1, 0.3, 0.5, 1.0, 5.0))


def test_windows_agree_where_they_meet(world: World) -> None:
    whole = world.window(-60, -40, 150, 130)
    other = World(seed=2, gsd=GSD)  # remembers nothing
    for row, column, height, width in ((-60, -40, 70, 60), (-10, -13, 33, 41), (50, 60, 40, 30)):
        part = other.window(row, column, height, width)
        np.testing.assert_array_equal(part, whole[row + 60 : row + 60 + height, column + 40 : column + 40 + width])


def test_cells_continue_each_other(world: World) -> None:
    """No seam: steps over the border of two cells are no larger than steps beside it."""
    n = world.cell_pixels
    strip = world.window(0, n - 40, n, 80).astype(float)
    steps = np.abs(np.diff(strip, axis=1)).mean((0, 2))
    assert steps[39] < 1.3 * np.median(steps[30:49])


def test_another_seed_is_another_country(world: World) -> None:
    assert (World(3, GSD).window(0, 0, 64, 64) != world.window(0, 0, 64, 64)).any()


def test_borders_are_the_same_from_both_sides(world: World) -> None:
    left, right = world.cell(0, 0), world.cell(0, 1)
    key = (1, 0, 1)
    assert [d.category for d in left.borders[key]] == [d.category for d in right.borders[key]]
    for a, b in zip(left.borders[key], right.borders[key], strict=True):
        np.testing.assert_allclose(np.concatenate(a.outlines), np.concatenate(b.outlines), atol=1e-6)


def test_what_stands_stays_in_its_cell(world: World) -> None:
    cell = world.cell(1, 0)
    x0, y0, x1, y1 = cell.bounds
    for drawn in cell.drawn:
        if drawn.category not in ("road", "bridge", "harbor"):
            corners = np.concatenate(drawn.outlines)
            assert corners.min(0)[0] >= x0 - 1
            assert corners.min(0)[1] >= y0 - 1
            assert corners.max(0)[0] <= x1 + 1
            assert corners.max(0)[1] <= y1 + 1
