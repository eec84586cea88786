"""Loading speed: samples per second and core at 1024 and 512 px, and where the time goes.

    python benchmarks/data.py                         # 64 generated 800 x 800 JPEGs, laid out as RRSIS-D
    python benchmarks/data.py --data PATH --split train
    python benchmarks/data.py --workers 2             # through a DataLoader as well

One process, one thread, 64 samples, files in the operating system's cache (the first pass is not counted). Prints
samples per second of one core's time and the share of the profile that each kind of work has.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from rs2sam2.data import RLE, ReferringDataset, Sample, open_dataset
from rs2sam2.data.dataset import resize_image

KINDS = {
    "JPEG decoding": ("ImagingDecoder", "'_io.", "open of"),
    "pixels out of Pillow": ("'encode' of 'ImagingEncoder'", "tobytes", "'join' of", "numpy.array"),
    "resizing": ("upsample", "'resize' of 'ImagingCore'"),
    "mask codes": ("masks.py", "'repeat' of", "ascontiguousarray", "reduceat", "'reshape' of"),
}


def generated(folder: Path, count: int, side: int = 800) -> list[Sample]:
    """Noise at several scales: as hard to decode as photographs (about 200 kB at quality 90), with one disc as target."""
    rng = np.random.default_rng(0)
    samples = []
    y, x = np.mgrid[:side, :side]
    for n in range(count):
        image = np.zeros((side, side, 3), np.float32)
        for cells, strength in ((8, 60), (50, 40), (200, 25), (800, 9)):
            layer = rng.normal(128, strength, (cells, cells, 3)).clip(0, 255).astype(np.uint8)
            image += np.asarray(Image.fromarray(layer).resize((side, side), Image.Resampling.BICUBIC), np.float32) - 128
        Image.fromarray((image + 128).clip(0, 255).astype(np.uint8)).save(folder / f"{n}.jpg", quality=90)
        cx, cy, radius = rng.integers(100, side - 100), rng.integers(100, side - 100), rng.integers(20, 100)
        target = RLE.encode((x - cx) ** 2 + (y - cy) ** 2 < radius**2)
        image_file = folder / f"{n}.jpg"
        samples.append(
            Sample(id=str(n), phrase="the disc", image=image_file, split="train", source="made", targets=(target,))
        )
    return samples


def rate(data: ReferringDataset, seconds: float) -> float:
    """Samples in a second of one core's time (not of the clock: other work on the machine would count)."""
    for i in range(len(data)):
        data[i]
    done, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        data[done % len(data)]
        done += 1
    return done / (time.process_time() - start)


def milliseconds(work: Callable[[], object]) -> float:
    """Of one core's time for a call, over 20."""
    work()
    start = time.process_time()
    for _ in range(20):
        work()
    return (time.process_time() - start) / 20 * 1e3


def loader_rate(data: ReferringDataset, workers: int, seconds: float) -> float:
    """Samples per second through a DataLoader, from the first batch on."""
    loader = torch.utils.data.DataLoader(data, batch_size=8, num_workers=workers, persistent_workers=True)
    done, start = 0, None
    while start is None or time.perf_counter() - start < seconds:
        for batch in loader:
            if start is None:
                start = time.perf_counter()  # the workers are up
            else:
                done += len(batch["id"])
    return done / (time.perf_counter() - start)


def shares(data: ReferringDataset) -> dict[str, float]:
    """Share of the profiled time of each kind of work."""
    profile = cProfile.Profile()
    profile.enable()
    for i in range(len(data)):
        data[i]
    profile.disable()
    times: defaultdict[str, float] = defaultdict(float)
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():
        where = f"{Path(file).name} {name}"
        kind = next((kind for kind, marks in KINDS.items() if any(mark in where for mark in marks)), "all other code")
        times[kind] += own
    total = sum(times.values())
    return {kind: times[kind] / total for kind in (*KINDS, "all other code")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--split", default="train")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 512])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        samples = open_dataset(args.data).read(args.split) if args.data else generated(folder, 64)
        some = samples[:64]
        pixels = np.mean([np.prod(s.image_size()) for s in some]) ** 0.5
        weight = np.mean([s.image.stat().st_size for s in some]) / 1e3
        print(f"{args.data or 'generated'}: images of {pixels:.0f}^2 px and {weight:.0f} kB on average")
        for size in args.sizes:
            image = samples[0].load_image()
            array = np.array(image)
            ours = milliseconds(lambda array=array, size=size: resize_image(array, (size, size)))
            pillow = milliseconds(lambda i=image, size=size: i.resize((size, size), Image.Resampling.BILINEAR))
            print(f"{size:5} px  resizing one image: {ours:.1f} ms, by Pillow {pillow:.1f} ms")
            ways = {"plain": {}, "draft": {"draft": True}, "cache": {"cache": folder / str(size)}}
            for way, options in ways.items():
                data = ReferringDataset(some, size, **options)
                line = f"{size:5} px  {way:6} {rate(data, args.seconds):7.1f} samples/s/core"
                if args.workers:
                    line += (
                        f"  {loader_rate(data, args.workers, args.seconds):7.1f} samples/s with {args.workers} workers"
                    )
                print(line)
                print("          " + ", ".join(f"{kind} {share:.0%}" for kind, share in shares(data).items()))


if __name__ == "__main__":
    main()
