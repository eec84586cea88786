from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from random import Random

import numpy as np
import pytest
import toy_imagery
from PIL import Image

from rs2sam2.data.builder.annotated import AnnotatedImage
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.masks import RLE, from_coco
from rs2sam2.errors import DataError, UsageError
from rs2sam2.train.objects.mosaic import MosaicPool, mosaic_pool
from rs2sam2.train.objects.options import Data, PoolOptions
from rs2sam2.train.objects.pools import ImagePool, image_pool, open_parted
from rs2sam2.train.recipe import Recipe

Toy = Callable[..., Recipe]


def opened(recipe: Recipe) -> dict[str, ImagePool | MosaicPool]:
    data = recipe.options.data
    return {p.name: p for p in open_parted(Path(data.root), data.pools, 0)[0]}


def test_every_kind_is_read(toy: Toy) -> None:
    pools = opened(toy())
    assert {name: len(pool) for name, pool in pools.items()} == {"things": 5, "cover": 5, "houses": 5, "scenes": 15}
    sources = {name: pool.draw(Random(0)) for name, pool in pools.items()}
    assert sorted(o.category for o in sources["things"].layout.objects) == ["airplane", "ship", "storage tank"]
    assert {o.category for o in sources["cover"].layout.objects} == {"building", "road", "vegetation"}
    assert {o.category for o in sources["houses"].layout.objects} == {"building"}
    assert len(sources["houses"].layout.objects) == 3
    assert sources["things"].known >= {"ship", "airplane"} and "ship" not in sources["cover"].known
    for source in sources.values():
        assert source.pixels.shape[2] == 3 and len(source.pieces) == len(source.layout.objects)


def test_pixels_and_masks_are_of_one_image(toy: Toy) -> None:
    """What a piece covers has its class's colour."""
    for seed in range(5):
        source = opened(toy())["things"].draw(Random(seed))
        for o, piece in zip(source.layout.objects, source.pieces, strict=True):
            assert piece is not None
            inner = np.asarray(piece.mask) > 127
            here = source.pixels[piece.top :, piece.left :][: inner.shape[0], : inner.shape[1]][inner]
            assert np.abs(np.median(here, axis=0) - toy_imagery.THINGS[o.category]).max() < 30


def test_what_is_excluded_is_never_drawn(toy: Toy) -> None:
    pools = opened(toy())
    things, cover = pools["things"], pools["cover"]
    assert isinstance(things, ImagePool) and isinstance(cover, ImagePool)
    assert (Path(toy().options.data.root) / "things/images/bad.jpg").exists()
    assert not [r for pool in (things, cover) for r in pool.records if r.image.name.startswith("bad")]


def test_a_pattern_that_fits_nothing_is_an_error(toy: Toy) -> None:
    with pytest.raises(UsageError, match=r"data.pools.things.exclude has '73.jpg', which fits none of its 6 files"):
        opened(toy("--data.pools.things.exclude=[73.jpg]"))


def test_missing_pools_are_named_at_once_with_what_to_type(toy: Toy) -> None:
    recipe = toy("--data.pools.things.annotations=nowhere.json", "--data.pools.scenes.labels=none.csv")
    with pytest.raises(UsageError, match=r"pool things: no .*nowhere.json, pool scenes: no .*none.csv") as error:
        opened(recipe)
    assert "--data.pools.things=null --data.pools.scenes=null" in str(error.value)
    assert set(opened(toy("--data.pools.things=null"))) == {"cover", "houses", "scenes"}


def test_parts_are_apart_and_whole(toy: Toy) -> None:
    for pool in opened(toy()).values():
        kept, held = pool.parted(0.4)
        names = [[entry[:2] for entry in part.contents()] for part in (pool, kept, held)]
        assert sorted(names[0]) == sorted(names[1] + names[2]) and not set(names[1]) & set(names[2])
        assert len(held) == round(0.4 * len(pool))
        assert not len(pool.parted(0)[1])


def test_parts_of_all_pools(toy: Toy) -> None:
    data = toy().options.data
    kept, held = open_parted(Path(data.root), data.pools, 0.4)
    assert [len(p) for p in kept] == [3, 3, 3, 9] and [len(p) for p in held] == [2, 2, 2, 6]
    assert not open_parted(Path(data.root), data.pools, 0)[1]
    with pytest.raises(UsageError, match=r"calibration.share 0.99 holds out every image"):
        open_parted(Path(data.root), data.pools, 0.99)


