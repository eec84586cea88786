"""The curves of a training run (its validation, or its losses) or the reliability of presence, as an SVG picture.

python benchmarks/curve.py runs/nwpu-nano -o docs/nwpu-nano.svg
python benchmarks/curve.py runs/nano --losses loss_centre loss_refine loss_mask loss_layout_choice -o docs/nano-losses.svg
python benchmarks/curve.py evaluation --reliability -o docs/nano-reliability.svg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

from rs2sam2.evaluate.plots import curves
from rs2sam2.files import write_text
from rs2sam2.train.journal import LOG

METRICS = "metrics.json"
SCORES = ("mIoU", "oIoU", "Pr@0.5")
SMOOTH = 10
STYLE = (
    "<style>svg{background:#fff;color:#222}.grid{stroke:#ddd}.faint{fill:#666}.whisker{stroke:#222;fill:none}</style>"
)


def validation(entries: list[dict[str, Any]]) -> str:
    """Scores at each validation."""
    val = [entry for entry in entries if entry["kind"] == "val"]
    if not val:
        raise SystemExit("the run has no validation in its log; train on, or lower --validation.every")
    last = val[-1]["step"]
    lines = {name: [(entry["step"] / last, entry[name]) for entry in val] for name in SCORES}
    print(", ".join(f"{name} {val[-1][name]:.4f}" for name in SCORES) + f" at step {last}")
    return curves(lines, x_label="optimizer step", y_label="validation", dots=True, x_top=last)


def losses(entries: list[dict[str, Any]], names: list[str]) -> str:
    """Means of SMOOTH log entries, as shares of the highest."""
    told = [entry for entry in entries if entry["kind"] == "train"]
    if missing := [name for name in names if not told or name not in told[0]]:
        known = ", ".join(k for k in (told or [{}])[0] if k.startswith("loss_"))
        raise SystemExit(f"the log has no {', '.join(missing)}; it has {known or 'nothing yet'}")
    last = told[-1]["step"]
    parts = [told[i : i + SMOOTH] for i in range(0, len(told), SMOOTH)]
    lines = {}
    for name in names:
        means = [fmean(entry[name] for entry in part) for part in parts]
        steps = [part[-1]["step"] / last for part in parts]
        lines[name.removeprefix("loss_")] = [(x, mean / max(means)) for x, mean in zip(steps, means, strict=True)]
        print(f"{name}: {means[0]:.3f} at the start, {means[-1]:.3f} at step {last}")
    return curves(lines, x_label="optimizer step", y_label="loss, of its highest", x_top=last)


def reliability(metrics: dict[str, Any]) -> str:
    """How often the referent is there among phrases of about equal presence."""
    found = metrics["presence"] and metrics["presence"]["reliability"]
    if not found:
        raise SystemExit(
            "the evaluation knows no presence: its weights have none, or its data no phrases without a target"
        )
    points = [(b["presence"], b["there"]) for b in found["bins"]]
    print(f"calibration error {found['calibration_error']:.3f}, {found['share_there']:.0%} have a target")
    return curves({"there": points}, x_label="presence", y_label="share really there", diagonal=True, dots=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="that rs2sam2 train wrote, or with --reliability rs2sam2 evaluate")
    parser.add_argument("--losses", nargs="+", help="names of losses, four at most, instead of the validation")
    parser.add_argument("--reliability", action="store_true", help="of presence, instead of the validation")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    if args.reliability:
        picture = reliability(json.loads((args.folder / METRICS).read_text(encoding="utf-8")))
    else:
        entries = [json.loads(line) for line in (args.folder / LOG).read_text(encoding="utf-8").splitlines()]
        picture = losses(entries, args.losses) if args.losses else validation(entries)
    start = picture.index(">") + 1
    write_text(args.output, picture[:start] + STYLE + picture[start:] + "\n")


if __name__ == "__main__":
    main()
