"""What is lost when a phrase is put into other words?

    python benchmarks/wording.py refs/nwpu [--weights nano] [--limit 300]

Each phrase of the split is asked as it is; as `rs2sam2.data.language.freely` says it, as in training; and in sentences that
were written when training and `rs2sam2.data.language.plain` were done.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from random import Random

import numpy as np
from rich.progress import track

from rs2sam2 import Predictor
from rs2sam2.cli.console import stderr
from rs2sam2.data.language.freely import freely
from rs2sam2.data.registry import open_dataset
from rs2sam2.evaluate.assess import subset
from rs2sam2.metrics import intersection_union
from rs2sam2.segmenter import least_score

SENTENCES = (
    "the survey is about {}", "mind {} when you land", "next comes {}", "photographed: {}", "we sold {} last year",
    "{} belongs to my uncle", "keep an eye on {}", "{} was built in 1990", "nothing matters but {}", "paint {} orange",
    "go over {} with me", "who owns {}?",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("refs", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--weights", default="nano")
    parser.add_argument("--limit", type=int, default=300)
    args = parser.parse_args()
    samples = open_dataset(args.refs).read(args.split)
    predictor = Predictor.load(args.weights)
    least = least_score(predictor.segmenter)
    ious: defaultdict[str, list[float]] = defaultdict(list)
    believed: defaultdict[str, list[bool]] = defaultdict(list)
    refused: defaultdict[str, list[bool]] = defaultdict(list)
    random = Random(0)
    for place in track(subset(samples, args.limit), "phrases", console=stderr, transient=True):
        sample = samples[place]
        phrase = sample.phrase[:1].lower() + sample.phrase[1:]
        said = {
            "as it is": sample.phrase,
            "freely": freely(sample.phrase, random),
            "in a strange sentence": random.choice(SENTENCES).format(phrase),
        }
        truth = sample.load_mask() if sample.targets else None
        answers = predictor.predict(sample.load_image(), list(said.values()))
        for name, answer in zip(said, answers, strict=True):
            if truth is None:
                refused[name].append(not answer.is_here(least))
            else:
                inter, union = intersection_union(answer.mask, truth)
                ious[name].append(inter / union)
                believed[name].append(answer.is_here(least))
    print(
        f"{args.weights}, {sum(map(len, (ious['as it is'], refused['as it is'])))} phrases of {args.refs.name} {args.split}"
    )
    for name, values in ious.items():
        shares = (np.mean(values), np.mean(np.array(values) >= 0.5), np.mean(believed[name]), np.mean(refused[name]))
        print(
            f"{name:22s} mIoU {{:5.1f}}  Pr@0.5 {{:5.1f}}  believed {{:5.1f}}  refused {{:5.1f}}".format(
                *(100 * s for s in shares)
            )
        )


if __name__ == "__main__":
    main()
