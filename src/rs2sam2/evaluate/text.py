"""Metrics as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rs2sam2.evaluate.protocol import PROTOCOLS
from rs2sam2.metrics import NAMES


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, the first to the left, the others to the right."""
    lines = [list(head), *[list(row) for row in rows]]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def percent(value: float | None) -> str:
    """0.4567 -> "45.67", as papers print it; "-" where there is none."""
    return "-" if value is None or value != value else f"{100 * value:.2f}"


def with_interval(cell: dict[str, Any]) -> str:
    """ "45.67 [44.10, 47.02]"; the value alone where too few images gave no interval."""
    low, high = percent(cell["low"]), percent(cell["high"])
    return percent(cell["value"]) + (f" [{low}, {high}]" if low != "-" else "")


def change_with_interval(cell: dict[str, Any]) -> str:
    """ "+1.20 [-0.30, +2.41]", with a star where the interval leaves out 0."""
    low, high = cell["low"], cell["high"]
    out = f"{100 * cell['difference']:+.2f}"
    if percent(low) == "-":
        return out
    return f"{out} [{100 * low:+.2f}, {100 * high:+.2f}]" + ("" if low <= 0 <= high else " *")


def metrics_text(metrics: dict[str, Any]) -> str:
    """The whole summary for a person: scores by protocol, presence, control, pairs, oracles, robustness, weakest groups."""
    counts, first = metrics["counts"], metrics["main_protocol"]
    parts = [
        f"{counts['samples']:,} phrases about {counts['images']:,} images, {counts['with a target']:,} with a target; "
        "in %, IoU >= X, empty union counts 0"
    ]
    if counts["with a target"]:
        rows = [
            [PROTOCOLS[name].title, *[percent(cells[score]["value"]) for score in NAMES]]
            for name, cells in metrics["scores"].items()
        ]
        parts.append(table(["protocol", *NAMES], rows))
        main = metrics["scores"][first]
        parts.append(
            "95 % intervals, " + PROTOCOLS[first].title + ": " + ", ".join(
                f"{score} {with_interval(main[score])}" for score in ("oIoU", "mIoU", "Pr@0.5")
            )
        )  # fmt: skip
    problems = [
        f"{what} {counts[what]:,}" for what in counts if what.startswith(("empty", "unread", "masks", "samples w"))
    ]
    parts.append("among them: " + ", ".join(problems))
    if counts["with a target"]:
        for name, groups in metrics["breakdown"].items():
            parts.append(_groups(name, groups))
    parts += _extras(metrics)
    return "\n\n".join(parts)


def _groups(name: str, groups: list[dict[str, Any]]) -> str:
    rows = [
        [g["name"], f"{g['samples']:,}", *[percent(g[s]["value"]) for s in ("oIoU", "mIoU", "Pr@0.5", "Pr@0.7")]]
        for g in groups
    ]
    return table([name, "samples", "oIoU", "mIoU", "Pr@0.5", "Pr@0.7"], rows)


def _extras(metrics: dict[str, Any]) -> list[str]:
    parts = []
    p = metrics["presence"]
    if p["without_target"]:
        rows = [[name, f"{a['samples']:,}", with_interval(a)] for name, a in p["accuracy"].items()]
        rows += [[name, "", percent(value)] for name, value in p["generalized"].items()]
        parts.append(table([f'"not here" below {p["min_score"]:g}', "samples", "%"], rows))
        head = ["phrase kind", "T-acc", "of", "N-acc", "of", "N-acc, hard", "of"]
        parts.append(table(head, presence_rows(p["by_kind"])))
        if p["sweep"]:
            parts[-1] += f"\nN-acc and T-acc together are highest at --min-score {p['sweep']['best_min_score']:g}"
    wrong = metrics["wrong_image"]
    if wrong:
        rows = [
            [which.replace("_", " "), *[percent(wrong[which][s]["value"]) for s in ("oIoU", "mIoU", "Pr@0.5")]]
            for which in ("right_image", "wrong_image")
        ]
        parts.append(table(["control", "oIoU", "mIoU", "Pr@0.5"], rows))
        parts += [
            f"wrong image refused, {name}: {with_interval(cell)} of {cell['samples']:,}"
            for name, cell in wrong["refused"].items()
        ]
    pairs = metrics["pairs"]
    if pairs:
        rows = [
            [g["name"], f"{g['pairs']:,}", percent(g["both"]["value"]), percent(g["either"]["value"])]
            for g in (pairs["all"], *pairs["about"])
        ]
        parts.append(table(["one word apart", "pairs", "both right", "either"], rows))
    if metrics["oracles"]:
        rows = [[n, f"{cell['samples']:,}", percent(cell["mean"])] for n, cell in metrics["oracles"].items()]
        parts.append(table(["oracle", "samples", "mean"], rows))
    if metrics["robustness"]:
        parts.append(_robustness(metrics["robustness"]))
    return parts


def presence_rows(kinds: list[dict[str, Any]]) -> list[list[str]]:
    """A row for each phrase kind: three accuracies, each with how many phrases it is measured on."""
    return [
        [
            kind["name"],
            *(
                cell
                for label in ("T-acc", "N-acc", "N-acc, hard")
                for cell in (percent(kind[label]["value"]), f"{kind[label]['samples']:,}")
            ),
        ]
        for kind in kinds
    ]


def _robustness(rows: list[dict[str, Any]]) -> str:
    lines = []
    for row in rows:
        m = row.get("mIoU")
        lines.append(
            [
                row["name"],
                f"{row['with_target']:,}",
                *(["-"] * 3 if m is None else [percent(m["before"]), percent(m["after"]), change_with_interval(m)]),
                percent(row.get("T-acc")),
                percent(row.get("N-acc")),
            ]
        )
    return table(["changed", "samples", "mIoU before", "after", "difference", "T-acc", "N-acc"], lines)


def comparison_text(result: dict[str, Any]) -> str:
    """B - A for a person: scores, phrase kinds and sizes with their intervals, the samples that changed most."""
    parts = [
        f"B - A on {result['samples']:,} samples with a target, {PROTOCOLS[result['protocol']].title}; in %, paired 95 % "
        f"intervals, * where they leave out 0; {result['better']:,} samples better, {result['worse']:,} worse"
    ]
    if result["only_in_a"] or result["only_in_b"]:
        parts.append(f"left out: {result['only_in_a']:,} samples only A has, {result['only_in_b']:,} only B has")
    rows = [[name, *_difference(result["scores"][name])] for name in NAMES]
    parts.append(table(["score", "A", "B", "B - A"], rows))
    for name, groups in result["groups"].items():
        rows = [[g["name"], f"{g['samples']:,}", *_difference(g["mIoU"])] for g in groups]
        parts.append(table([name, "samples", "mIoU A", "B", "B - A"], rows))
    for title, key in (("most improved", "best"), ("most spoilt", "worst")):
        rows = [[c["phrase"], c["id"], percent(c["before"]), percent(c["after"])] for c in result[key]]
        if rows:
            parts.append(table([title, "id", "IoU A", "B"], rows))
    return "\n\n".join(parts)


def _difference(cell: dict[str, Any]) -> list[str]:
    return [percent(cell["before"]), percent(cell["after"]), change_with_interval(cell)]
