"""The builder: every phrase is true, no phrase gives its answer away, the same seed gives the same set."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from builder_data import CLASSES, write_coco, write_index_masks, write_scenes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rs2sam2.data import refs
from rs2sam2.data.builder.annotated import AnnotatedImage, read_layouts, write_layouts
from rs2sam2.data.builder.candidates import candidates, crowded
from rs2sam2.data.builder.choose import Pair, Recipe, choose
from rs2sam2.data.builder.coco import read_coco
from rs2sam2.data.builder.index_masks import read_index_masks
from rs2sam2.data.builder.look import color_shares, enclosing_rectangle
from rs2sam2.data.builder.make import held_out, write
from rs2sam2.data.builder.scenes import read_scenes
from rs2sam2.data.language.evaluate import evaluate
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.program import Program
from rs2sam2.data.language.wording import phrase_for
from rs2sam2.data.masks import RLE
from rs2sam2.errors import DataError, UsageError

ROOT = Path(__file__).resolve().parents[3]
NWPU = ROOT.parent / "shared" / "data" / "nwpu_vhr10"
STYLES = ["english", "rrsisd"]


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> list[AnnotatedImage]:
    path = write_coco(tmp_path_factory.mktemp("coco") / "set", images=16)
    return read_coco(path, path.parent / "images", "train")


def random_layouts(seed: int, images: int) -> list[AnnotatedImage]:
    """Images without pixels: objects anywhere, touching and overlapping, every facts a mask could have."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(images):
        objects = []
        for _ in range(random.integers(1, 9)):
            w, h = random.integers(5, 120, 2)
            x, y = random.integers(0, 400 - w), random.integers(0, 300 - h)
            name = ("ship", "harbor", "vehicle", "bridge", "vegetation", "road")[random.integers(6)]
            color = {("white", "red", "black")[random.integers(3)]: float(random.random())}
            box = (float(x), float(y), float(x + w), float(y + h))
            objects.append(SceneObject(name, box, w * h * 0.8, color, max(w, h) / min(w, h), 0.8))
        target = RLE.encode(np.ones((2, 2), np.bool_))
        found.append(AnnotatedImage(Path(f"{i}.png"), Layout(400, 300, tuple(objects)), (target,) * len(objects)))
    return found


