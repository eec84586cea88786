import numpy as np
import pytest

from rs2sam2.data.synthetic import render
from rs2sam2.data.synthetic.canvas import Canvas, Sun
from rs2sam2.data.synthetic.render import SyntheticScene
from rs2sam2.data.synthetic.tolls import cover, roof

CATEGORY = "expressway toll station"


def draw(seed: int, gsd: float) -> SyntheticScene:
    return render("toll-station", (160, 160), gsd=gsd, seed=seed)


def test_a_station_reaches_across_its_lanes() -> None:
    for seed in range(4):
        for item in draw(seed, 0.9).instances:
            if item.category == CATEGORY:
                (area,) = item.polygons
                sides = np.hypot(*np.diff(area, axis=0).T)[:2] * 0.9
                lanes = item.attributes["lanes"]
                assert isinstance(lanes, int)
                assert 4 <= lanes <= 24
                assert lanes * 4.6 < sides[1] < (lanes + 1) * 5.6
                assert 20 < sides[0] < 60


def canvas(seed: int, bounds: tuple[float, float, float, float] | None = None) -> Canvas:
    return Canvas((128, 128), 80 / 128, 1, np.random.default_rng(seed), Sun(0.7, 0.8), bounds=bounds)


@pytest.mark.parametrize("seed", range(8))
def test_a_roof_spans_its_size_and_hides_what_is_below(seed: int) -> None:
    ground = canvas(seed)
    ground.instance("vehicle", np.array([[38.0, 38.0], [42.0, 38.0], [42.0, 42.0], [38.0, 42.0]]))
    outline = roof(ground, 40, 40, 14, 40, 0.0, 6.0, cover(ground.rng))
    assert np.ptp(outline, 0) == pytest.approx([14, 40])
    ground.finish()
    assert not ground.drawn[0].mask.any()
    bounded = canvas(seed, (0, 0, 50, 50))
    roof(bounded, 40, 40, 14, 40, 0.0, 6.0, cover(bounded.rng))
    before = bounded.colours.copy()
    bounded.finish()
    np.testing.assert_array_equal(before, bounded.colours)
