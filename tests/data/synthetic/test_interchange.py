import numpy as np
import pytest

from rs2sam2.data.synthetic import render
from rs2sam2.data.synthetic.interchange import loop
from rs2sam2.data.synthetic.render import SyntheticScene

CATEGORY = "overpass"


def draw(seed: int, gsd: float) -> SyntheticScene:
    return render("overpasses", (160, 160), gsd=gsd, seed=seed)


def test_decks_cross_the_expressway() -> None:
    for seed in range(4):
        drawn = draw(seed, 1.0)
        below = [i for i in drawn.instances if i.category == "road" and i.attributes["kind"] == "expressway"]
        assert below
        for deck in (i for i in drawn.instances if i.category == CATEGORY):
            assert not (deck.mask & below[0].mask).sum() > 0.2 * deck.area  # the deck hides it


@pytest.mark.parametrize("angle", [0.9, 1.57, 2.2])
def test_a_loop_is_tangent_to_both_roads(angle: float) -> None:
    a, b = np.array([1.0, 0.0]), np.array([np.cos(angle), np.sin(angle)])
    way = loop(np.zeros(2), a, b, 30.0)
    for direction in (a, b):
        side = way @ np.array([-direction[1], direction[0]]) * (1 if direction is a else -1)
        assert side.min() > -0.2  # it touches the road's line and stays on its side
        assert side.min() < 0.2
    assert np.hypot(*way.T).max() > 60