def test_a_large_image_is_made_smaller_with_its_annotation(tmp_path: Path) -> None:
    values = np.zeros((100, 2048), np.uint8)
    values[20:60, 200:600] = 1
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values * np.uint8(255)).convert("RGB").save(tmp_path / "a.jpg")
    pool = PoolOptions(kind="instances", masks=".", images=".", category="building", weight=1)
    source = open_parted(tmp_path, {"wide": pool}, 0)[0][0].draw(Random(0))
    (o,), (piece,) = source.layout.objects, source.pieces
    assert source.pixels.shape == (50, 1024, 3) and o.box == (100, 10, 300, 30) and piece is not None
    assert (piece.left, piece.top, *piece.mask.size) == (100, 10, 200, 20)


def test_mosaics_put_scenes_side_by_side(tmp_path: Path) -> None:
    Image.new("RGB", (80, 80), "red").save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("file,category\na.png,stadium\na.png,airport\na.png,airplane\n")
    pool = mosaic_pool("scenes", tmp_path / "labels.csv", 1.0)
    assert {name for name, _ in pool.pictures} == {"stadium", "airport"}
    random = Random(0)
    for _ in range(10):
        source = pool.draw(random)
        assert 1 <= len(source.layout.objects) <= 4
        for o, piece in zip(source.layout.objects, source.pieces, strict=True):
            assert (piece is not None) == (o.category == "stadium") and o.boxed
            assert 0 <= o.box[0] < o.box[2] <= 512
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be read"):
        pool.draw(random)


