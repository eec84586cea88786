"""Seconds a phrase of every result that was kept, as an SVG picture: model by model, oldest first.

rs2sam2 bench --preset large --dtype float32 --dtype mixed -o benchmarks/results/cpu-2026-11-25-large.json
python benchmarks/plot.py -o docs/performance.svg
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Any

from rs2sam2.evaluate.plots import COLORS, FONT
from rs2sam2.files import write_text

RESULTS = Path(__file__).parent / "results"
WIDTH, LEFT, RIGHT, STEP = 820, 230, 250, 22


def read(folder: Path) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Rows by model and device, each with its date and device, sorted by file name; the date is in the name."""
    found = defaultdict(list)
    for path in sorted(folder.rglob("*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if "rows" not in kept:
            continue  # gpu.sh keeps its baseline there, too
        date = re.search(r"\d{4}-\d\d-\d\d", str(path.relative_to(folder)))
        if date is None:
            raise SystemExit(f"{path} has no date in its name, as in cpu-2026-11-25-large.json")
        about = kept["machine"]
        for row in kept["rows"]:
            found[f"{row['model']} on {about['device']}"].append(
                (f"{date[0]}, {about['device']}, {about['threads']} threads", row)
            )
    return dict(found)


def picture(models: dict[str, list[tuple[str, dict[str, Any]]]]) -> str:
    """Bars of each model on a scale of their own."""
    parts, y = [], 8
    for model, rows in models.items():
        slowest = max(row["seconds_per_phrase"] for _, row in rows)
        parts.append(f'<text x="8" y="{y + 14}" font-weight="bold">{escape(model)}, seconds a phrase</text>')
        y += STEP
        for _, row in rows:
            seconds = row["seconds_per_phrase"]
            length = (WIDTH - LEFT - RIGHT) * seconds / slowest
            mode = f"{row['dtype']}, {row['backend']}, batch {row['batch']}"
            share = "" if row["share_of_peak"] is None else f", {row['share_of_peak']:.0%} of the matrix rate"
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(mode)}</text>'
                f'<rect x="{LEFT}" y="{y + 3}" width="{length:.1f}" height="15" fill="{COLORS[0]}" opacity=".75"/>'
                f'<text x="{LEFT + length + 6:.1f}" y="{y + 14}">{seconds:.3g}{escape(share)}</text>'
            )
            y += STEP
        for about in dict.fromkeys(about for about, _ in rows):
            parts.append(f'<text x="{LEFT}" y="{y + 12}" fill="#666" font-size="11">{escape(about)}</text>')
            y += STEP - 6
        y += 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
        f'aria-label="seconds a phrase" {FONT} fill="#222"><rect width="{WIDTH}" height="{y}" fill="#fff"/>'
        + "".join(parts)
        + "</svg>\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    models = read(args.results)
    if not models:
        raise SystemExit(f"{args.results} holds no results; rs2sam2 bench -o writes them")
    write_text(args.output, picture(models))
    for model, rows in models.items():
        print(f"{model}: {len(rows)} rows, {min(row['seconds_per_phrase'] for _, row in rows):.3g} s at best")


if __name__ == "__main__":
    main()
