import math

import numpy as np
import pytest

from rs2sam2.data.synthetic import render
from rs2sam2.data.synthetic.canvas import Canvas, Sun
from rs2sam2.data.synthetic.expressway import (
    Highway,
    beside,
    countryside,
    curve,
    expressway,
    length,
    piece,
    settle,
    traffic,
)
from rs2sam2.data.synthetic.site import Site


def site(seed: int = 0, metres: float = 160.0) -> Site:
    rng = np.random.default_rng(seed)
    canvas = Canvas((128, 128), metres / 128, 1, rng, Sun(0.7, 0.8))
    return Site(canvas, metres, metres, metres / 2 + 10)


@pytest.mark.parametrize("gsd", [0.5, 1.5])
@pytest.mark.parametrize(
    ("scene", "category"),
    [
        ("overpasses", "overpass"),
        ("service-area", "expressway service area"),
        ("toll-station", "expressway toll station"),
    ],
)
def test_what_the_scene_is_about_is_seen(scene: str, category: str, gsd: float) -> None:
    for seed in range(3):
        drawn = render(scene, (160, 160), gsd=gsd, seed=seed)
        masks = [i.mask for i in drawn.instances if i.category == category]
        assert masks
        assert 12 <= max(mask.sum() for mask in masks) < 0.8 * 160 * 160
        assert drawn.image.std() > 8


@pytest.mark.parametrize("seed", range(6))
def test_an_expressway_is_as_wide_as_its_parts(seed: int) -> None:
    road = Highway.draw(np.random.default_rng(seed))
    ground = site(seed, 320.0)
    expressway(ground, curve(160, 160, ground.reach), road)
    ground.canvas.finish()
    recorded = next(d for d in ground.canvas.drawn if d.category == "road")
    corners = np.concatenate(recorded.outlines) * 2.5
    assert np.ptp(corners[:, 1]) == pytest.approx(road.width)
    assert road.width == pytest.approx(2 * road.half + road.median)
    assert 2 <= road.lanes <= 4
    assert not ground.free(160, 160, 1)


def test_lines_beside_a_line_keep_their_distance() -> None:
    path = curve(50, 50, 100, 2e-3, 20.0, 0.4)
    for off in (-7.0, 7.0):
        gap = np.hypot(*(beside(path, off) - path).T)
        assert gap == pytest.approx(np.full(len(path), 7.0))
    straight = beside(np.array([[0.0, 0.0], [10.0, 0.0]]), 2.0)
    assert straight[:, 1] == pytest.approx([2.0, 2.0])  # to the right of the way, y running down


def test_traffic_keeps_right() -> None:
    ground = site(3)
    traffic(ground.canvas, curve(80, 80, 100), 2, 25.0, twoway=True)
    middles = [d.outlines[0].mean(0)[1] * ground.canvas.gsd for d in ground.canvas.drawn]
    assert len(middles) > 4
    assert min(middles) < 80 < max(middles)
    assert all(abs(y - 80) == pytest.approx(1.85, abs=0.3) for y in middles)


def test_the_country_differs_and_is_settled() -> None:
    kinds, found = set(), set()
    for seed in range(12):
        ground = site(seed)
        country = countryside(ground)
        settle(ground, country)
        kinds.add(country[0])
        found |= {d.category for d in ground.canvas.drawn}
        assert all(math.isfinite(v) for plot in country[1] for v in plot)
    assert len(kinds) >= 4
    assert found >= {"building", "tree", "road"}


def test_a_piece_lies_on_its_line() -> None:
    line = np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 40.0]])
    part = piece(line, 30.0, 10.0)
    assert part[0] == pytest.approx([20, 0])
    assert part[-1] == pytest.approx([30, 10])
    assert length(line) == 70.0
