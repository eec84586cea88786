from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from toy_objects import TOY, toy_source

from rs2sam2.data.language.symmetry import SYMMETRIES
from rs2sam2.train.objects.exclusive import EXCLUDED
from rs2sam2.train.objects.targets import MOSTLY, item_of
from rs2sam2.train.objects.views import draw_view, view_of


@pytest.mark.parametrize("turn", SYMMETRIES)
@pytest.mark.parametrize("window", [(0, 0, 120, 100), (5, 5, 119, 95)])
def test_masks_and_boxes_stay_together(turn, window) -> None:
    """After crop and turn, each mask's extent is its box in the layout, to a cell."""
    view = view_of(toy_source(), window, turn, 128, None)
    assert len(view.layout.objects) == 3
    for o, mask in zip(view.layout.objects, view.masks, strict=True):
        assert mask is not None
        rows, columns = np.flatnonzero(mask.max(1) > 127), np.flatnonzero(mask.max(0) > 127)
        seen = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / 32
        box = np.array(o.box) / np.array([view.layout.width, view.layout.height] * 2)
        assert np.abs(seen - box).max() < 1.5 / 32


def test_a_view_shows_what_its_layout_says() -> None:
    """The red block is where the storage tank is, in every drawn view."""
    random = Random(3)
    for _ in range(20):
        view = view_of(toy_source(), (0, 0, 120, 100), random.choice(SYMMETRIES), 128, None)
        tank = next(o for o in view.layout.objects if o.category == "storage tank")
        x, y = (int(v * 128 / s) for v, s in zip(tank.centre, (view.layout.width, view.layout.height), strict=True))
        assert view.image[y, x, 0] > 150 and view.image[y, x, 2] < 80


def test_windows_lie_in_the_image() -> None:
    random = Random(0)
    for _ in range(200):
        view = draw_view(toy_source(), random, 64, 0.7)
        assert view.image.shape == (64, 64, 3) and min(view.layout.width, view.layout.height) >= 48
        assert max(view.layout.width, view.layout.height) <= 120


def test_a_view_that_is_not_photographed_anew_keeps_its_colours() -> None:
    view = draw_view(toy_source(), Random(0), 128, 0.0, anew=False)
    colours = {tuple(c) for c in view.image.reshape(-1, 3)[::7].tolist()}
    assert {(250, 250, 250), (200, 30, 30), (90, 90, 90)} <= colours


def test_centres_and_boxes_of_targets() -> None:
    item = item_of(view_of(toy_source(), (0, 0, 120, 100), "identity", 64, None), [], TOY, Random(0))
    ship = TOY.things.index("ship")
    assert [tuple(c) for c in np.argwhere(item.centres[ship] == 255)] == [(3, 1)]  # row, column of (25, 40) px
    np.testing.assert_allclose(item.box_target[:, 3, 1], [10 / 120, 0.2, 40 / 120, 0.6], atol=1e-6)
    assert item.centres_known[ship].all() and not item.centres_known[TOY.things.index("dam")].any()


def test_a_class_in_the_plural_is_the_model_s_in_the_singular() -> None:
    source = toy_source()
    objects = tuple(replace(o, category="SOLAR PANELS") for o in source.layout.objects)
    source = replace(source, layout=replace(source.layout, objects=objects), known=frozenset({"solar panels"}))
    view = view_of(source, (0, 0, 120, 100), "identity", 64, None)
    for named in ("solar panel", "solar panels", "SOLAR PANELS"):  # the last one in a folder of an earlier release
        item = item_of(view, [], replace(TOY, things=("ship", named)), Random(0))
        assert (item.centres[1] == 255).sum() == 3 and item.classes[1].any()
        assert item.centres_known[1].all() and item.classes_known[1].all() and not item.centres_known[0].any()


def test_what_a_thing_is_not_is_known_where_it_lies() -> None:
    """No class of ground is annotated in the toy picture, yet a tank is no water, and a ship no grass."""
    source = toy_source()
    view = view_of(source, (0, 0, 120, 100), "identity", TOY.image_size, None)
    item = item_of(view, [], TOY, Random(0))
    known = {name: item.classes_known[i] for i, name in enumerate(TOY.classes)}
    inside = {o.category: _cells(mask) for o, mask in zip(view.layout.objects, view.masks, strict=True)}
    np.testing.assert_array_equal(known["water"], inside["storage tank"] | inside["airplane"])
    np.testing.assert_array_equal(known["vegetation"], inside["storage tank"] | inside["airplane"] | inside["ship"])
    assert not known["pavement"][inside["storage tank"]].any() and known["pavement"][inside["ship"]].all()
    assert not item.classes[[TOY.classes.index(n) for n in ("water", "vegetation", "pavement")]].any()


def _cells(mask: NDArray[np.uint8] | None) -> NDArray[np.bool_]:
    """The cells of stride 8 that a mask of stride 4 fills."""
    assert mask is not None
    return mask.reshape(len(mask) // 2, 2, -1, 2).mean((1, 3)) > MOSTLY


def test_classes_that_exclude_each_other_are_classes_of_the_model() -> None:
    for name, others in EXCLUDED.items():
        assert name in TOY.classes and others <= set(TOY.classes) and name not in others
