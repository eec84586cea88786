import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rs2sam2.data.synthetic import SCENES, render
from rs2sam2.data.synthetic.canvas import Canvas, Drawn
from rs2sam2.data.synthetic.pictures import CATEGORIES
from rs2sam2.data.synthetic.render import MIN_VISIBLE_PIXELS
from rs2sam2.errors import UsageError

EXPECTED = {
    "airfield": {"airplane"},
    "harbour": {"ship", "harbor"},
    "tank-farm": {"storage tank", "road"},
    "sports": {"tennis court", "baseball field", "basketball court", "ground track field", "stadium", "tree"},
    "suburb": {"building", "road", "vehicle", "tree"},
    "river": {"bridge", "road", "tree", "ship"},
    "fields": {"building", "tree", "road", "windmill"},
    "roads": {"vehicle", "road"},
    "reservoir": {"dam", "road"},
    "power-plant": {"chimney", "building"},
    "toll-station": {"expressway toll station", "road", "vehicle"},
    "service-area": {"expressway service area", "road", "vehicle", "building"},
    "overpasses": {"overpass", "road", "vehicle"},
    "golf-course": {"golf field", "tree"},
}


@pytest.mark.parametrize("scene", SCENES)
def test_scene_is_drawn_with_its_objects(scene: str) -> None:
    found: set[str] = set()
    for seed in range(4):
        drawn = render(scene, (128, 160), gsd=1.0, seed=seed)
        assert drawn.image.shape == (128, 160, 3)
        assert drawn.image.dtype == np.uint8
        assert drawn.image.std() > 8
        for item in drawn.instances:
            assert item.category in CATEGORIES
            assert item.mask.shape == (128, 160)
            x0, y0, x1, y1 = item.box
            ys, xs = np.nonzero(item.mask)
            assert (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) == (x0, y0, x1, y1)
            assert item.area == len(xs)
            found.add(item.category)
    assert found >= EXPECTED[scene] - {"stadium", "windmill", "ground track field"}


def test_the_same_seed_gives_the_same_picture() -> None:
    a, b = (render("sports", (96, 96), gsd=1.5, seed=5) for _ in range(2))
    np.testing.assert_array_equal(a.image, b.image)
    assert [(i.category, i.box) for i in a.instances] == [(i.category, i.box) for i in b.instances]
    for first, second in zip(a.instances, b.instances, strict=True):
        np.testing.assert_array_equal(first.mask, second.mask)
    assert (render("sports", (96, 96), gsd=1.5, seed=6).image != a.image).any()


THINGS = {"airplane", "building", "chimney", "ship", "storage tank", "tree", "vehicle", "windmill"}


@settings(max_examples=14, deadline=None)
@given(st.sampled_from(sorted(SCENES)), st.integers(0, 999))
@example("river", 8)
@example("suburb", 10)
def test_a_pixel_shows_one_thing_and_what_is_recorded_is_seen(scene: str, seed: int) -> None:
    drawn = render(scene, (96, 112), seed=seed)
    assert all(item.area >= MIN_VISIBLE_PIXELS for item in drawn.instances)
    things = [item.mask for item in drawn.instances if item.category in THINGS]
    assert np.sum(things, axis=0, initial=0).max() <= 1


@pytest.mark.parametrize("scene", ["toll-station", "suburb"])
def test_no_vehicle_is_recorded_that_was_painted_over(scene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[tuple[slice, slice, np.ndarray]] = []
    vehicles: list[tuple[int, Drawn]] = []  # and how much had been painted before
    blend, instance = Canvas.blend, Canvas.instance

    def blended(self: Canvas, rows: slice, columns: slice, cover: np.ndarray, surface: object) -> None:
        painted.append((rows, columns, cover > 0.9))
        blend(self, rows, columns, cover, surface)  # type: ignore[arg-type]

    def recorded(self: Canvas, category: str, *given: object, **more: object) -> None:
        instance(self, category, *given, **more)  # type: ignore[arg-type]
        if self.drawn and self.drawn[-1].category == "vehicle":
            vehicles.append((len(painted), self.drawn[-1]))

    monkeypatch.setattr(Canvas, "blend", blended)
    monkeypatch.setattr(Canvas, "instance", recorded)
    render(scene, (176, 192), seed=1)
    assert vehicles
    for since, vehicle in vehicles:
        over = np.zeros((176, 192), bool)
        for rows, columns, cover in painted[since:]:
            over[rows, columns] |= cover
        assert (over[vehicle.rows, vehicle.columns] & vehicle.mask).sum() < MIN_VISIBLE_PIXELS


def test_masks_lie_on_the_objects() -> None:
    """White airplanes on grey ground: the pixels of their masks are lighter than those around."""
    drawn = render("airfield", (256, 256), gsd=0.6, seed=1)
    planes = [i for i in drawn.instances if i.category == "airplane" and i.attributes["colour"] == "white"]
    assert planes
    light = drawn.image.mean(2)
    for plane in planes:
        x0, y0, x1, y1 = plane.box
        inside = plane.mask[y0:y1, x0:x1]
        assert light[y0:y1, x0:x1][inside].mean() > light[y0:y1, x0:x1][~inside].mean() + 10


def test_polygons_enclose_the_mask() -> None:
    drawn = render("tank-farm", (128, 128), gsd=1.0, seed=3)
    whole = [i for i in drawn.instances if i.category == "storage tank" and not i.attributes["truncated"]]
    assert whole
    for tank in whole:
        corners = np.concatenate(tank.polygons)
        assert np.abs(np.concatenate([corners.min(0), corners.max(0)]) - tank.box).max() < 1.5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"scene": "moon"}, "no synthetic scene is called 'moon'; choose one of: airfield"),
        ({"scene": "sports", "size": (8, 512)}, "between 16 and 4096"),
        ({"scene": "sports", "gsd": 0.001}, "between 0.03 and 5 m"),
        ({"scene": "sports", "seed": -1}, "seed -1 was given; seeds are whole numbers from 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        render(**arguments)  # type: ignore[arg-type]
