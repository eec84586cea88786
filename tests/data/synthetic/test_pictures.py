import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs2sam2.data.masks import RLE
from rs2sam2.data.synthetic import render
from rs2sam2.data.synthetic.pictures import write_pictures
from rs2sam2.errors import UsageError


def test_pictures_and_masks_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    ticks: list[int] = []
    totals = write_pictures(
        folder, ["tank-farm", "roads"], 3, size=(80, 96), gsd=1.0, seed=4, advance=lambda: ticks.append(1)
    )
    data = json.loads((folder / "instances.json").read_text())
    assert data["info"]["synthetic"] is True
    assert data["info"]["generator"]["seed"] == 4
    assert len(ticks) == len(data["images"]) == 3
    assert sum(totals.values()) == len(data["annotations"])
    assert [i["scene"] for i in data["images"]] == ["tank-farm", "roads", "tank-farm"]
    names = {c["id"]: c["name"] for c in data["categories"]}
    for entry in data["images"]:
        drawn = render(entry["scene"], (80, 96), 1.0, entry["seed"])
        with Image.open(folder / "images" / entry["file_name"]) as image:
            np.testing.assert_array_equal(np.asarray(image), drawn.image)
        written = [a for a in data["annotations"] if a["image_id"] == entry["id"]]
        for annotation, instance in zip(written, drawn.instances, strict=True):
            assert names[annotation["category_id"]] == instance.category
            np.testing.assert_array_equal(RLE.from_coco(annotation["segmentation"]).decode(), instance.mask)
            x, y, w, h = annotation["bbox"]
            assert (x, y, x + w, y + h) == instance.box
            assert annotation["area"] == instance.area


def test_only_the_categories_asked_for(tmp_path: Path) -> None:
    totals = write_pictures(
        tmp_path / "set", ["roads"], 1, size=(96, 96), gsd=1.0, categories=["vehicle"], image_format="jpg"
    )
    assert list(totals) == ["vehicle"]
    assert (tmp_path / "set" / "images" / "00000.jpg").is_file()


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no synthetic object is called 'cow'"):
        write_pictures(tmp_path / "set", ["roads"], 1, categories=["cow"])
    with pytest.raises(UsageError, match="at least one"):
        write_pictures(tmp_path / "set", ["roads"], 0)
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UsageError, match="not an empty folder"):
        write_pictures(tmp_path, ["roads"], 1)
