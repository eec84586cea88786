import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs2sam2.data.synthetic import render
from rs2sam2.data.synthetic.canvas import Canvas, Sun
from rs2sam2.data.synthetic.chimneys import View, chimney, cooling_tower, silhouette, taper
from rs2sam2.data.synthetic.render import SyntheticScene


def drawn(seed: int, gsd: float = 1.2) -> SyntheticScene:
    return render("power-plant", (192, 208), gsd=gsd, seed=seed)


def make(bounds: tuple[float, float, float, float] | None = None) -> Canvas:
    return Canvas((120, 120), 1.0, 1, np.random.default_rng(3), Sun(0.0, 1.0), bounds=bounds)


def test_scenes_have_chimneys() -> None:
    seen = 0
    for seed in range(6):
        scene = drawn(seed)
        assert scene.image.std() > 8
        found = [i for i in scene.instances if i.category == "chimney"]
        seen += bool(found)
        for item in found:
            assert item.mask.any()
            assert item.attributes["height_m"] >= 20  # type: ignore[operator]
    assert seen >= 4


def test_the_same_seed_gives_the_same_picture() -> None:
    a, b = (drawn(2) for _ in range(2))
    np.testing.assert_array_equal(a.image, b.image)
    assert [i.box for i in a.instances] == [i.box for i in b.instances]


@settings(max_examples=30, deadline=None)
@given(st.floats(20, 250), st.floats(2, 10), st.floats(0.45, 1.0), st.floats(0.01, 0.4), st.floats(-3.1, 3.1))
def test_a_silhouette_spans_foot_and_top(height: float, foot: float, slim: float, tilt: float, heading: float) -> None:
    lean = (tilt * math.cos(heading), tilt * math.sin(heading))
    outline = silhouette(5.0, -3.0, taper(height, foot, slim * foot), lean)
    along = (outline - (5.0, -3.0)) @ np.array([math.cos(heading), math.sin(heading)])
    assert along.min() == pytest.approx(-foot, abs=1e-6)
    assert along.max() == pytest.approx(max(foot, tilt * height + slim * foot), abs=1e-6)
    across = (outline - (5.0, -3.0)) @ np.array([-math.sin(heading), math.cos(heading)])
    assert across.max() == pytest.approx(foot, rel=0.02)


def test_the_mask_holds_the_shaft_but_not_its_shadow() -> None:
    canvas = make()
    canvas.fill((120.0, 120.0, 120.0))
    chimney(canvas, 40, 80, 100.0, View((0.0, -0.4), 0.0), "steel", 5.0, 0.0)
    canvas.finish()
    (shaft,) = canvas.drawn
    mask = np.zeros((120, 120), bool)
    mask[shaft.rows, shaft.columns] = shaft.mask
    assert mask[80, 40]  # foot
    assert mask[60, 40]
    assert mask[41, 40]  # mouth
    assert not mask[80, 70]  # the shadow falls along x
    assert canvas.colours[80, 70].mean() < 80


def test_cooling_towers_are_recorded_on_request() -> None:
    for record in (True, False):
        canvas = make()
        cooling_tower(canvas, 60, 60, 30.0, View((0.1, 0.0), 0.0), record, 50.0)
        canvas.finish()
        assert [d.category for d in canvas.drawn] == ["chimney"] * record


def test_nothing_stands_beyond_the_bounds() -> None:
    canvas = make((0, 0, 50, 50))
    chimney(canvas, 40, 40, 100.0, View((0.4, 0.0), 0.0), "brick", 4.0, 20.0)
    cooling_tower(canvas, 40, 40, 30.0, View((0.1, 0.0), 0.0), True, 0.0)
    canvas.finish()
    assert not canvas.drawn
