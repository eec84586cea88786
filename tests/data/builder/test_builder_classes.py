"""Class names as files have them: 0 names a class as 1 does, and nothing does not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builder_data import write_index_masks

from rs2sam2.data.builder.geojson import read_geojson
from rs2sam2.data.builder.index_masks import read_index_masks
from rs2sam2.errors import DataError


@pytest.mark.filterwarnings(
    "ignore::PendingDeprecationWarning"
)  # rasterio 1.4 multiplies transforms as affine 3 dislikes
@pytest.mark.parametrize(
    ("properties", "field", "name"),
    [
        ({"category": 0, "name": "Main Street 5"}, None, "0"),
        ({"category": 0}, "category", "0"),
        ({"category": "", "name": "house"}, None, "house"),
        ({"category": None, "type": "house"}, None, "house"),
        ({"category": " ", "id": 5}, None, None),
        ({"category": " ", "name": "house"}, "category", None),
    ],
)
def test_the_class_of_a_polygon(tmp_path: Path, properties: dict, field: str | None, name: str | None) -> None:
    rasterio = pytest.importorskip("rasterio")
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint8", "crs": "OGC:CRS84"}
    with rasterio.open(
        tmp_path / "a.tif", "w", transform=rasterio.transform.from_origin(0, 1, 1 / 64, 1 / 64), **profile
    ) as out:
        out.write(np.zeros((1, 64, 64), np.uint8))
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    feature = {"type": "Feature", "properties": properties, "geometry": square}
    path = tmp_path / "some.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    if name is None:
        with pytest.raises(DataError, match=r"a polygon has no class in category.* \(it has category, .*--class-field"):
            read_geojson(path, tmp_path / "a.tif", tmp_path, 64, field)
    else:
        (tile,) = read_geojson(path, tmp_path / "a.tif", tmp_path, 64, field)
        assert [o.category for o in tile.layout.objects] == [name]


def test_a_mask_value_with_an_empty_name_is_refused_where_it_occurs(tmp_path: Path) -> None:
    folder = write_index_masks(tmp_path / "masks", images=2)
    labels = {"0": "background", "1": "building", "2": "vegetation", "3": ""}
    (folder / "labels.json").write_text(json.dumps({"labels": labels}))
    assert read_index_masks(folder, folder, folder / "labels.json", None)
    (folder / "labels.json").write_text(json.dumps({"labels": labels | {"2": " "}}))
    with pytest.raises(DataError, match=r'labels\.json: value 2 has an empty name; name it \("ignore" to leave it out'):
        read_index_masks(folder, folder, folder / "labels.json", None)
