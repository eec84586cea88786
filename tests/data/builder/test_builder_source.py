"""Where annotations come from: what goes together, and what is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from builder_data import write_coco, write_index_masks, write_scenes

from rs2sam2.data.builder.source import Source
from rs2sam2.errors import UsageError


def test_each_source_is_read_from_its_paths(tmp_path: Path) -> None:
    coco, masks = write_coco(tmp_path / "coco", images=2), write_index_masks(tmp_path / "masks", images=3)
    for source, kind, paths, images in (
        (Source(coco=(coco, coco)), "coco", (coco, coco), 2),
        (Source(masks=masks, instances_of="house"), "masks", (masks,), 3),
        (Source(scenes=write_scenes(tmp_path / "scenes")), "scenes", (tmp_path / "scenes" / "labels.csv",), 6),
    ):
        assert (source.kind, source.paths) == (kind, paths)
        assert len(source.read(paths[0], "train", tmp_path / "refs")) == images


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "coco", images=1)
    (tmp_path / "coco" / "images").rename(tmp_path / "pictures")
    found = Source(coco=(coco,), images=tmp_path / "pictures").read(coco, "train", tmp_path)
    assert [image.image for image in found] == [tmp_path / "pictures" / "000.png"]


def test_splits_are_one_for_each_path(tmp_path: Path) -> None:
    source = Source(coco=(tmp_path / "a.json", tmp_path / "b.json"))
    source.check_splits(["train", "val"], ())
    for splits, hold_out, message in (
        (["train"], (), "names 1 splits for 2 sources"),
        (["val", "val"], (), "names 2 splits for 2 sources"),
        (["train", "my split"], (), "no name of a split"),
        (["train", "val"], ("a*",), "leave --split out"),
    ):
        with pytest.raises(UsageError, match=message):
            source.check_splits(splits, hold_out)
