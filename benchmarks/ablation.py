"""What each change to the released recipe is worth, at nano size: a table of rows x seeds.

    python benchmarks/ablation.py --data NWPU-Ref --lite0 efficientnet-lite0-57934424.pth -o runs/ablation

Every row is `nwpu-nano` with the losses of the released scripts, no augmentation, and one thing changed (`ROWS`). Start,
data, rates and schedule are the same (the released rates are for a pretrained BEiT-3), and a seed gives each row the same
initial weights and the same order of images. Masks learn from phrases with a target in all rows, because the released
scripts knew no others. Runs that are done are skipped and one that was interrupted goes on, so the command may be stopped
and given again. The table so far is printed after each run, as Markdown: mean and standard deviation over seeds, in %, and
the difference to the first row with the same seed.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from rs2sam2.train.loop import train
from rs2sam2.train.recipe import load_recipe

PHRASES = 25
"""Phrases with a target in a micro-batch of 4 images, about. The released Dice is summed over them, and was made for one."""

RELEASED = (
    "--losses.ce=0.9", f"--losses.dice={0.1 / PHRASES}", "--losses.focal=0", "--losses.boundary=0.2",
    "--losses.boundary_kind=released", "--losses.mask_prompt=0", "--losses.presence=0", "--losses.iou=0",
    "--losses.per_sample=false", "--losses.resolution=image", "--model.presence=false", "--model.text_weight=true",
)  # fmt: skip
PLAIN = tuple(
    f"--data.augmentation.{name}" for name in ("flips=false", "quarter_turns=false", "crop=0", "colour=0", "low_pass=0")
)
BOUNDARY = ("--losses.boundary_kind=soft", "--losses.boundary=0.1")
LANGUAGE = ("--data.augmentation.flips=true", "--data.augmentation.quarter_turns=true", "--data.augmentation.crop=0.6")
PROMPT = ("--losses.mask_prompt=0.05",)
ROWS: dict[str, tuple[str, ...]] = {
    "released": (),
    "+ differentiable boundary loss": BOUNDARY,
    "+ language-aware augmentation": LANGUAGE,
    "+ mask-prompt supervision": PROMPT,
    "all together": (*BOUNDARY, *LANGUAGE, *PROMPT),
}
SCORES = ("mIoU", "oIoU", "Pr@0.5")
RESULT = "result.json"


def run(row: str, seed: int, args: argparse.Namespace) -> dict[str, float]:
    """Validation scores of one run at its end; read where it is done."""
    folder = args.output / f"{list(ROWS).index(row)}-seed{seed}"
    settings = [
        *RELEASED, *PLAIN, *ROWS[row],
        f"--data.root={args.data}", f"--seed={seed}", f"--steps={args.steps}", f"--epochs={args.steps}",
        f"--model.image_size={args.size}", f"--model.beit3.image_size={args.size}",
        f"--init.lite0={args.lite0 or 'null'}", f"--init.weights={args.weights or 'null'}",
        f"--validation.limit={args.limit}", f"--validation.every={args.steps}",
        "--validation.pictures=0", f"--schedule.warmup={min(100, args.steps // 10)}",
    ]  # fmt: skip
    if args.weights:
        settings += ["--model.preset=null", "--init.vocabulary=null"]
    result = folder / RESULT
    if result.exists():
        saved = json.loads(result.read_text())
        if saved["settings"] != settings:
            raise SystemExit(f"{folder} was run with other settings; choose another --output")
        return dict(saved["scores"])
    scores = train(load_recipe("nwpu-nano", settings), folder, resume=True).state.values
    result.write_text(json.dumps({"row": row, "seed": seed, "settings": settings, "scores": scores}, indent=2) + "\n")
    return scores


def table(found: dict[str, dict[int, dict[str, float]]]) -> str:
    """Markdown of what is there: {row: {seed: scores}}."""
    lines = ["| row | seeds | " + " | ".join(SCORES) + " | mIoU - released |", "|---" * (3 + len(SCORES)) + "|"]
    base = found.get("released", {})
    for row, by_seed in found.items():
        cells = [spread([scores[name] for scores in by_seed.values()]) for name in SCORES]
        apart = [by_seed[s]["mIoU"] - base[s]["mIoU"] for s in by_seed if s in base]
        cells.append(spread(apart, signed=True) if apart and row != "released" else "")
        lines.append(f"| {row} | {len(by_seed)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values: Sequence[float], *, signed: bool = False) -> str:
    """Mean ± standard deviation, in %."""
    deviation = f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{100 * statistics.fmean(values):{'+' if signed else ''}.2f}{deviation}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that rs2sam2 data make-refs wrote")
    parser.add_argument("--lite0", type=Path, help="EfficientNet-Lite0's ImageNet weights; without, all starts fresh")
    parser.add_argument("--weights", type=Path, help="a folder of weights that all rows start from")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--rows", type=int, nargs="+", default=list(range(len(ROWS))), help="by number, from 0")
    parser.add_argument("--steps", type=int, default=4000, help="optimizer steps of 4 images x 8 phrases")
    parser.add_argument("--size", type=int, default=384, help="of the image's square, a multiple of 32")
    parser.add_argument("--limit", type=int, default=1000, help="validation phrases")
    args = parser.parse_args()
    found: dict[str, dict[int, dict[str, float]]] = {}
    for seed in args.seeds:
        for number in args.rows:
            row = list(ROWS)[number]
            found.setdefault(row, {})[seed] = run(row, seed, args)
            print(f"seed {seed}: {row}\n{table(found)}\n", flush=True)


if __name__ == "__main__":
    main()
