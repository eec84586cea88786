"""Seconds in each part of the released size on this CPU, medians of some forwards; random weights (4 GB of temporary disk).

    THP_MEM_ALLOC_ENABLE=1 python benchmarks/parts.py [--runs 3]

Calls of the trunk, of BEiT-3 and of the neck are timed; the rest is the mask decoder, the gate and the prompts.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import torch

from rs2sam2.bench import example_inputs, matrix_peak, random_weights
from rs2sam2.checkpoint.folder import load_model, open_folder
from rs2sam2.model.packing import make_ready

CPU = torch.device("cpu")
MODES = {"float32": torch.float32, "mixed": torch.bfloat16}  # of the trunk
PARTS = {"trunk": ("embed", "forward"), "beit3": ("embed", "forward"), "neck": ("forward",)}


def seconds(weights: Path, trunk_dtype: torch.dtype, runs: int) -> dict[str, float]:
    """Of one phrase about one image, by part, after a forward to warm up."""
    opened = open_folder(weights)
    model = load_model(opened.plan, CPU, torch.float32)
    make_ready(model, torch.float32, trunk_dtype, opened.plan.release)
    spent: Counter[str] = Counter()

    def timed(part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def run(*args: Any) -> Any:
            start = time.perf_counter()
            result = call(*args)
            spent[part] += time.perf_counter() - start  # type: ignore[assignment]
            return result

        return run

    for part, calls in PARTS.items():
        for name in calls:
            setattr(getattr(model, part), name, timed(part, getattr(getattr(model, part), name)))
    image, beit3, ids = example_inputs(opened.plan.config, 1, CPU)
    rows = []
    with torch.inference_mode():
        for _ in range(runs + 1):
            spent.clear()
            start = time.perf_counter()
            model.answer(model.look(image, beit3), ids)
            whole = time.perf_counter() - start
            rows.append({**spent, "rest": whole - spent.total(), "all": whole})
    return {part: statistics.median(row[part] for row in rows[1:]) for part in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        random_weights("large", Path(folder) / "large")
        for mode, dtype in MODES.items():
            found = seconds(Path(folder) / "large", dtype, runs)
            parts = ", ".join(f"{part} {value:.2f}" for part, value in found.items())
            print(f"{mode}: {parts} s, at {matrix_peak(CPU, dtype):.3f} TFLOP/s", flush=True)


if __name__ == "__main__":
    main()
