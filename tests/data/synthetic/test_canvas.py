import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs2sam2.data.synthetic.canvas import PAVING, Canvas, Sun
from rs2sam2.data.synthetic.materials import GRASS
from rs2sam2.data.synthetic.shapes import ellipse, points, rectangle, shifted


def make(size: tuple[int, int] = (64, 96), gsd: float = 0.5, rotation: float = 0.0, **more: object) -> Canvas:
    sun = Sun(azimuth=0.0, reach=1.0)
    return Canvas(size, gsd, 1, np.random.default_rng(0), sun, rotation, **more)  # type: ignore[arg-type]


def test_scene_metres_start_in_the_upper_left_corner() -> None:
    np.testing.assert_allclose(make().to_pixels([(0, 0), (48, 32)]), [(0, 0), (96, 64)])


@given(st.floats(-4, 4))
def test_rotation_keeps_the_middle(angle: float) -> None:
    np.testing.assert_allclose(make(rotation=angle).to_pixels([(24, 16)]), [(48, 32)], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(8, 40), st.floats(8, 24), st.floats(1, 7), st.floats(0, 3.2))
def test_coverage_adds_up_to_the_area(x: float, y: float, radius: float, heading: float) -> None:
    canvas = make((64, 96))
    outline = ellipse(x, y, radius, radius * 0.6, heading)
    covered = canvas.coverage([outline])
    assert covered is not None
    _, _, alpha = covered
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    inside = outline.min() > 0 and outline[:, 0].max() < 48 and outline[:, 1].max() < 32
    if inside:
        perimeter = 2 * math.pi * radius / 0.5
        assert float(alpha.sum()) == pytest.approx(math.pi * radius * radius * 0.6 / 0.25, abs=0.3 * perimeter)


def test_mask_is_what_the_paint_covers_by_half() -> None:
    canvas = make()
    outline = ellipse(20, 14, 8, 5, 0.7)
    canvas.paint(outline, (200.0, 200.0, 200.0))
    canvas.instance("ship", outline)
    (drawn,) = canvas.drawn
    mask = np.zeros((64, 96), bool)
    mask[drawn.rows, drawn.columns] = drawn.mask
    np.testing.assert_array_equal(mask, canvas.colours[..., 0] >= 100)


def test_holes_are_cut_out() -> None:
    canvas = make()
    canvas.instance("stadium", ellipse(20, 14, 10), holes=[ellipse(20, 14, 5)])
    (drawn,) = canvas.drawn
    assert drawn.mask.sum() == pytest.approx(math.pi * (20**2 - 10**2), rel=0.03)


def test_what_is_above_hides_what_is_below() -> None:
    canvas = make()
    canvas.instance("ship", rectangle(20, 16, 20, 4))
    before = int(canvas.drawn[0].mask.sum())
    canvas.hide(rectangle(20, 16, 5, 30), 2.5)
    canvas.instance("tree", rectangle(20, 16, 20, 4), level=4)
    canvas.instance("vehicle", rectangle(20, 16, 20, 4), level=2.6)  # what lies under the deck stays hidden
    canvas.instance("bridge", rectangle(20, 16, 5, 30), level=2.5)
    canvas.instance("road", rectangle(20, 20, 20, 4))
    canvas.finish()
    ship, tree, vehicle, bridge, road = (int(drawn.mask.sum()) for drawn in canvas.drawn)
    assert (ship, tree, vehicle) == (0, before, 0) and bridge == pytest.approx(10 * 60 - 10 * 8, rel=0.05)
    assert road == pytest.approx(before * 0.75, rel=0.05)


@pytest.mark.parametrize(
    ("below", "above", "hidden"),
    [
        ("road", PAVING, False),
        ("vehicle", PAVING, True),
        ("road", "vehicle", False),
        ("vehicle", "vehicle", True),
        ("road", "building", True),
        ("harbor", "building", False),
        ("harbor", "tree", True),
        ("golf field", "tree", False),
        ("tree", "bridge", False),
    ],
)
def test_what_stands_on_an_object_hides_it_or_belongs_to_it(below: str, above: str, hidden: bool) -> None:
    canvas = make()
    canvas.instance(above, rectangle(20, 16, 10, 4), level=2)  # painted later, though it comes first
    canvas.instance(below, rectangle(20, 16, 20, 4), level=1)
    canvas.finish()
    top, bottom = (int(drawn.mask.sum()) for drawn in canvas.drawn)
    assert bottom == (top if hidden else 2 * top)


def test_shadow_lies_away_from_the_sun_and_darkens() -> None:
    canvas = make()
    canvas.fill((100.0, 100.0, 100.0))
    canvas.shadow(rectangle(10, 16, 4, 4), 10.0)
    canvas.finish()
    assert canvas.colours[32, 2, 0] == 100  # before the object
    assert canvas.colours[32, 36, 0] < 60  # 8 m behind it, in a shadow 10 m long
    assert canvas.colours[32, 60, 0] == 100  # beyond the shadow's end
    assert canvas.colours[50, 36, 0] == 100  # beside it


def test_what_stands_is_painted_after_shadows_lower_levels_first() -> None:
    canvas = make()
    order: list[int] = []
    canvas.later(2, lambda: order.append(2))
    canvas.later(1, lambda: order.append(1))
    canvas.later(2, lambda: order.append(3))
    canvas.finish()
    assert order == [1, 2, 3]


def test_bounds_and_window() -> None:
    canvas = make(bounds=(5.0, 5.0, 20.0, 20.0))
    assert canvas.fits(rectangle(10, 10, 4, 4))
    assert not canvas.fits(rectangle(19, 10, 4, 4))
    canvas.window = (10, 10, 20, 20)
    canvas.paint(rectangle(24, 16, 100, 100), (50.0, 50.0, 50.0))
    assert canvas.colours[10:20, 10:20].min() == 50
    assert canvas.colours.sum() == 50 * 10 * 10 * 3


def test_materials_continue_over_neighbouring_canvases() -> None:
    whole, part = make((40, 60)), make((40, 30), corner=(0, 30))
    whole.fill(GRASS)
    part.fill(GRASS)
    np.testing.assert_allclose(whole.colours[:, 30:], part.colours, rtol=1e-6)


def test_outside_the_picture_nothing_happens() -> None:
    canvas = make()
    far = shifted(points([(0, 0), (1, 0), (1, 1)]), 500, 500)
    canvas.paint(far, (9.0, 9.0, 9.0))
    canvas.instance("ship", far)
    assert canvas.coverage([far]) is None
    assert not canvas.drawn
    assert canvas.colours.max() == 0