@pytest.mark.parametrize("style", STYLES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_phrase_read_back_and_executed_selects_exactly_its_target(style: str, seed: int) -> None:
    images = random_layouts(seed, 4)
    for pair in choose(images, Recipe(style=style, seed=seed, per_image=8)):  # type: ignore[arg-type]
        program = parse(pair.phrase, pair.program.rules)
        assert program == pair.program
        extension = evaluate(program, images[pair.image].layout)
        assert extension.certain == extension.possible == pair.targets


@given(seed=st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_a_candidate_is_unambiguous_and_has_masks(seed: int) -> None:
    for image in random_layouts(seed, 3):
        for c in candidates(image, "english"):
            quantity = c.program.select.quantity
            single = quantity == "one" or c.program.select.category == "vegetation"
            assert len(c.targets) >= 1 and (
                single or len(c.targets) == (quantity if quantity != "all" else len(c.targets))
            )
            assert not (quantity == "one" and len(c.targets) != 1)


@pytest.mark.parametrize("style", STYLES)
def test_same_seed_same_pairs_other_seed_others(annotated: list[AnnotatedImage], style: str) -> None:
    first, again, other = (choose(annotated, Recipe(style=style, seed=s)) for s in (0, 0, 1))  # type: ignore[arg-type]
    assert first == again != other


def test_no_target_phrases_are_the_set_s_own_phrases(annotated: list[AnnotatedImage]) -> None:
    pairs = choose(annotated, Recipe(no_target=0.3))
    asked = {p.phrase for p in pairs if p.targets}
    empty = [p for p in pairs if not p.targets]
    assert len(empty) == pytest.approx(0.3 * len(pairs), abs=2)
    assert all(p.phrase in asked for p in empty)
    assert len({(p.image, p.phrase) for p in pairs}) == len(pairs)
    hard = sum(bool(annotated[p.image].layout.candidates(p.program.select.category)) for p in empty)
    assert hard > len(empty) / 2


def test_nothing_is_said_about_a_class_where_it_may_just_not_be_annotated(annotated: list[AnnotatedImage]) -> None:
    def unsure(pairs: list[Pair]) -> int:
        """Pairs without a target whose image has no ship, which they speak of."""
        said = [p for p in pairs if not p.targets and "ship" in str(p.program.to_dict())]
        return sum(not annotated[p.image].layout.candidates("ship") for p in said)

    assert unsure(choose(annotated, Recipe(no_target=0.4))) > 0
    assert unsure(choose(annotated, Recipe(no_target=0.4, incomplete=("Ships",)))) == 0


def test_caps_and_balance(annotated: list[AnnotatedImage]) -> None:
    pairs = [p for p in choose(annotated, Recipe(per_image=5, wordings=1)) if p.targets]
    assert max(Counter(p.image for p in pairs).values()) <= 5
    assert max(Counter((p.image, p.program) for p in pairs).values()) == 1
    kinds = Counter(p.kind for p in pairs)
    assert len(kinds) >= 6 and max(kinds.values()) < 0.35 * len(pairs)


def test_words_alone_do_not_tell() -> None:
    benchmark = _benchmark()
    images = random_layouts(3, 50)
    pairs = choose(images, Recipe(no_target=0.4, per_image=8))
    labels = torch.tensor([int(bool(p.targets)) for p in pairs])
    folds = np.array([p.image % 5 for p in pairs])
    score = benchmark.balanced_accuracy(benchmark.features([p.phrase for p in pairs], pairs=False), labels, folds)
    assert score <= 0.55


@pytest.mark.skipif(not NWPU.is_dir(), reason="the NWPU images are not here")
def test_real_images_give_true_phrases(tmp_path: Path) -> None:
    data = json.loads((NWPU / "instances_val.json").read_text())
    (tmp_path / "some.json").write_text(json.dumps(data | {"images": data["images"][:20]}))
    images = read_coco(tmp_path / "some.json", NWPU / "images", "val")
    pairs = choose(images, Recipe())
    assert len(pairs) > 10 * len(images)
    for pair in pairs:
        extension = evaluate(parse(pair.phrase), images[pair.image].layout)
        assert extension.certain == extension.possible == pair.targets


def test_written_set_is_read_back_with_its_layouts(annotated: list[AnnotatedImage], tmp_path: Path) -> None:
    pairs = choose(annotated, Recipe())
    counts = write(tmp_path / "refs", "toy", "train", annotated, pairs, Recipe(), made_from="instances.json")
    samples, layouts = refs.read(tmp_path / "refs", "train"), read_layouts(tmp_path / "refs", "train")
    assert counts.pairs == len(samples) == len({s.id for s in samples}) and counts.no_target > 0
    assert refs.splits(tmp_path / "refs") == ("train",)
    root = refs.read_info(tmp_path / "refs").image_root.resolve()
    for sample in samples[:60]:
        layout = layouts[sample.image.resolve().relative_to(root).as_posix()]
        assert sample.program is not None
        selected = evaluate(Program.from_dict(sample.program), layout).certain
        wanted = np.zeros((128, 128), np.bool_)
        for index in selected:
            x1, y1, x2, y2 = (int(v) for v in layout.objects[index].box)
            wanted[y1:y2, x1:x2] = True
        assert np.array_equal(sample.load_mask(), wanted)


def test_a_line_of_layouts_ends_at_a_line_feed_alone(tmp_path: Path) -> None:
    images = [AnnotatedImage(tmp_path / name, Layout(4, 4), ()) for name in ("a\u2028b.png", "c\x85d.png")]
    write_layouts(tmp_path / "layouts" / "train.jsonl", images, tmp_path)
    assert list(read_layouts(tmp_path, "train")) == ["a\u2028b.png", "c\x85d.png"]


def test_splits_share_a_folder_and_a_second_run_repeats_the_first(
    annotated: list[AnnotatedImage], tmp_path: Path
) -> None:
    for split in ("train", "val", "train"):
        write(tmp_path, "toy", split, annotated, choose(annotated, Recipe(seed=3)), Recipe(seed=3))
    assert (tmp_path / "train.jsonl").read_text() == (tmp_path / "val.jsonl").read_text()
    generator = refs.read_info(tmp_path).generator
    assert generator is not None and generator["val"]["seed"] == 3 and set(generator) == {"train", "val"}


def test_hold_out_goes_by_file_name(annotated: list[AnnotatedImage]) -> None:
    kept, held = held_out(annotated, ["00[0-4].png"])
    assert len(held) == 5 and len(kept) == len(annotated) - 5
    with pytest.raises(UsageError, match="matches no image"):
        held_out(annotated, ["nothing*"])
    with pytest.raises(UsageError, match="matches every image"):
        held_out(annotated, ["*"])


def test_derived_masks_are_for_training_only(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "set", images=2, mask="derived")
    assert read_coco(path, path.parent / "images", "train")
    with pytest.raises(UsageError, match="for training only"):
        read_coco(path, path.parent / "images", "val")


def test_objects_with_only_a_box_are_seen_but_never_a_target(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "set", images=8)
    data = json.loads(path.read_text())
    for annotation in data["annotations"][::2]:
        del annotation["segmentation"]
    path.write_text(json.dumps(data))
    images = read_coco(path, path.parent / "images", "train")
    assert sum(len(i.targets) for i in images) == len(data["annotations"])
    assert all(o.boxed is (t is None) for i in images for o, t in zip(i.layout.objects, i.targets, strict=True))
    assert all(Layout.from_dict(i.layout.to_dict()).objects[0].boxed is i.layout.objects[0].boxed for i in images)
    for pair in choose(images, Recipe()):
        assert all(images[pair.image].targets[i] is not None for i in pair.targets)


def test_boxes_end_at_the_edge_and_what_is_beyond_it_is_not_there(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "set", images=1)
    data = json.loads(path.read_text())
    boxes = ([-90, 50, 60, 60], [-30, 50, 40, 60], [100, 120, 20, 10], [0, 0, 0, 0], [20.5, 30, 40, 10])
    data["annotations"] = [{"image_id": 0, "category_id": 0, "bbox": box} for box in boxes]
    data["annotations"][0]["segmentation"] = [[-90, 50, -30, 50, -30, 110]]
    path.write_text(json.dumps(data))
    (image,) = read_coco(path, path.parent / "images", "train")
    assert [o.box for o in image.layout.objects] == [(0, 50, 10, 110), (100, 120, 120, 128), (20.5, 30, 60.5, 40)]
    assert [o.area for o in image.layout.objects] == [600, 160, 400] and image.targets == (None,) * 3
    assert [o.visible for o in image.layout.objects] == [0.25, 0.8, 1]


@pytest.mark.parametrize("style", STYLES)
def test_nothing_is_said_about_a_class_where_a_crowd_of_it_lies(tmp_path: Path, style: str) -> None:
    path = write_coco(tmp_path / "set", images=16)
    data = json.loads(path.read_text())
    crowd = {"category_id": CLASSES.index("ship"), "bbox": [0, 0, 128, 64], "iscrowd": 1}
    data["annotations"] += [crowd | {"image_id": i, "segmentation": code} for i, code in ((0, None), (1, []))]
    data["annotations"] += [crowd | {"image_id": i, "segmentation": [[0, 0, 99, 0, 99, 99]]} for i in range(2, 8)]
    path.write_text(json.dumps(data))
    images = read_coco(path, path.parent / "images", "train")
    pairs = choose(images, Recipe(style=style, no_target=0.4))  # type: ignore[arg-type]
    of_ships = {p.image for p in pairs if "ship" in str(p.program.to_dict())}
    assert of_ships and not of_ships & set(range(8))
    assert {p.image for p in pairs if not p.targets} & set(range(8))  # what is said there is said of other classes
    for image in images[:8]:
        assert image.layout.candidates("ship") and evaluate(parse("all ships"), image.layout).settled is False


def test_a_crowd_of_cars_is_one_of_vehicles() -> None:
    crowd = AnnotatedImage(Path("0.png"), Layout(100, 100), (), crowded=frozenset({"car"}))
    for phrase, said in (("the vehicle", True), ("the ship next to the car", True), ("the truck", False)):
        assert crowded(parse(phrase).select, crowd) is said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("categories"), "lacks categories"),
        (lambda d: d["categories"][1].update(name=" "), "category 1 has an empty name"),
        (lambda d: d.update(images=5), "lacks images"),
        (lambda d: d["images"].append("x"), "entry of images"),
        (lambda d: d["images"][0].pop("height"), "lacks height"),
        (lambda d: d["images"][0].update(height="tall"), "lacks height"),
        (lambda d: d["annotations"][0].update(image_id=[1]), "lacks image_id"),
        (lambda d: d["annotations"][0].update(segmentation="x"), r"annotation 0 of 000\.png: segmentation is str"),
        (lambda d: d["annotations"][0].update(segmentation=[], bbox=[1, 2]), r"bbox \[1, 2\] is not"),
        (lambda d: d["annotations"][0].update(segmentation=[], bbox=[1, 2, float("nan"), 4]), "nan, 4] is not"),
        (lambda d: d["annotations"][0].update(segmentation=[], bbox=[1, 2, 10**400, 4]), r"bbox \[1, 2, 1000+ is not"),
        (lambda d: d["annotations"][0].update(segmentation=[], bbox=[1, 2, -3, 4]), "-3, 4] is not"),
        (
            lambda d: d["annotations"][0].update(segmentation={"size": [64, 256], "counts": [0, 64 * 256]}),
            r"annotation 0 of 000\.png: its run-length code is 64 x 256 \(height x width\) but its image 128 x 128",
        ),
        (lambda d: d["images"].append(d["images"][0] | {"id": 7}), r"2 images have the file_name '000\.png'"),
        (
            lambda d: d["images"].append(d["images"][0] | {"file_name": "b"}),
            "2 images have the id 0; list each picture once",
        ),
        (lambda d: d["annotations"][0].update(category_id=99), "category 99"),
        (lambda d: d["images"][0].update(height=64), "but its annotation 64 x 128"),
        (lambda d: d["images"][0].update(file_name="gone.png"), "no image"),
    ],
)
def test_damaged_coco_says_what_is_wrong(tmp_path: Path, change, message: str) -> None:
    path = write_coco(tmp_path / "set", images=1)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(DataError, match=message):
        read_coco(path, path.parent / "images", "train")


