"""How much of RRSIS-D's real language is understood, on layouts of real phrases (class and box of every object).

    python benchmarks/language.py layouts/rrsisd_layouts.jsonl.gz

One JSON object a line: phrase, category, target_box_xyxy (or null), all_objects [[class, [x1, y1, x2, y2]], ...] in an
image of 800 x 800. Measures, by kind of phrase: parsed; the recorded target found by `resolve` (a charitable reading)
and by `execute` at the bare thresholds (a strict one, colours and shapes looked past); the same after every flip and
quarter turn of layout and phrase; and how many phrases without a recorded target lead to exactly one object.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

from rs2sam2.data.language.evaluate import evaluate
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.parser import PhraseError, parse
from rs2sam2.data.language.program import Color, Program, Relation, Shape, kind
from rs2sam2.data.language.resolve import resolve
from rs2sam2.data.language.rulebook import rules_for
from rs2sam2.data.language.symmetry import SYMMETRIES
from rs2sam2.data.language.transform import rewrite_phrase, rewrite_program

SIDE = 800


def layout_of(record: dict[str, Any]) -> Layout:
    """The layout of a record; an object's area is its box's."""
    objects = [SceneObject(c, (x1, y1, x2, y2), (x2 - x1) * (y2 - y1)) for c, (x1, y1, x2, y2) in record["all_objects"]]
    return Layout(SIDE, SIDE, tuple(objects))


def is_target(found: frozenset[int] | set[int], record: dict[str, Any], layout: Layout) -> bool:
    """Whether exactly one object was found and it has the recorded box (a box annotated twice counts once)."""
    return len(found) == 1 and list(layout.objects[next(iter(found))].box) == record["target_box_xyxy"]


def measure(records: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """Counts by name, then by kind of phrase."""
    counts: dict[str, Counter[str]] = {}
    bare = rules_for("rrsisd", margin=False)

    def add(name: str, of: str) -> None:
        counts.setdefault(name, Counter())[of] += 1

    for record in records:
        try:
            program = parse(record["phrase"], "rrsisd")
        except PhraseError:
            add("not parsed", "-")
            continue
        of, layout = kind(program.select), layout_of(record)
        add("parsed", of)
        found = resolve(program, layout)
        if record["target_box_xyxy"] is None:
            sure = evaluate(Program(program.select.without(Color, Shape), program.rules), layout, bare)
            add(f"no record: {('none', 'one', 'several')[min(len(found), 2)]}", of)
            if len(found) == 1 and sure.settled and sure.certain == found:
                add("no record: one, by the rules alone", of)
            elif len(found) == 1:
                nearest = any(isinstance(c, Relation) for c in program.select.where)
                add("no record: one, by " + ("rules, then nearness" if nearest else "the word that orders"), of)
            continue
        add("recorded", of)
        if is_target(found, record, layout):
            add("recorded: found", of)
        strict = evaluate(Program(program.select.without(Color, Shape), program.rules), layout, bare)
        if strict.settled and is_target(strict.certain, record, layout):
            add("recorded: found strictly", of)
        for symmetry in SYMMETRIES[1:]:
            phrase = rewrite_phrase(record["phrase"], symmetry, "rrsisd")
            if phrase is None:
                add("turned: refused", symmetry)
                continue
            again = parse(phrase, "rrsisd")
            add(
                "turned: phrase and program agree"
                if again == rewrite_program(program, symmetry)
                else "turned: disagree",
                symmetry,
            )
            # indices survive turning, so the target is looked up in the upright layout
            kept = is_target(resolve(again, layout.turned(symmetry)), record, layout)
            add("turned: found" if kept else "turned: lost", symmetry)
    return counts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layouts", type=Path)
    path = parser.parse_args().layouts
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    counts = measure(records)
    for name, by in counts.items():
        print(f"{name:45s} {by.total():7d}   " + ", ".join(f"{of} {n}" for of, n in sorted(by.items())))
    total = len(records)
    recorded, found, strictly = (counts[f"recorded{x}"].total() for x in ("", ": found", ": found strictly"))
    open_ones = sum(counts.get(f"no record: {n}", Counter()).total() for n in ("none", "one", "several"))
    print(f"\nparsed {100 * counts['parsed'].total() / total:.2f} % of {total}")
    print(
        f"recorded target found {100 * found / recorded:.2f} % of {recorded}; strictly {100 * strictly / recorded:.2f} %"
    )
    turned = counts["turned: found"].total()
    print(f"still found after each of 7 flips and turns {100 * turned / (7 * recorded):.2f} % of {7 * recorded}")
    print(
        f"exactly one object for {100 * counts['no record: one'].total() / open_ones:.1f} % of {open_ones} without a recorded target"
    )


if __name__ == "__main__":
    main()
