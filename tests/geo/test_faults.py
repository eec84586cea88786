"""What goes wrong in the field: damaged files, full disks, Ctrl-C. A clear line, and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from geo_scenes import burn, discs, paint, predictor, vrt, write

from rs2sam2.errors import DataError, RS2SAM2Error, UsageError
from rs2sam2.geo.background import consume
from rs2sam2.geo.options import SceneOptions
from rs2sam2.geo.scene import UnreadableTileError
from rs2sam2.geo.segment import segment_scene

SIZE = (256, 320)
RED = discs(SIZE, (60, 60, 40), (200, 250, 40))
OUTPUTS = ("out.gpkg", "out.tif", "out.geojson", "out.parquet", "out.png")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 9, (*SIZE, 3), np.uint8)  # so that blocks have some bytes to damage
    return write(tmp_path / "scene.tif", paint(SIZE, red=RED) + noise)


def run(scene: Path, folder: Path, **options: Any) -> Any:
    paths = [folder / name for name in OUTPUTS]
    return segment_scene(scene, "red", paths, predictor=predictor(), options=SceneOptions(**options))


def damage_block(path: Path, row: int, column: int) -> None:
    """Overwrite the compressed bytes of one 64 x 64 block."""
    with rasterio.open(path) as file:
        offset = int(file.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1))
        size = int(file.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1))
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * size)


def test_a_truncated_tiff(scene: Path, tmp_path: Path) -> None:
    whole = scene.read_bytes()
    for share in (0.01, 0.5, 0.9):
        scene.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DataError, match=r"scene\.tif (cannot be opened|cannot be read at rows)"):
            run(scene, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*")) and not list((tmp_path / "out").glob(".*"))


def test_a_tile_that_cannot_be_read_stops_or_is_left_empty_as_asked(scene: Path, tmp_path: Path) -> None:
    damage_block(scene, 3, 4)
    with pytest.raises(UnreadableTileError, match=r"rows \d+-\d+, columns .*--skip-unreadable"):
        run(scene, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    result = run(scene, tmp_path / "out", skip_unreadable=True, overlap=0.0)
    assert len(result.unreadable) == 1
    with rasterio.open(tmp_path / "out" / "out.tif") as out:
        found = out.read(1)
    assert (found[192:256, 256:320] == 255).all() and (found == 255).sum() == 64 * 64
    np.testing.assert_array_equal(burn(result, "red"), RED & (found != 255))


def test_a_hole_does_not_stop_the_look_at_the_whole_nor_the_stretch(tmp_path: Path) -> None:
    """The coarse look of scope scene and the stretch of 16 bits read all over the scene; holes are said, not hidden."""
    noise = np.random.default_rng(0).integers(0, 9, (*SIZE, 3), np.uint16)
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=RED) * np.uint16(40) + noise)
    damage_block(scene, 3, 4)
    options = {"scope": "scene", "stretch": "0,100"}
    with pytest.raises(UnreadableTileError, match=r"cannot be read at rows"):
        segment_scene(scene, "red", predictor=predictor(), options=SceneOptions(**options))
    options |= {"skip_unreadable": True}
    result = segment_scene(scene, "red", predictor=predictor(), options=SceneOptions(**options))
    assert result.unreadable and not result.empty


def test_a_result_never_replaces_what_it_is_made_from(scene: Path, tmp_path: Path) -> None:
    before = scene.read_bytes()
    (tmp_path / "scene.vrt").write_text(vrt(("Byte", "scene.tif", 1)))
    area = tmp_path / "area.gpkg"
    segment_scene(scene, "red", area, predictor=predictor())
    for source, output in ((scene, scene), (tmp_path / "scene.vrt", scene), (scene, area)):
        with pytest.raises(UsageError, match="would be lost"):
            segment_scene(source, "red", output, aoi=area, predictor=predictor())
    with pytest.raises(UsageError, match="is a folder"):
        (tmp_path / "folder.tif").mkdir()
        segment_scene(scene, "red", tmp_path / "folder.tif", predictor=predictor())
    assert scene.read_bytes() == before and not list(tmp_path.glob(".*"))


def test_a_geopackage_that_is_open_elsewhere(scene: Path, tmp_path: Path) -> None:
    segment_scene(scene, "red", tmp_path / "out.gpkg", predictor=predictor())
    before = (tmp_path / "out.gpkg").read_bytes()
    (tmp_path / "out.gpkg-wal").write_bytes(b"changes")
    with pytest.raises(UsageError, match="open in another program"):
        segment_scene(scene, "blue", tmp_path / "out.gpkg", predictor=predictor())
    assert (tmp_path / "out.gpkg").read_bytes() == before


def test_a_scene_without_data(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.tif", np.zeros((*SIZE, 3), np.uint8), nodata=0)
    for scope in ("tile", "scene"):
        with pytest.raises(DataError, match="holds no data: every pixel is nodata"):
            segment_scene(empty, "red", tmp_path / "out.gpkg", predictor=predictor(), options=SceneOptions(scope=scope))  # type: ignore[arg-type]
    for nothing in (np.full(SIZE, np.nan, np.float32), np.full(SIZE, -9999, np.float32)):
        write(empty, nothing, nodata=-9999)
        with pytest.raises(DataError, match=r"empty\.tif: the scene holds no data"):
            run(empty, tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_what_is_no_raster(tmp_path: Path) -> None:
    text = tmp_path / "scene.tif"
    text.write_text("no raster")
    with pytest.raises(DataError, match="cannot be opened as a raster"):
        run(text, tmp_path / "out")
    with pytest.raises(UsageError, match="no raster at"):
        run(tmp_path / "nowhere.tif", tmp_path / "out")
    with pytest.raises(UsageError, match="is a folder"):
        run(tmp_path, tmp_path / "out")


def test_the_model_fails_or_ctrl_c_in_the_middle(scene: Path, tmp_path: Path) -> None:
    for error in (KeyboardInterrupt, RuntimeError("model"), MemoryError):

        def stop(done: int, total: int, error: Any = error) -> None:
            if done == 5:
                raise error

        with pytest.raises(error if isinstance(error, type) else RuntimeError):
            segment_scene(
                scene, "red", [tmp_path / "out" / n for n in OUTPUTS], predictor=predictor(max_batch=1), advance=stop
            )
        assert not list((tmp_path / "out").iterdir())
    assert not [t for t in threading.enumerate() if t.name.startswith(("read", "write"))]


def test_results_of_before_stay_until_new_ones_are_whole(scene: Path, tmp_path: Path) -> None:
    run(scene, tmp_path / "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    damage_block(scene, 3, 4)
    with pytest.raises(UnreadableTileError):
        run(scene, tmp_path / "out")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_full_disk(tmp_path: Path, small_disk: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    busy = rng.random((250, 250)) < 0.3  # thousands of pieces: more than fits
    scene = write(tmp_path / "scene.tif", paint((250, 250), red=busy))
    small_disk.joinpath("taken").write_bytes(b"x" * 150_000)
    with pytest.raises(UsageError, match=f"cannot write .*{name}: .*nothing was left"):
        segment_scene(scene, "red", small_disk / name, predictor=predictor())
    assert [p.name for p in small_disk.iterdir()] == ["taken"]


def test_a_folder_that_is_a_file(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        run(scene, tmp_path / "file")


def test_errors_cross_from_either_thread_to_the_caller() -> None:
    def fails(items: Iterator[int]) -> None:
        next(items)
        raise RS2SAM2Error("consumer")

    with pytest.raises(RS2SAM2Error, match="consumer"):
        consume(iter(range(10_000)), fails, waiting=2)
    seen: list[int] = []

    def broken() -> Iterator[int]:
        yield 1
        raise RS2SAM2Error("producer")

    with pytest.raises(RS2SAM2Error, match="producer"):
        consume(broken(), lambda items: seen.extend(items), waiting=2)
    consume(iter(range(50)), lambda items: seen.extend(items), waiting=3)
    assert seen[-50:] == list(range(50))


def test_ctrl_c_while_files_are_finished_waits_for_whoever_writes_them() -> None:
    done = threading.Event()

    def finishes(items: Iterator[int]) -> None:
        list(items)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        time.sleep(0.1)
        done.set()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            consume(iter(range(3)), finishes, waiting=2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.is_set()
