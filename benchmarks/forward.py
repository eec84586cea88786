"""Seconds per image, TFLOP/s and peak memory of one forward (one image, one phrase of seven tokens).

    python benchmarks/forward.py                                  # large and nano, float32 and bfloat16, random weights
    python benchmarks/forward.py --models large --dtypes float32 --weights DIR

Each row is measured in a process of its own: median of --runs after one warm-up; peak memory is that of the process
(resident, model and torch included) or, on a GPU, of torch's allocator. FLOP are counted by torch, attention included.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time

TOKENS = 7


def measure(model_name: str, dtype_name: str, weights: str | None, device: str, runs: int) -> dict[str, object]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from rs2sam2 import RS2SAM2, preset

    dtype = getattr(torch, dtype_name)
    if weights:
        model = RS2SAM2.from_pretrained(weights, device=device, dtype=dtype)
    else:
        torch.manual_seed(0)
        torch.set_default_dtype(dtype)  # no second copy for the conversion
        with torch.device(device):
            model = RS2SAM2(preset(model_name)).eval()
        torch.set_default_dtype(torch.float32)
        model.prompt_encoder.gaussian = model.prompt_encoder.gaussian.float()
    config = model.config
    image = torch.randn(1, 3, config.image_size, config.image_size, device=device, dtype=dtype)
    side = config.beit3.image_size
    beit3 = None if config.beit3.patches == "trunk" else torch.randn(1, 3, side, side, device=device, dtype=dtype)
    ids = torch.arange(TOKENS, device=device)[None] + 10
    synchronise = torch.cuda.synchronize if device.startswith("cuda") else (lambda: None)
    seconds = []
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            model(image, beit3, ids)
        for _ in range(runs):
            synchronise()
            start = time.perf_counter()
            model(image, beit3, ids)
            synchronise()
            seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    peak = (
        torch.cuda.max_memory_allocated()
        if device.startswith("cuda")
        else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    )
    return {
        "model": config.name, "dtype": dtype_name, "seconds": median, "fastest": min(seconds), "slowest": max(seconds),
        "tflop": counter.get_total_flops() / 1e12, "tflop_per_s": counter.get_total_flops() / 1e12 / median, "peak_gb": peak / 1e9,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["large", "nano"])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--weights")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        print(json.dumps(measure(args.models[0], args.dtypes[0], args.weights, args.device, args.runs)))
        return
    import torch

    place = (
        torch.cuda.get_device_name()
        if args.device.startswith("cuda")
        else f"{_cpu()}, {torch.get_num_threads()} threads"
    )
    print(f"{place}; torch {torch.__version__}, Python {platform.python_version()}")
    print(f"{'model':8} {'dtype':9} {'s/image':>8} {'min-max':>13} {'TFLOP':>6} {'TFLOP/s':>8} {'peak GB':>8}")
    for model in args.models:
        for dtype in args.dtypes:
            command = [
                sys.executable,
                __file__,
                "--row",
                "--models",
                model,
                "--dtypes",
                dtype,
                "--runs",
                str(args.runs),
            ]
            command += ["--device", args.device] + (["--weights", args.weights] if args.weights else [])
            r = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
            spread = f"{r['fastest']:.2f}-{r['slowest']:.2f}"
            print(f"{r['model']:8} {r['dtype']:9} {r['seconds']:8.3f} {spread:>13} ", end="")
            print(f"{r['tflop']:6.3f} {r['tflop_per_s']:8.3f} {r['peak_gb']:8.2f}")


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
