"""What it costs a core to make what the bundled model is trained on: views with their phrases, and layouts beside them.

python benchmarks/views.py DATA [--views 200] [--key.key=value ...]

DATA is the folder that nano is trained from; further entries are those of its recipe. Processor time of one process, in
ms, after the pools have been opened and the phrases that are denied have been drawn, of which it tells apart.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import fmean, median

import torch
from rich.progress import track

from rs2sam2.cli.console import stderr
from rs2sam2.train.objects.learner import ObjectFirstLearner
from rs2sam2.train.recipe import load_recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--views", type=int, default=200)
    args, settings = parser.parse_known_args()
    torch.set_num_threads(1)
    recipe = load_recipe("nano", [f"--data.root={args.data}", "--data.calibration.share=0", *settings])
    began = time.process_time()
    items = ObjectFirstLearner(recipe, torch.device("cpu")).training_data()
    opened = time.process_time()
    items.set_epoch(0)
    drawn = time.process_time()
    print(f"pools opened in {opened - began:.1f} s, what is denied drawn in {drawn - opened:.1f} s")
    times = []
    for i in track(range(args.views), "views", console=stderr, transient=True):
        before = time.process_time()
        items[i]
        times.append(1000 * (time.process_time() - before))
    print(
        f"a view: {fmean(times):.1f} ms on average of {len(times)}, median {median(times):.1f}, most {max(times):.0f}"
    )


if __name__ == "__main__":
    main()
