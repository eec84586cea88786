"""The report: one HTML page with tables, plots and pictures inside, that opens without network and without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from rs2sam2.data.sample import Sample
from rs2sam2.evaluate import gallery, plots
from rs2sam2.evaluate.bootstrap import FEWEST
from rs2sam2.evaluate.protocol import PROTOCOLS
from rs2sam2.evaluate.quirks import VARIANTS
from rs2sam2.evaluate.records import Record
from rs2sam2.evaluate.text import change_with_interval, percent, presence_rows, with_interval
from rs2sam2.metrics import NAMES

STYLE = """
:root { color-scheme: light dark; --faint: #6b6b6b; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --faint: #9a9a9a; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1220px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p, .faint { max-width: 75ch; } .faint, svg .faint { color: var(--faint); fill: var(--faint); }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .18rem .7rem; text-align: right; border-bottom: 1px solid var(--line); font-weight: normal; }
th { color: var(--faint); } th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; } svg .grid { stroke: var(--line); } svg .whisker { stroke: currentColor; fill: none; }
.side { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: flex-start; }
.groups { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 0 2rem; }
.groups > div { overflow-x: auto; } h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 1rem; }
figure { margin: 0; } figure img { width: 100%; height: auto; } figcaption { font-size: .85rem; line-height: 1.35; }
.truth { color: #56b4e9; } .guess { color: #e69f00; }
summary { cursor: pointer; color: var(--faint); }
"""


def report(records: Sequence[Record], samples: Sequence[Sample], metrics: dict[str, Any]) -> str:
    """The page as text. `samples` in the order of `records`, for the pictures."""
    about, counts = metrics["about"], metrics["counts"]
    title = f"{about['method']} on {about['data']}, {about['split']}"
    if about["limit"]:
        title += f", {counts['samples']:,} samples spread over it"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="faint">{escape(", ".join(f"{n:,} {what}" if what != "samples" else f"{n:,} phrases" for what, n in counts.items()))}; '
        f"rs2sam2 {escape(about['rs2sam2'])}.</p>",
    ]
    if counts["with a target"]:
        body += [_scores(metrics), _spread(records, metrics)]
        body.append(_breakdown(metrics))
    body += [part(metrics) for part in (_presence, _control, _pairs, _robustness, _oracles)]
    body.append(_gallery(records, samples, metrics))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n<body>\n'
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def rows_html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; every cell is escaped."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{''.join(lines)}</table>"


def _scores(metrics: dict[str, Any]) -> str:
    rows = [
        [PROTOCOLS[name].title, *[percent(cells[score]["value"]) for score in NAMES]]
        for name, cells in metrics["scores"].items()
    ]
    first = metrics["main_protocol"]
    main = metrics["scores"][first]
    variants = []
    for name, by_rule in metrics["variants"].items():
        for rule, meaning in VARIANTS.items():
            variants.append(
                [PROTOCOLS[name].title, f"{rule}: {meaning}", *[percent(by_rule[rule].get(score)) for score in NAMES]]
            )
    whiskers = [plots.Bar(s, main[s]["value"], main[s]["low"], main[s]["high"]) for s in NAMES]
    return (
        "<h2>Scores</h2>"
        '<p class="faint">In %, over phrases with a target. Pr@X counts IoU &ge; X; an empty union counts as IoU 0. '
        f"Bars: {escape(PROTOCOLS[first].title)}, with intervals that hold 95 % of {metrics['resamples']:,} redrawn sets of "
        f"images; fewer than {FEWEST} images have none.</p>"
        + '<div class="side">'
        + rows_html(["protocol", *NAMES], rows)
        + plots.bars(whiskers, label=f"Scores with 95 % intervals, {PROTOCOLS[first].title}")
        + "</div><details><summary>The same masks under other scorers' rules</summary>"
        + rows_html(["protocol", "rule", *NAMES], variants)
        + "</details>"
    )


def _spread(records: Sequence[Record], metrics: dict[str, Any]) -> str:
    first = metrics["main_protocol"]
    ious = sorted((r.answer.iou(first) for r in records if r.has_target), reverse=True)
    points = [(cut / 50, sum(v >= cut / 50 for v in ious) / len(ious)) for cut in range(51)]
    return (
        f'<h2>Spread of IoU, {escape(PROTOCOLS[first].title)}</h2><div class="side">'
        + plots.histogram(ious, label="IoU")
        + plots.curves({"share": points}, x_label="X", y_label="share with IoU at least X")
        + "</div>"
    )


def _breakdown(metrics: dict[str, Any]) -> str:
    title = escape(PROTOCOLS[metrics["main_protocol"]].title)
    groups = "".join(_group(name, groups, title) for name, groups in metrics["breakdown"].items())
    return (
        '<h2>Where it is good, and where not</h2><p class="faint">'
        f"mIoU in %, {title}, with 95 % intervals; in brackets how many phrases.</p>"
        f'<div class="groups">{groups}</div>'
    )


def _group(name: str, groups: list[dict[str, Any]], protocol: str) -> str:
    rows = [
        [g["name"], f"{g['samples']:,}", *[percent(g[s]["value"]) for s in NAMES], with_interval(g["mIoU"])]
        for g in groups
    ]
    shown = [
        plots.Bar(g["name"], g["mIoU"]["value"], g["mIoU"]["low"], g["mIoU"]["high"], f"{g['samples']:,}")
        for g in groups
    ]
    return (
        f"<div><h3>By {escape(name)}</h3>"
        + plots.bars(shown, label=f"mIoU by {name}, {protocol}")
        + "<details><summary>All scores</summary>"
        + rows_html([name, "samples", *NAMES, "mIoU, 95 %"], rows)
        + "</details></div>"
    )


def _presence(metrics: dict[str, Any]) -> str:
    p = metrics["presence"]
    if not p["without_target"]:
        return (
            '<h2>Is it here?</h2><p class="faint">Every phrase of this split has a target, so nothing here says whether '
            "the method would notice that one is missing.</p>"
        )
    rows = [[name, f"{a['samples']:,}", with_interval(a)] for name, a in p["accuracy"].items()]
    rows += [[name, f"{p['with_target'] + p['without_target']:,}", percent(v)] for name, v in p["generalized"].items()]
    out = (
        f'<h2>Is it here?</h2><p class="faint">An empty mask, or a score below {p["min_score"]:g}, says "not here". '
        "N-acc: phrases without a target that were told so; T-acc: phrases with a target that were not. gIoU and cIoU "
        "count the mask as empty where the answer is &ldquo;not here&rdquo;.</p>"
        + rows_html(["", "phrases", "%, 95 %"], rows)
        + "<details><summary>By phrase kind</summary>"
        + rows_html(["phrase kind", "T-acc", "of", "N-acc", "of", "N-acc, hard", "of"], presence_rows(p["by_kind"]))
        + '</details><div class="side">'
    )
    if p["sweep"]:
        lines = {k: [(row["min_score"], row[k]) for row in p["sweep"]["rows"]] for k in ("N-acc", "T-acc")}
        out += plots.curves(lines, x_label="--min-score", y_label="share right", mark=p["min_score"])
    if p["reliability"]:
        r = p["reliability"]
        points = {"there": [(b["presence"], b["there"]) for b in r["bins"]]}
        out += "<div>" + plots.curves(
            points, x_label="presence", y_label="share really there", diagonal=True, dots=True
        ) + (
            f'<div class="faint">Calibration error {r["calibration_error"]:.3f}; {percent(r["share_there"])} % of these '
            "phrases have a target.</div></div>"
        )  # fmt: skip
    return out + "</div>"


def _control(metrics: dict[str, Any]) -> str:
    wrong = metrics["wrong_image"]
    if not wrong:
        return ""
    rows = [
        [label, *[with_interval(wrong[key][s]) for s in ("oIoU", "mIoU", "Pr@0.5")]]
        for label, key in (("right image", "right_image"), ("wrong image", "wrong_image"))
    ]
    refused = [[name, f"{c['samples']:,}", with_interval(c)] for name, c in wrong["refused"].items()]
    return (
        '<h2>Does it look?</h2><p class="faint">Each phrase was asked of another image too. What is left of a score then '
        "did not come from looking.</p>"
        + rows_html(["", "oIoU", "mIoU", "Pr@0.5"], rows)
        + (rows_html(["wrong image refused", "phrases", "%, 95 %"], refused) if refused else "")
    )


def _pairs(metrics: dict[str, Any]) -> str:
    pairs = metrics["pairs"]
    if not pairs:
        return ""
    head = ["", "pairs", "both right, 95 %", "at least one"]

    def lines(groups: Sequence[dict[str, Any]]) -> list[list[str]]:
        return [[g["name"], f"{g['pairs']:,}", with_interval(g["both"]), percent(g["either"]["value"])] for g in groups]

    return (
        '<h2>One word apart</h2><p class="faint">Two phrases about one image that differ in one word and mean different '
        "things; right is IoU &ge; 0.5 for both.</p><div class='side'>"
        + rows_html(["the word is about", *head[1:]], lines([pairs["all"], *pairs["about"]]))
        + rows_html(["the commonest words", *head[1:]], lines(pairs["words"]))
        + "</div>"
    )


def _robustness(metrics: dict[str, Any]) -> str:
    rows = [row for row in metrics["robustness"] if "mIoU" in row]
    if not rows:
        return ""
    lines = [
        [
            row["name"],
            f"{row['with_target']:,}",
            percent(row["mIoU"]["before"]),
            percent(row["mIoU"]["after"]),
            change_with_interval(row["mIoU"]),
            percent(row["Pr@0.5"]["before"]),
            percent(row["Pr@0.5"]["after"]),
            percent(row.get("T-acc")),
            percent(row.get("N-acc")),
        ]
        for row in rows
    ]
    return (
        '<h2>Under changes of the image</h2><p class="faint">The same phrases, before and after; differences with paired '
        "95 % intervals, starred where they leave out 0. "
        "Turns turn the phrase too; zooms show a window in which the phrase still means the same.</p>"
        + rows_html(
            ["change", "phrases", "mIoU before", "after", "difference", "Pr@0.5 before", "after", "T-acc", "N-acc"],
            lines,
        )
    )


def _oracles(metrics: dict[str, Any]) -> str:
    if not metrics["oracles"]:
        return ""
    mean = metrics["scores"][metrics["main_protocol"]]["mIoU"]["value"]
    rows = [["as it is (mIoU)", f"{metrics['counts']['with a target']:,}", percent(mean)]]
    rows += [[name, f"{cell['samples']:,}", percent(cell["mean"])] for name, cell in metrics["oracles"].items()]
    return (
        '<h2>Where quality is lost</h2><p class="faint">Means over phrases with a target, at native size, with the truth '
        "helping at one step. <i>best threshold</i>: the cut between mask and ground chosen for each phrase; <i>mask "
        "resolution</i>: the truth itself drawn on the model's grid. Others are the model's own.</p>"
        + rows_html(["with the truth's help", "phrases", "mean"], rows)
    )


def _gallery(records: Sequence[Record], samples: Sequence[Sample], metrics: dict[str, Any]) -> str:
    first = metrics["main_protocol"]
    out = (
        '<h2>Pictures</h2><p><span class="truth">&#9632;</span> outline: truth &nbsp; '
        '<span class="guess">&#9632;</span> tint: mask</p>'
    )
    for title, places in gallery.choose(records, first, metrics["presence"]["min_score"]).items():
        if not places:
            continue
        figures = []
        for place in places:
            record = records[place]
            picture = gallery.draw(samples[place], record)
            said = [f"IoU {record.answer.iou(first):.2f}"] if record.has_target else ["no target"]
            if record.answer.score is not None:
                said.append(f"score {record.answer.score:.2f}")
            figures.append(
                f'<figure><img src="{picture}" alt="{escape(record.phrase, quote=True)}">'
                f'<figcaption>{escape(record.phrase)}<br><span class="faint">{", ".join(said)} &middot; '
                f"{escape(record.id)} &middot; {escape(record.kind)}</span></figcaption></figure>"
            )
        out += f'<h3>{escape(title.capitalize())}</h3><div class="gallery">{"".join(figures)}</div>'
    return out
