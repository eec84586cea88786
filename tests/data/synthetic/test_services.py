import numpy as np

from rs2sam2.data.synthetic import render
from rs2sam2.data.synthetic.render import SyntheticScene

CATEGORY = "expressway service area"


def draw(seed: int, gsd: float) -> SyntheticScene:
    return render("service-area", (160, 160), gsd=gsd, seed=seed)


def test_parking_and_buildings_lie_in_the_area() -> None:
    drawn = draw(4, 1.2)
    whole = np.any([i.mask for i in drawn.instances if i.category == CATEGORY], axis=0)
    for category in ("vehicle", "building"):
        assert any((i.mask & whole).sum() > 0.8 * i.area for i in drawn.instances if i.category == category)


def test_sides_are_objects_of_their_own() -> None:
    counts = set()
    for seed in range(3):
        for gsd in (0.5, 2.1):
            masks = [i.mask for i in draw(seed, gsd).instances if i.category == CATEGORY]
            counts.add(len(masks))
            assert np.sum(masks, axis=0).max() == 1
    assert counts == {1, 2}