def test_mosaics_show_outlined_things_where_they_are(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        Image.new("RGB", (80, 80)).save(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text("file,category\na.png,train station\nb.png,train station\nc.png,bridge\n")
    pixels = np.zeros((80, 80, 3), np.uint8)
    pixels[40:60, 30:70] = 255  # what is outlined is white
    Image.fromarray(pixels).save(tmp_path / "a.png")
    outlines = {
        "categories": [{"id": 1, "name": "train station"}],
        "images": [{"id": 1, "file_name": "a.png", "width": 80, "height": 80}],
        "annotations": [{"image_id": 1, "category_id": 1, "segmentation": [[30, 40, 70, 40, 70, 60, 30, 60]]}],
    }
    (tmp_path / "outlines.json").write_text(json.dumps(outlines))
    pool = PoolOptions(kind="mosaic", labels="labels.csv", also=("outlines.json",), weight=1)
    unlike = {"train station": frozenset({"ship"})}
    (mosaics,), _ = open_parted(tmp_path, {"scenes": pool}, 0, unlike)
    assert mosaics.classes() == {"train station"}
    random, found = Random(1), 0
    for _ in range(20):
        source = mosaics.draw(random)
        if (
            source.somewhere
        ):  # the station without an outline comes alone; the bridge, of which nothing is known, never does
            assert source.somewhere == {"train station"} and not source.layout.objects
            continue
        shown = np.zeros(source.pixels.shape[:2], np.bool_)
        for o, piece in zip(source.layout.objects, source.pieces, strict=True):
            assert o.category == "train station" and piece is not None and not o.boxed
            window = np.s_[piece.top : piece.top + piece.mask.height, piece.left : piece.left + piece.mask.width]
            shown[window] |= np.asarray(piece.mask) > 127
            assert o.box == (piece.left, piece.top, window[1].stop, window[0].stop)
            assert o.area == pytest.approx((np.asarray(piece.mask) > 127).sum(), rel=0.1)
            found += 1
        white = source.pixels[..., 0] > 127
        assert (shown & white).sum() > 0.97 * (shown | white).sum()
    assert found


def test_mosaics_do_not_deny_what_a_picture_may_show_unasked(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text("file,category\na.png,airport\nb.png,airplane\n")
    whole = (RLE.encode(np.ones((8, 8), np.bool_)),)
    plane = AnnotatedImage(tmp_path / "b.png", Layout(8, 8, (SceneObject("airplane", (0, 0, 8, 8), 64),)), whole)
    pool = mosaic_pool("scenes", tmp_path / "labels.csv", 1.0, outlined=[plane])
    random, seen = Random(0), set()
    for _ in range(200):
        source = pool.draw(random)
        shown = frozenset(o.category for o in source.layout.objects)
        # nobody looked for airplanes in pictures of airports, nor for the airport around an airplane
        assert source.known == (shown if len(shown) == 1 else frozenset())
        seen.add(shown)
    assert len(seen) == 3


def test_mosaics_show_a_class_as_often_as_another(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("file,category\n" + "a.png,airport\n" * 30 + "a.png,golf field\n")
    pool = mosaic_pool("scenes", tmp_path / "labels.csv", 1.0)
    random = Random(0)
    shown = [o.category for _ in range(100) for o in pool.draw(random).layout.objects]
    assert 0.4 < shown.count("golf field") / len(shown) < 0.6


def test_outlines_must_be_of_pictures_that_are_listed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text("file,category\na.png,airport\n")
    whole = RLE.encode(np.ones((8, 8), np.bool_))
    outlined = AnnotatedImage(tmp_path / "b.png", Layout(8, 8, (SceneObject("airport", (0, 0, 8, 8), 64),)), (whole,))
    with pytest.raises(DataError, match=r"outlines of b\.png .*labels\.csv lists; write the same file names in both"):
        mosaic_pool("scenes", tmp_path / "labels.csv", 1.0, outlined=[outlined])


def test_a_playground_is_a_track_only_where_it_was_outlined(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    labels = tmp_path / "labels.csv"
    labels.write_text("file,category\na.png,ground track field\nb.png,ground track field\n")
    whole = (RLE.encode(np.ones((8, 8), np.bool_)),)
    pitch = AnnotatedImage(tmp_path / "b.png", Layout(8, 8, (SceneObject("soccer field", (0, 0, 8, 8), 64),)), whole)
    beside = {"ground track field": frozenset({"dam"})}
    pool = mosaic_pool("scenes", labels, 1.0, beside=beside, outlined=[pitch])
    assert [path.name for _, path in pool.pictures] == ["b.png"]
    assert pool.classes() == {"soccer field"}
    assert len(mosaic_pool("scenes", labels, 1.0, beside=beside)) == 2


def test_a_baseball_field_is_its_diamond_so_that_only_an_outline_says_where(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,category\na.png,airport\nb.png,baseball field\n")
    pool = mosaic_pool("scenes", tmp_path / "labels.csv", 1.0)
    assert pool.classes() == {"airport"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"kind": "coco", "annotations": "a"},
            "data.pools.p of kind coco is given by annotations, images, not by annot",
        ),
        (
            {"kind": "mosaic", "labels": "a", "images": "b"},
            "data.pools.p of kind mosaic is given by labels, not by images",
        ),
        ({"kind": "mosaic", "labels": "a", "weight": 0}, "data.pools.p.weight 0 must be above 0; --data.pools.p=null"),
        ({"kind": "mosaic", "labels": "a", "zoom": 2}, "data.pools.p.zoom 2 must be in"),
        (
            {"kind": "pasted", "labels": "a", "layouts": "b", "exclude": ("x",)},
            "data.pools.p of kind pasted has no exclude",
        ),
        (
            {"kind": "masks", "masks": "a", "images": "b", "labels": "c", "also": ("b.json",)},
            "data.pools.p of kind masks has no also",
        ),
    ],
)
def test_a_wrong_pool_says_what_is_wrong(given: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Data(root=".", pools={"p": PoolOptions(**({"weight": 1.0} | given))})


def test_of_a_class_that_is_not_always_annotated_nothing_is_denied() -> None:
    def image(*categories: str) -> AnnotatedImage:
        objects = tuple(SceneObject(c, (10, 10, 20, 20), 100.0) for c in categories)
        return AnnotatedImage(Path(), Layout(64, 64, objects), (None,) * len(objects))

    pool = image_pool("p", [image("airplane", "car"), image("airplane")], 1.0, incomplete=("vehicle",))
    with_cars, without = (record.known for record in pool.records)
    assert with_cars == {"airplane", "vehicle", "car", "truck", "bus", "van"}
    assert without == {"airplane"}


def test_the_package_outlines_what_pictures_show() -> None:
    """Polygons lie in their pictures, each picture is listed once, and none that is there for scores is trained on."""
    recipes = Path(str(files("rs2sam2"))) / "recipes"
    train, vehicles = (json.loads((recipes / f"scenes-{name}.json").read_text()) for name in ("outlines", "vehicles"))
    val = json.loads((Path(__file__).resolve().parents[3] / "benchmarks" / "scenes-outlines-val.json").read_text())
    for data in (train, val, vehicles):
        sizes = {image["id"]: (image["height"], image["width"]) for image in data["images"]}
        assert len(sizes) == len({image["file_name"] for image in data["images"]}) == len(data["images"])
        for annotation in data["annotations"]:
            (ring,), (height, width) = annotation["segmentation"], sizes[annotation["image_id"]]
            x, y = np.array(ring).reshape(-1, 2).T
            assert len(x) >= 3 and 0 <= x.min() < x.max() <= width and 0 <= y.min() < y.max() <= height
        if data is not vehicles:  # some roads are empty
            assert {a["image_id"] for a in data["annotations"]} == sizes.keys()
    assert not {i["file_name"] for i in train["images"]} & {i["file_name"] for i in val["images"]}


def write_water(path: Path, first: int = 0) -> None:
    """Says of two of the toy things' pictures what water they show: a strip on the left, and none."""
    ring = [0, 0, 6, 0, 6, toy_imagery.HEIGHT, 0, toy_imagery.HEIGHT]
    size = {"height": toy_imagery.HEIGHT, "width": toy_imagery.WIDTH}
    images = [{"id": n, "file_name": f"image{first + n}.jpg", **size} for n in range(2)]
    water = {"id": 1, "image_id": 0, "category_id": 1, "segmentation": [ring]}
    categories = [{"id": 1, "name": "water"}]
    path.write_text(json.dumps({"images": images, "annotations": [water], "categories": categories}))


def test_what_else_is_annotated_is_known_where_it_is(toy: Toy) -> None:
    """Water in the one picture, none in the other; of the rest nothing is said."""
    write_water(Path(toy().options.data.root) / "water.json")
    things = opened(toy("--data.pools.things.also=[water.json]"))["things"]
    assert isinstance(things, ImagePool) and "water" in things.classes()
    wet, dry, *rest = (record for record in things.records)
    assert [o.category for o in wet.layout.objects].count("water") == 1 and len(wet.pieces) == 4
    assert wet.pieces[-1] is not None and wet.pieces[-1].mask.size == (6, toy_imagery.HEIGHT)
    assert "water" in wet.known and "water" in dry.known and len(dry.layout.objects) == 3
    assert not any("water" in record.known for record in rest)


def test_a_file_about_other_images_is_an_error(toy: Toy, tmp_path: Path) -> None:
    write_water(tmp_path / "water.json", first=5)
    with pytest.raises(DataError, match=r"image5.jpg"):
        opened(toy(f"--data.pools.things.also=[{tmp_path / 'water.json'}]"))
    with pytest.raises(UsageError, match=r"pool things: no .*nowhere.json"):
        opened(toy("--data.pools.things.also=[nowhere.json]"))
    other = AnnotatedImage(Path("b.jpg"), Layout(9, 9), ())
    with pytest.raises(DataError, match=r"pool p: a file of `also` is about none of its images"):
        image_pool("p", [AnnotatedImage(Path("a.jpg"), Layout(9, 9), ())], 1.0, also=[[other]])


def test_a_file_of_ones_own_goes_before_that_of_the_package(toy: Toy) -> None:
    write_water(own := Path(toy().options.data.root) / "nwpu-water.json")
    try:
        assert "water" in opened(toy("--data.pools.things.also=[nwpu-water.json]"))["things"].classes()
    finally:
        own.unlink()  # the folder is that of all tests
    with pytest.raises(DataError, match=r"no image .*002\.jpg"):  # the package's, about pictures that are not here
        opened(toy("--data.pools.things.also=[nwpu-water.json]"))


def test_the_package_says_where_there_is_water_in_nwpu() -> None:
    """Each outline is a mask of the size of its picture, and each picture is listed once."""
    data = json.loads((Path(str(files("rs2sam2"))) / "recipes" / "nwpu-water.json").read_text())
    sizes = {image["id"]: (image["height"], image["width"]) for image in data["images"]}
    assert len(sizes) == len({image["file_name"] for image in data["images"]}) == len(data["images"])
    assert {c["name"] for c in data["categories"]} == {"water"}
    for annotation in data["annotations"]:
        (part,) = from_coco(annotation["segmentation"])
        assert part.decode(sizes[annotation["image_id"]]).sum() == annotation["area"]
    assert 0 < len({a["image_id"] for a in data["annotations"]}) < len(sizes)
