import math

import numpy as np
import pytest

from rs2sam2.data.synthetic import render
from rs2sam2.data.synthetic.canvas import Canvas, Sun
from rs2sam2.data.synthetic.dams import wall_of
from rs2sam2.data.synthetic.pictures import CATEGORIES
from rs2sam2.data.synthetic.render import SyntheticScene
from rs2sam2.data.synthetic.reservoir import KINDS, reservoir
from rs2sam2.data.synthetic.site import Site
from rs2sam2.data.synthetic.valley import Land


@pytest.fixture(scope="module")
def drawn() -> list[SyntheticScene]:
    return [render("reservoir", (160, 192), gsd=(0.8, 2.0, 4.0)[seed % 3], seed=seed) for seed in range(24)]


def test_every_picture_has_one_dam(drawn: list[SyntheticScene]) -> None:
    kinds = set()
    for scene in drawn:
        assert {i.category for i in scene.instances} <= {*CATEGORIES, "dam"}
        (dam,) = [i for i in scene.instances if i.category == "dam"]
        assert 0.0005 < dam.mask.mean() < 0.5
        assert dam.attributes["kind"] in KINDS
        kinds.add(dam.attributes["kind"])
    assert len(kinds) >= 4


def test_a_whole_dam_is_as_long_as_said(drawn: list[SyntheticScene]) -> None:
    whole = [(s, i) for s in drawn for i in s.instances if i.category == "dam" and not i.attributes["truncated"]]
    assert whole
    for scene, dam in whole:
        length = dam.attributes["length_m"]
        assert isinstance(length, float)
        assert 60 <= length <= 900
        x0, y0, x1, y1 = dam.box
        assert 0.9 * length - 2 * scene.gsd <= math.hypot(x1 - x0, y1 - y0) * scene.gsd <= 1.9 * length


def test_the_same_seed_gives_the_same_picture(drawn: list[SyntheticScene]) -> None:
    again = render("reservoir", (160, 192), gsd=2.0, seed=1)
    np.testing.assert_array_equal(again.image, drawn[1].image)


def _land(seed: int, length: float) -> Land:
    canvas = Canvas((200, 200), 2.0, seed, np.random.default_rng(seed), Sun(0.7, 1.0))
    return Land(Site(canvas, 400.0, 400.0, 300.0), (200.0, 200.0), length, 30.0, 2.0, 1.5, 1.0)


@pytest.mark.parametrize("kind", sorted(set(KINDS)))
def test_a_dam_reaches_from_bank_to_bank(kind: str) -> None:
    for seed in range(3):
        land = _land(seed, 160.0)
        wall = wall_of(land, kind)
        assert np.hypot(*(wall.crest[-1] - wall.crest[0])) >= 160.0 - 1e-6
        assert land.level(200.0, 200.0) < 0.2 * land.rise
        for side in (-1, 1):
            assert land.level(200.0 + side * 84.0, 200.0) > 0.9 * land.rise
        corners = wall.body()
        x, y = corners[:, 0], corners[:, 1]
        area = abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2
        assert area > 160.0 * wall.half


def test_only_water_that_hangs_together_with_the_valley_stays() -> None:
    land = _land(0, 160.0)
    wet = np.zeros((200, 200), bool)
    wet[20:60, 90:110] = True  # in the valley's middle
    wet[30:40, 110:150] = True  # an arm of it
    wet[10:30, 180:198] = True  # a pond in the hills
    joined = land.joined(wet) & wet
    assert joined[35, 140]
    assert joined[25:55, 95:105].all()
    assert not joined[:, 176:].any()


def test_what_stands_keeps_to_the_bounds() -> None:
    bounds = (0.0, 0.0, 40.0, 40.0)
    canvas = Canvas((100, 100), 2.0, 3, np.random.default_rng(3), Sun(0.7, 1.0), bounds=bounds)
    reservoir(Site(canvas, 200.0, 200.0, 150.0))
    assert not [d for d in canvas.drawn if d.category == "dam"]
