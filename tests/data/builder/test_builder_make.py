"""Writing sets: where images are named from, what a later run keeps, and what is refused before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builder_data import write_coco, write_scenes
from PIL import Image

from rs2sam2.cli.make_refs import make_refs
from rs2sam2.data import refs
from rs2sam2.data.builder.annotated import read_layouts
from rs2sam2.errors import UsageError


def in_folders(coco: Path, folders: str) -> dict[str, Path]:
    """The set with its pictures moved to these folders by turns, and a COCO file beside it for each folder."""
    data = json.loads(coco.read_text())
    parts: dict[str, list[dict]] = {folder: [] for folder in folders}
    for number, image in enumerate(data["images"]):
        folder = folders[number % len(folders)]
        (coco.parent / "images" / folder).mkdir(exist_ok=True)
        name = f"{folder}/{image['file_name']}"
        (coco.parent / "images" / image["file_name"]).rename(coco.parent / "images" / name)
        image["file_name"] = name
        parts[folder].append(image)
    coco.write_text(json.dumps(data))
    files = {}
    for folder, images in parts.items():
        numbers = {image["id"] for image in images}
        own = [a for a in data["annotations"] if a["image_id"] in numbers]
        files[folder] = coco.parent / f"{folder}.json"
        files[folder].write_text(json.dumps(data | {"images": images, "annotations": own}))
    return files


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.json*")}


def whole(folder: Path) -> None:
    """Every image of every split is there, and has a layout under its own name."""
    root = refs.read_info(folder).image_root
    for split in refs.splits(folder):
        layouts = {root / name for name in read_layouts(folder, split)}
        images = {sample.image for sample in refs.read(folder, split)}
        assert images <= layouts and all(image.is_file() for image in layouts)


def test_splits_may_lie_in_folders_below_one(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "set", images=8)
    files = in_folders(coco, "ab")
    make_refs(output=tmp_path / "one", coco=list(files.values()), split=["train", "val"], per_image=4, name="x")
    whole(tmp_path / "one")
    assert refs.read_info(tmp_path / "one").image_root.resolve() == tmp_path / "set" / "images"
    make_refs(output=tmp_path / "two", coco=[files["a"]], per_image=4, name="x")
    assert refs.read_info(tmp_path / "two").image_root.resolve() == tmp_path / "set" / "images" / "a"
    make_refs(output=tmp_path / "two", coco=[files["b"]], split=["val"], per_image=4, name="x")
    assert written(tmp_path / "two") == written(tmp_path / "one")
    make_refs(output=tmp_path / "two", coco=[files["a"]], per_image=4, name="x")  # named from the same folder as before
    assert (tmp_path / "two" / "train.jsonl").read_bytes() == (tmp_path / "one" / "train.jsonl").read_bytes()


def test_images_below_those_of_the_set_are_named_from_there(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "set", images=8)
    files = in_folders(coco, "ab")
    make_refs(output=tmp_path / "refs", coco=[coco], per_image=4)
    data = json.loads(files["b"].read_text())
    for image in data["images"]:
        image["file_name"] = Path(image["file_name"]).name
    files["b"].write_text(json.dumps(data))
    make_refs(output=tmp_path / "refs", coco=[files["b"]], images=coco.parent / "images" / "b", split=["val"])
    whole(tmp_path / "refs")


def test_what_is_held_out_may_lie_deeper(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "set", images=8)
    in_folders(coco, "ab")
    make_refs(output=tmp_path / "refs", coco=[coco], hold_out=["001*"], per_image=4)
    whole(tmp_path / "refs")


def test_images_elsewhere_are_refused_and_the_set_stays(tmp_path: Path) -> None:
    near, far = write_coco(tmp_path / "a", images=4), write_coco(tmp_path / "b", images=4)
    make_refs(output=tmp_path / "refs", coco=[near], per_image=4)
    before = written(tmp_path / "refs")
    with pytest.raises(UsageError, match=r"the new ones are in .*; choose another --output"):
        make_refs(output=tmp_path / "refs", coco=[far], split=["val"], per_image=4)
    assert written(tmp_path / "refs") == before


def test_pictures_may_be_links(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "set", images=4)
    (tmp_path / "store").mkdir()
    for number, picture in enumerate(sorted((tmp_path / "set" / "images").iterdir())):
        picture.rename(tmp_path / "store" / f"{number}.png")
        picture.symlink_to(tmp_path / "store" / f"{number}.png")
    make_refs(output=tmp_path / "refs", coco=[coco], per_image=4)
    whole(tmp_path / "refs")
    assert list(read_layouts(tmp_path / "refs", "train")) == ["000.png", "001.png", "002.png", "003.png"]


def test_masks_that_a_program_made_are_not_held_out(tmp_path: Path) -> None:
    coco, scenes = write_coco(tmp_path / "set", images=4), write_scenes(tmp_path / "scenes")
    data = json.loads(coco.read_text())
    for annotation in data["annotations"]:
        if annotation["image_id"] == 1:
            annotation["mask"] = "derived"
    coco.write_text(json.dumps(data))
    for options in ({"coco": [coco], "hold_out": ["001*"]}, {"scenes": scenes, "hold_out": ["[13].png"]}):
        with pytest.raises(UsageError, match=r"puts (001|1)\.png into val, but a program made its masks"):
            make_refs(output=tmp_path / "refs", **options)
    assert not (tmp_path / "refs").exists()
    make_refs(output=tmp_path / "refs", coco=[coco], hold_out=["002*"])  # outlined by people


def test_a_later_split_keeps_name_and_licence(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "set", images=4)
    make_refs(output=tmp_path / "refs", coco=[coco], per_image=4, name="mine", licence="CC BY 4.0")
    make_refs(output=tmp_path / "refs", coco=[coco], per_image=4, split=["val"])
    info = refs.read_info(tmp_path / "refs")
    assert (info.name, info.licence) == ("mine", "CC BY 4.0")
    make_refs(output=tmp_path / "refs", coco=[coco], per_image=4, split=["val"], name="ours")
    info = refs.read_info(tmp_path / "refs")
    assert (info.name, info.licence) == ("ours", "CC BY 4.0")
    make_refs(output=tmp_path / "alone", coco=[coco], per_image=4, licence="CC BY 4.0")
    make_refs(output=tmp_path / "alone", coco=[coco], per_image=4)  # there is no other split to speak for
    assert refs.read_info(tmp_path / "alone").licence is None


def test_what_describes_a_set_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise UsageError("the disk is full")

    monkeypatch.setattr("rs2sam2.data.builder.make.write_layouts", full)
    coco = write_coco(tmp_path / "set", images=4)
    with pytest.raises(UsageError, match="disk is full"):
        make_refs(output=tmp_path / "refs", coco=[coco], per_image=4)
    assert not refs.detect(tmp_path / "refs")


def town(folder: Path, seed: int) -> dict[str, Path]:
    """A raster called ortho.tif and a GeoJSON file of two houses on it."""
    rasterio = pytest.importorskip("rasterio")
    folder.mkdir()
    pixels = np.random.default_rng(seed).integers(0, 255, (3, 64, 128)).astype(np.uint8)
    profile = {"driver": "GTiff", "width": 128, "height": 64, "count": 3, "dtype": "uint8", "crs": "EPSG:32633"}
    transform = rasterio.transform.from_origin(500000, 4000000, 1, 1)
    with rasterio.open(folder / "ortho.tif", "w", transform=transform, **profile) as out:
        out.write(pixels)
    features = []
    for x in (500010, 500080):
        ring = [[x, 3999990], [x + 20, 3999990], [x + 20, 3999970], [x, 3999970], [x, 3999990]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"type": "house"}, "geometry": geometry})
    crs = {"type": "name", "properties": {"name": "EPSG:32633"}}
    (folder / "houses.geojson").write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    return {"geojson": folder / "houses.geojson", "raster": folder / "ortho.tif"}


@pytest.mark.filterwarnings(
    "ignore::PendingDeprecationWarning"
)  # rasterio 1.4 multiplies transforms as affine 3 dislikes
def test_tiles_of_another_split_stay(tmp_path: Path) -> None:
    north, south = town(tmp_path / "north", 0), town(tmp_path / "south", 1)
    make_refs(output=tmp_path / "refs", tile=64, **north)
    make_refs(output=tmp_path / "refs", tile=64, split=["test"], seed=1, **north)  # the same tiles may serve again
    tiles = {path: path.read_bytes() for path in (tmp_path / "refs" / "images").iterdir()}
    assert sorted(path.name for path in tiles) == ["ortho_000_000.png", "ortho_000_001.png"]
    before = written(tmp_path / "refs")
    with pytest.raises(UsageError, match=r"ortho_000_000\.png is there with other pixels, and test is about it"):
        make_refs(output=tmp_path / "refs", tile=64, split=["val"], **south)
    assert all(path.read_bytes() == pixels for path, pixels in tiles.items()) and written(tmp_path / "refs") == before
    (tmp_path / "refs" / "test.jsonl").unlink()
    make_refs(output=tmp_path / "refs", tile=64, **south)  # its own tiles a split may replace
    assert not any(path.read_bytes() == pixels for path, pixels in tiles.items())


@pytest.mark.filterwarnings(
    "ignore::PendingDeprecationWarning"
)  # rasterio 1.4 multiplies transforms as affine 3 dislikes
def test_a_run_that_fails_leaves_no_tiles(tmp_path: Path) -> None:
    north, south = town(tmp_path / "north", 0), town(tmp_path / "south", 1)
    with pytest.raises(UsageError, match="is no class of these labels"):
        make_refs(output=tmp_path / "new" / "refs", tile=64, incomplete=["ship"], **north)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["north", "south"]
    make_refs(output=tmp_path / "refs", tile=64, **north)
    with Image.open(tmp_path / "refs" / "images" / "ortho_000_000.png") as tile:
        pixels = np.asarray(tile)
    with pytest.raises(UsageError, match="is no class of these labels"):
        make_refs(output=tmp_path / "refs", tile=64, incomplete=["ship"], **south)
    with Image.open(tmp_path / "refs" / "images" / "ortho_000_000.png") as tile:
        assert np.array_equal(np.asarray(tile), pixels)
    assert not list((tmp_path / "refs").glob(".*"))
