"""The validation curve of a training run, as an SVG picture.

python benchmarks/curve.py runs/nwpu-nano -o docs/nwpu-nano.svg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rs2sam2.checkpoint.files import write_text
from rs2sam2.evaluate.plots import curves
from rs2sam2.train.journal import LOG

SCORES = ("mIoU", "oIoU", "Pr@0.5")
STYLE = (
    "<style>svg{background:#fff;color:#222}.grid{stroke:#ddd}.faint{fill:#666}.whisker{stroke:#222;fill:none}</style>"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder that rs2sam2 train wrote")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    entries = [json.loads(line) for line in (args.run / LOG).read_text(encoding="utf-8").splitlines()]
    val = [entry for entry in entries if entry["kind"] == "val"]
    if not val:
        raise SystemExit(f"{args.run / LOG} has no validation in it; train on, or lower --validation.every")
    last = val[-1]["step"]
    lines = {name: [(entry["step"] / last, entry[name]) for entry in val] for name in SCORES}
    picture = curves(lines, x_label="optimizer step", y_label="validation", dots=True, x_top=last)
    start = picture.index(">") + 1
    write_text(args.output, picture[:start] + STYLE + picture[start:] + "\n")
    print(f"{args.output}: " + ", ".join(f"{name} {val[-1][name]:.4f}" for name in SCORES) + f" at step {last}")


if __name__ == "__main__":
    main()