def test_index_masks(tmp_path: Path) -> None:
    folder = write_index_masks(tmp_path / "masks")
    images = read_index_masks(folder, folder, folder / "labels.json", None)
    assert len(images) == 6 and {o.category for i in images for o in i.layout.objects} == {"building", "vegetation"}
    pairs = choose(images, Recipe())
    assert pairs and not any(isinstance(p.program.select.quantity, int) for p in pairs)
    with pytest.raises(DataError, match="the value 2"):
        (folder / "labels.json").write_text('["background", "building"]')
        read_index_masks(folder, folder, folder / "labels.json", None)
    single = read_index_masks(folder, folder, None, "house")
    assert all(len(i.layout.objects) <= 2 for i in single) and all(i.counted for i in single)
    with pytest.raises(UsageError, match="one of --labels FILE"):
        read_index_masks(folder, folder, None, None)


def test_scenes(tmp_path: Path) -> None:
    labels = write_scenes(tmp_path / "scenes")
    images = read_scenes(labels, "train")
    assert [len(i.layout.objects) for i in images] == [1, 1, 0, 0, 1, 1]  # where airplane and diamond are is not known
    areas = [i.layout.objects[0].area / 128**2 for i in images if i.layout.objects]
    assert areas == pytest.approx([0.554, 1.0, 0.554, 0.706], abs=0.01)
    for pair in choose(images, Recipe(no_target=0.4)):
        assert pair.kind == "category"
        assert pair.targets or not images[pair.image].layout.objects  # a picture of an airport may hold a stadium too
    with pytest.raises(UsageError, match="for training only"):
        read_scenes(labels, "val")
    labels.write_text(labels.read_text() + "8.png\n")
    with pytest.raises(DataError, match=r"the row of 8\.png ends early; expected file,category"):
        read_scenes(labels, "train")


