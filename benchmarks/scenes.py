"""A scene of any size through `segment_scene`: tiles a second against the bare model's, and peak memory.

    python benchmarks/scenes.py                       # 30,000 x 30,000 pixels, drawn first (an hour, 3 GB) and kept
    python benchmarks/scenes.py --rows 1500           # its first 1,500 rows alone, in their full width (minutes)
    python benchmarks/scenes.py --scene mine.tif --phrases "all ships"
    python benchmarks/scenes.py --interrupt 30        # Ctrl-C after 30 seconds: what is left?

The bare model answers the same kind of tiles, already in memory, in the same batches, before the scene and after it. Each
part runs in a process of its own, so peak memory (resident, model and torch included) is that of the whole pipeline; what
is resident is also given along the way, which shows whether it grows with the rows done. Outputs: GeoPackage and COG.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shapely import Polygon

TILES = 128
"""That the bare model is asked about."""
PHRASES = ("all storage tanks", "all airplanes", "all ships")


def draw(path: Path, size: int, workers: int) -> None:
    from rs2sam2.data.synthetic.geotiff import write_geotiff

    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_geotiff(path, (size, size), gsd=0.5, seed=0, workers=workers)


def first_rows(path: Path, rows: int) -> Polygon:
    """The outline of the first rows of a scene, in its own coordinates."""
    import rasterio
    import shapely

    with rasterio.open(path) as file:
        corners = [(0, 0), (file.width, 0), (file.width, rows), (0, rows)]
        return shapely.Polygon([file.transform * corner for corner in corners])


def measure_scene(path: Path, phrases: list[str], weights: str, folder: Path, rows: int | None) -> dict[str, Any]:
    from rs2sam2 import Predictor, segment_scene

    predictor = Predictor.load(weights)
    out = folder / "out"
    first = 0.0
    resident: dict[int, float] = {}

    def advance(done: int, total: int) -> None:
        nonlocal first
        first = first or time.perf_counter()
        with Path("/proc/self/statm").open() as file:
            pages = int(file.read().split()[1])
        resident.setdefault(10 * round(10 * done / total), round(pages * resource.getpagesize() / 1e9, 2))
        if done and sys.stderr.isatty():
            passed = time.perf_counter() - first
            print(
                f"\r{done:,} of {total:,} tiles, {passed * (total - done) / done:,.0f} s left ", end="", file=sys.stderr
            )

    start = time.perf_counter()
    result = segment_scene(
        path,
        phrases,
        [out / "found.gpkg", out / "found.tif"],
        predictor=predictor,
        keep_features=False,
        advance=advance,
        aoi=None if rows is None else first_rows(path, rows),
        aoi_crs=None,
    )
    seconds = time.perf_counter() - start
    return {
        "tiles": result.tiles,
        "features": sum(p.features for p in result.phrases),
        "seconds": seconds,
        "tiles_per_s": result.tiles / seconds,
        "resident": resident,
        "peak_gb": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9,
    }


def measure_bare(path: Path, phrases: list[str], weights: str, runs: int, rows: int | None) -> dict[str, float]:
    """The segmenter alone on some of the scene's tiles, spread evenly, in its own batches of pairs."""
    from PIL import Image

    from rs2sam2 import Predictor, Scene, iter_tiles

    segmenter = Predictor.load(weights).segmenter
    size = segmenter.max_batch
    with Scene(path, aoi=None if rows is None else first_rows(path, rows), aoi_crs=None) as scene:
        tiles = list(iter_tiles(scene, segmenter.image_size))  # type: ignore[attr-defined]
        chosen = tiles[:: max(1, len(tiles) // TILES)][:TILES]
        images = [Image.fromarray(scene.read(tile).pixels) for tile in chosen]
    pairs = [(i, phrase) for i in range(len(images)) for phrase in phrases]
    seconds = []
    for _ in range(runs + 1):  # the first is a warm-up
        start = time.perf_counter()
        for at in range(0, len(pairs), size):
            part = pairs[at : at + size]
            used = sorted({i for i, _ in part})
            segmenter(
                [images[i] for i in used], [p for _, p in part], [used.index(i) for i, _ in part], [None] * len(part)
            )
        seconds.append(time.perf_counter() - start)
    return {"tiles_per_s": len(images) / statistics.median(seconds[1:])}


def interrupt(path: Path, phrases: list[str], after: float, folder: Path) -> None:
    out = folder / "interrupted"
    command = [
        sys.executable,
        "-m",
        "rs2sam2",
        "segment",
        str(path),
        "-o",
        str(out / "a.gpkg"),
        "-o",
        str(out / "a.tif"),
    ]
    process = subprocess.Popen([*command, *(x for p in phrases for x in ("-p", p))])
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    code = process.wait()
    left = [p.name for p in out.iterdir()] if out.exists() else []
    print(f"Ctrl-C after {after:g} s: exit code {code}, left in {out}: {left or 'nothing'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=30_000)
    parser.add_argument("--scene", type=Path, help="instead of drawing one")
    parser.add_argument("--rows", type=int, help="the first rows of the scene alone")
    parser.add_argument("--folder", type=Path, default=Path("scene-benchmark"))
    parser.add_argument("--phrases", nargs="+", default=list(PHRASES[:1]))
    parser.add_argument("--weights", default="nano")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--interrupt", type=float)
    parser.add_argument("--part", choices=["scene", "bare"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    path = args.scene or args.folder / f"scene-{args.size}.tif"
    if args.part == "scene":
        print(json.dumps(measure_scene(path, args.phrases, args.weights, args.folder, args.rows)))
        return
    if args.part == "bare":
        print(json.dumps(measure_bare(path, args.phrases, args.weights, args.runs, args.rows)))
        return
    if args.scene is None:
        draw(path, args.size, os.cpu_count() or 1)
    if args.interrupt is not None:
        interrupt(path, args.phrases, args.interrupt, args.folder)
        return
    rates = []
    for part in ("bare", "scene", "bare"):  # a machine's pace may change within the hour
        command = [sys.executable, __file__, "--part", part, "--size", str(args.size), "--folder", str(args.folder)]
        command += ["--scene", str(path), *(["--rows", str(args.rows)] if args.rows else [])]
        command += ["--weights", args.weights, "--runs", str(args.runs), "--phrases", *args.phrases]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        if part == "scene":
            scene = found
        else:
            rates.append(found["tiles_per_s"])
        print(part, json.dumps(found), file=sys.stderr, flush=True)
    bare = statistics.mean(rates)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {path.name}")
    print(
        f"{int(scene['tiles']):,} tiles x {len(args.phrases)} phrases in {scene['seconds']:,.0f} s, {int(scene['features']):,} features"
    )
    print(
        f"tiles a second: {scene['tiles_per_s']:.2f}, the bare model {rates[0]:.2f} before and {rates[1]:.2f} after "
        f"({scene['tiles_per_s'] / bare:.0%})"
    )
    along = ", ".join(f"{gb:.2f} at {share} %" for share, gb in scene["resident"].items())
    print(f"peak memory: {scene['peak_gb']:.2f} GB; along the way: {along}")


if __name__ == "__main__":
    main()
