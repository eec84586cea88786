"""Is a thing believed where a picture is filled by it, and refused where it is hardly ever beside what the picture shows?

python benchmarks/presence.py DATA [--weights nano]

DATA is the folder that nano is trained from; its scenes' last pictures of each class are never trained on. What is hardly
ever beside what is counted in its layouts, as in training.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from rs2sam2 import Predictor
from rs2sam2.cli.console import stderr
from rs2sam2.data.builder.scenes import NOTHING
from rs2sam2.segmenter import least_score
from rs2sam2.train.objects.beside import never_beside
from rs2sam2.train.objects.layouts import read_layouts
from rs2sam2.train.objects.mosaic import mosaic_pool
from rs2sam2.train.objects.options import Calibration, Data

LAYOUTS, SCENES = "layouts/rrsisd_layouts.jsonl.gz", "scenes/labels.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default="nano")
    args = parser.parse_args()
    layouts = {phrase.layout for phrase in read_layouts(args.data / LAYOUTS)}
    beside = never_beside(layouts, Data.rare)
    _, held_out = mosaic_pool("scenes", args.data / SCENES, 1.0, beside=beside).parted(Calibration.share)
    predictor = Predictor.load(args.weights)
    there: defaultdict[str, list[float]] = defaultdict(list)
    absent: defaultdict[str, list[float]] = defaultdict(list)
    pictures = [(category, path) for category, path in held_out.pictures if category != NOTHING]
    for category, path in track(pictures, "pictures", console=stderr, transient=True):
        others = sorted(beside.get(category, ()))
        with Image.open(path) as image:
            answers = predictor.predict(image.convert("RGB"), [f"the {name}" for name in (category, *others)])
        presences = [0.0 if answer.presence is None else answer.presence for answer in answers]
        there[category].append(presences[0])
        for name, presence in zip(others, presences[1:], strict=True):
            absent[name].append(presence)
    yes, no = (np.concatenate([*found.values()]) for found in (there, absent))
    least = least_score(predictor.segmenter)
    above = (yes[:, None] > no).mean() + (yes[:, None] == no).mean() / 2
    print(f"believed where there: {100 * (yes >= least).mean():.1f} % of {len(yes)}, at {least:g}")
    print(f"refused where absent: {100 * (no < least).mean():.1f} % of {len(no)}")
    print(f"a thing that is there has the higher presence in {100 * above:.1f} % of all pairs")
    for name in sorted(there.keys() | absent.keys()):
        found = (
            f"{100 * np.mean(np.array(there[name]) >= least):4.0f} % of {len(there[name]):3d}" if there[name] else ""
        )
        denied = (
            f"{100 * np.mean(np.array(absent[name]) < least):4.0f} % of {len(absent[name]):3d}" if absent[name] else ""
        )
        print(f"{name:26s} believed {found:15s} refused {denied}")


if __name__ == "__main__":
    main()