@pytest.mark.filterwarnings(
    "ignore::PendingDeprecationWarning"
)  # rasterio 1.4 multiplies transforms as affine 3 dislikes
def test_geojson_over_a_raster(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    from rs2sam2.data.builder.geojson import read_geojson

    raster = tmp_path / "town.tif"
    transform = rasterio.transform.from_origin(500000, 4000000, 1, 1)
    profile = {"driver": "GTiff", "width": 300, "height": 200, "count": 3, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(raster, "w", transform=transform, **profile) as out:
        out.write(np.full((3, 200, 300), 120, np.uint8))

    def square(x: float, y: float, side: float) -> dict:
        e, n = 500000 + x, 4000000 - y
        ring = [[e, n], [e + side, n], [e + side, n - side], [e, n - side], [e, n]]
        return {
            "type": "Feature",
            "properties": {"kind": "house"},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    collection = {"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "EPSG:32633"}}}
    geojson = tmp_path / "houses.geojson"
    geojson.write_text(
        json.dumps(collection | {"features": [square(10, 10, 20), square(60, 60, 20), square(120, 20, 20)]})
    )
    images = read_geojson(geojson, raster, tmp_path / "refs", 128, "kind")
    assert len(images) == 6
    objects = images[0].layout.objects
    assert [o.box for o in objects] == [(10, 10, 30, 30), (60, 60, 80, 80), (120, 20, 128, 40)]
    assert objects[2].visible == pytest.approx(0.4) and images[0].targets[2] is None
    assert images[1].layout.objects[0].visible == pytest.approx(0.6) and images[1].targets[0] is not None
    assert all(image.image.is_file() for image in images)
    # beyond the raster (300 x 200) is padding: one house stands there, one has 15 of its 20 px in the raster, one 8
    outside = [square(310, 140, 20), square(285, 140, 20), square(270, 192, 20)]
    geojson.write_text(json.dumps(collection | {"features": outside}))
    corner = read_geojson(geojson, raster, tmp_path / "refs", 128, "kind")[5]
    assert [o.box for o in corner.layout.objects] == [(29, 12, 44, 32), (14, 64, 34, 72)]
    assert [o.visible for o in corner.layout.objects] == pytest.approx([0.75, 0.4])
    assert [target and target.decode((128, 128)).sum() for target in corner.targets] == [300, None]
    with pytest.raises(DataError, match="--class-field"):
        read_geojson(geojson, raster, tmp_path / "refs", 128, None)
    shape = {"type": "Polygon", "coordinates": [[[1]]]}
    for damage, message in (
        ({"features": [5]}, "not a GeoJSON FeatureCollection"),
        ({"features": []}, "holds no polygon"),
        ({"crs": {"type": "name", "properties": {"name": "EPSG:nope"}}}, "'EPSG:nope' is not a coordinate reference"),
        ({"features": [{"geometry": shape, "properties": {"kind": "house"}}]}, "is not one"),
        ({"features": [{"geometry": [shape], "properties": {}}]}, "geometry of a feature is not an object"),
        ({"features": [{"geometry": shape, "properties": ["house"]}]}, "properties of a feature is not an object"),
        ({"features": [{"geometry": {"type": "GeometryCollection", "geometries": [shape]}}]}, "a GeometryCollection"),
    ):
        geojson.write_text(json.dumps(collection | {"features": [square(10, 10, 20)]} | damage))
        with pytest.raises(DataError, match=message):
            read_geojson(geojson, raster, tmp_path / "refs", 128, "kind")


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((250, 250, 250), "white"), ((130, 130, 132), "gray"), ((20, 20, 20), "black"), ((200, 30, 30), "red"),
        ((240, 150, 40), "orange"), ((230, 220, 40), "yellow"), ((40, 160, 60), "green"), ((40, 80, 200), "blue"),
        ((110, 75, 45), "brown"), ((180, 180, 180), None), ((120, 100, 95), None),
    ],
)  # fmt: skip
def test_colours_are_named_only_beyond_doubt(rgb: tuple[int, int, int], name: str | None) -> None:
    shares = color_shares(np.full((50, 3), rgb, np.uint8))
    assert shares == ({} if name is None else {name: 1.0})


def test_enclosing_rectangle_of_a_slanting_bar_and_a_disc() -> None:
    y, x = np.mgrid[:100, :100]
    bar = (np.abs(x - y) < 8) & (np.abs(x + y - 99) < 80)
    aspect, fill = enclosing_rectangle(bar)
    assert 8 < aspect < 11 and fill > 0.8
    aspect, fill = enclosing_rectangle((x - 50) ** 2 + (y - 50) ** 2 < 40**2)
    assert aspect == pytest.approx(1, abs=0.05) and fill == pytest.approx(0.785, abs=0.03)


def test_recipe_refuses_nonsense() -> None:
    for bad in ({"per_image": 0}, {"no_target": 0.9}, {"wordings": 0}):
        with pytest.raises(UsageError):
            Recipe(**bad)


def test_phrase_for_is_deterministic() -> None:
    program = parse("the two small white ships on the left")
    assert phrase_for(program, Random(5)) == phrase_for(program, Random(5))
    assert len({phrase_for(program, Random(i)) for i in range(30)}) > 5


def _benchmark():
    spec = importlib.util.spec_from_file_location("benchmark_refs_text", ROOT / "benchmarks" / "refs_text.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_command_builds_both_splits_and_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from rs2sam2.cli.make_refs import make_refs

    path = write_coco(tmp_path / "set", images=4)
    make_refs(output=tmp_path / "refs", coco=[path], hold_out=["003*"], per_image=6)
    said = capsys.readouterr().out
    assert "train.jsonl" in said and "val.jsonl" in said and "without a target" in said
    make_refs(output=tmp_path / "rrsisd", coco=[path], style="rrsisd", json=True)
    assert json.loads(capsys.readouterr().out)["train"]["images"] == 4
    first = (tmp_path / "refs" / "train.jsonl").read_bytes()
    make_refs(output=tmp_path / "refs", coco=[path], hold_out=["003*"], per_image=6)
    assert (tmp_path / "refs" / "train.jsonl").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give one of --coco"),
        ({"coco": [Path("a.json")], "masks": Path("m")}, "give one of --coco"),
        ({"coco": [Path("a.json"), Path("b.json")]}, "--split names 1 splits for 2 sources"),
        ({"geojson": Path("a.json")}, "add --raster"),
        ({"masks": Path("m"), "split": ["val"], "hold_out": ["x*"]}, "leave --split out"),
        ({"masks": Path("m"), "tile": 1}, "too small"),
        ({"coco": [Path("a.json")], "labels": Path("b.json")}, "--labels does not go with --coco"),
        ({"masks": Path("m"), "instances_of": "x", "raster": Path("b.tif")}, "--raster does not go with --masks"),
        ({"coco": [Path("a.json")], "split": ["a/b"]}, "'a/b' is no name of a split"),
    ],
)
def test_command_says_what_is_missing(tmp_path: Path, options: dict, message: str) -> None:
    from rs2sam2.cli.make_refs import make_refs

    with pytest.raises(UsageError, match=message):
        make_refs(output=tmp_path, **options)


def test_command_writes_all_splits_or_none(tmp_path: Path) -> None:
    from rs2sam2.cli.make_refs import make_refs

    good, elsewhere = write_coco(tmp_path / "a", images=4), write_coco(tmp_path / "b", images=4)
    bare = tmp_path / "a" / "bare.json"
    bare.write_text(json.dumps(json.loads(good.read_text()) | {"annotations": []}))
    for second, message in ((bare, "nothing can be said for certain"), (elsewhere, "give each its own --output")):
        with pytest.raises(UsageError, match=message):
            make_refs(output=tmp_path / "refs", coco=[good, second], split=["train", "val"], per_image=3)
        assert not (tmp_path / "refs").exists()


def test_command_refuses_a_source_without_images(tmp_path: Path) -> None:
    from rs2sam2.cli.make_refs import make_refs

    path = write_coco(tmp_path / "set", images=0)
    with pytest.raises(UsageError, match="the source has none"):
        make_refs(output=tmp_path / "refs", coco=[path], hold_out=["a*"])
