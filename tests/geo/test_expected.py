from __future__ import annotations

import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import shapely
from geo_scenes import write

from rs2sam2.expected import expected
from rs2sam2.geo.polygons import Polygonizer
from rs2sam2.geo.scene import Scene
from rs2sam2.geo.tiles import Tile

AREA = shapely.box(500_001, 4_999_995, 500_004, 4_999_999)


def test_threads_do_not_take_each_others_filter_away() -> None:
    def warn(n: int) -> None:
        with expected(UserWarning, "known"):
            time.sleep(0.001 * (n % 3))
            warnings.warn("known", UserWarning, stacklevel=1)  # an error, wherever the filter is missing

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(warn, range(40)))


def test_nor_do_the_libraries_that_exchange_filters_themselves(tmp_path: Path) -> None:
    """rasterio does to make polygons and masks of areas, shapely to check polygons."""
    ring = ~np.eye(20, dtype=bool)
    scene = Scene(write(tmp_path / "scene.tif", np.zeros((20, 20), np.uint8)), aoi=AREA, aoi_crs=None)

    def work(n: int) -> None:
        if n % 2:
            polygonizer = Polygonizer(20)
            list(polygonizer.add(ring, ring.astype(np.uint8)))
            list(polygonizer.finish())
            scene.inside(Tile(0, 0, 7, 7))
        else:
            with expected(UserWarning, "known"):
                time.sleep(0.002)
                warnings.warn("known", UserWarning, stacklevel=1)

    with scene, ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(120)))


def test_other_warnings_are_shown_and_the_filter_ends() -> None:
    with expected(UserWarning, "known"), pytest.raises(UserWarning, match="another"):
        warnings.warn("another", UserWarning, stacklevel=1)
    with pytest.raises(UserWarning, match="known"):
        warnings.warn("known", UserWarning, stacklevel=1)
