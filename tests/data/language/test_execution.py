"""Programs on layouts: margins, ranks, relations, crops, and the benchmark's rules on hand-made and real layouts."""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_strategies import layouts, programs

from rs2sam2.data.language import resolve as module
from rs2sam2.data.language.evaluate import evaluate, execute, recrop
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import canonical, covers, plural
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.program import Program
from rs2sam2.data.language.resolve import resolve

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "data" / "layouts" / "rrsisd_layouts.jsonl.gz"


def scene(*objects: tuple[str, float, float, float, float], **facts: object) -> Layout:
    """A 100 x 100 layout of objects (class, x1, y1, x2, y2) that fill their boxes."""
    return Layout(
        100,
        100,
        tuple(SceneObject(c, (x1, y1, x2, y2), (x2 - x1) * (y2 - y1), **facts) for c, x1, y1, x2, y2 in objects),
    )


THREE_SHIPS = scene(
    ("ship", 5, 45, 15, 55), ("ship", 45, 5, 55, 15), ("ship", 85, 65, 95, 75), ("harbor", 60, 40, 80, 60)
)


@pytest.mark.parametrize(
    ("phrase", "selected"),
    [
        ("the ship on the left", {0}),
        ("the ship at the top", {1}),
        ("the ship in the lower right", {2}),
        ("the ship in the middle", set()),
        ("all ships", {0, 1, 2}),
        ("the three ships", {0, 1, 2}),
        ("the two ships", set()),
        ("the leftmost ship", {0}),
        ("the second ship from the left", {1}),
        ("the third ship from the top", {2}),
        ("the fourth ship from the top", set()),
        ("the ship to the left of the harbor", {0}),
        ("the ship to the lower right of the harbor", {2}),
        ("the ship closest to the harbor", {2}),
        ("the harbor", {3}),
        ("the harbor to the right of the leftmost ship", {3}),
        ("the airplane", set()),
        ("the ship next to the airplane", set()),
        ("the harbor larger than the topmost ship", {3}),
        ("the two leftmost ships", {0, 1}),
        ("both ships furthest to the right", {1, 2}),
        ("the two first ships from the top", {0, 1}),
        ("the four leftmost ships", set()),
        ("the two largest ships", None),
    ],
)
def test_execute(phrase: str, selected: set[int] | None) -> None:
    assert execute(parse(phrase), THREE_SHIPS) == selected


ROW = scene(*(("storage tank", x, 40, x + 6, 46) for x in (70, 10, 40, 24)), ("ship", 2, 40, 8, 46))


@pytest.mark.parametrize(
    ("phrase", "meant"),
    [
        ("the two leftmost tanks", {1, 3}),
        ("the three tanks closest to the ship", {1, 2, 3}),
        ("the three tanks closest to the top left corner", {1, 2, 3}),
        ("the tank closest to the ship", {1}),
        ("the second tank from left to right", {3}),
    ],
)
def test_a_number_that_is_ranked_means_the_first_so_many(phrase: str, meant: set[int]) -> None:
    assert execute(parse(phrase), ROW) == resolve(parse(phrase), ROW) == meant


BRIDGES = scene(
    ("bridge", 10, 10, 60, 40), ("bridge", 10, 70, 60, 95), ("car", 15, 15, 20, 20), ("car", 40, 20, 45, 25),
    ("car", 80, 50, 85, 55), ("water", 0, 0, 8, 100), ("water", 90, 0, 100, 100), ("ship", 91, 50, 94, 55),
    ("ship", 91, 80, 94, 85), ("tree", 63, 20, 68, 25), ("tree", 92, 40, 96, 44), ("tree", 92, 90, 96, 94),
)  # fmt: skip


@pytest.mark.parametrize(
    ("phrase", "strictly", "charitably"),
    [
        ("the bridge with cars", {0}, {0}),
        ("the bridge with the cars", set(), {0}),
        ("the bridge with all cars", set(), {0}),
        ("the bridge next to trees", {0}, {0}),
        ("all ships on the water", {7, 8}, {7, 8}),
        ("all ships on all the water", set(), {7, 8}),
        ("the bridge with airplanes", set(), {0, 1}),
    ],
)
def test_some_anchor_is_enough_where_nobody_says_all(phrase: str, strictly: set[int], charitably: set[int]) -> None:
    assert execute(parse(phrase), BRIDGES) == strictly
    assert resolve(parse(phrase), BRIDGES) == charitably


def test_some_anchor_must_be_there_for_certain() -> None:
    """Half a car, at the edge of a crop, may be one."""
    objects = [replace(o, visible=0.4) if o.category == "car" else o for o in BRIDGES.objects]
    extension = evaluate(parse("the bridge with cars"), replace(BRIDGES, objects=tuple(objects)))
    assert (extension.certain, extension.possible) == (set(), {0})


def test_size_is_judged_among_what_the_noun_means() -> None:
    kinds = [("car", 2, 2), ("car", 2, 2.5), ("car", 3, 4), ("truck", 9, 10), ("truck", 15, 17)]
    layout = scene(*((kind, 20 * i, 0, 20 * i + w, h) for i, (kind, w, h) in enumerate(kinds)))
    assert execute(parse("the large vehicles"), layout) == resolve(parse("the large vehicles"), layout) == {3, 4}
    assert execute(parse("the small vehicles"), layout) == {0, 1, 2}
    assert execute(parse("the large truck"), layout) == {4}


@pytest.mark.parametrize("x", [40, 41, 43])
def test_not_quite_on_the_left_is_borderline(x: float) -> None:
    layout = scene(("ship", x - 5, 45, x + 5, 55))
    assert execute(parse("the ship on the left"), layout) is None


def test_nearly_equal_places_and_sizes_are_not_ranked() -> None:
    layout = scene(("ship", 10, 10, 20, 20), ("ship", 12, 60, 23, 71), ("ship", 80, 30, 90, 40))
    assert execute(parse("the leftmost ship"), layout) is None
    assert execute(parse("the largest ship"), layout) is None
    assert execute(parse("the rightmost ship"), layout) == {2}


def test_unknown_colours_are_borderline_known_ones_are_not() -> None:
    assert execute(parse("the white ship"), scene(("ship", 1, 1, 9, 9))) is None
    assert execute(parse("the white ship"), scene(("ship", 1, 1, 9, 9), colors={"white": 0.8})) == {0}
    assert execute(parse("the white ship"), scene(("ship", 1, 1, 9, 9), colors={"red": 0.8})) == set()


@given(program=programs(), layout=layouts())
def test_what_is_certain_is_possible(program: Program, layout: Layout) -> None:
    extension = evaluate(program, layout)
    assert extension.certain <= extension.possible <= set(layout.candidates(program.select.category))


@given(layout=layouts())
def test_layout_survives_json(layout: Layout) -> None:
    again = Layout.from_dict(json.loads(json.dumps(layout.to_dict())))
    assert [o.category for o in again.objects] == [o.category for o in layout.objects]
    assert [o.box for o in again.objects] == [pytest.approx(o.box) for o in layout.objects]


@given(program=programs(), layout=layouts())
def test_a_crop_of_everything_changes_nothing(program: Program, layout: Layout) -> None:
    assert recrop(program, layout, None, (0, 0, layout.width, layout.height)) == execute(program, layout)


def test_crop_moves_the_target_with_the_phrase() -> None:
    left, whole = parse("the ship on the left"), (0.0, 0.0, 100.0, 100.0)
    assert recrop(left, THREE_SHIPS, None, whole) == {0}
    assert recrop(left, THREE_SHIPS, None, (40, 0, 100, 100)) == {1}
    assert recrop(parse("the leftmost ship"), THREE_SHIPS, None, (11, 0, 100, 100)) is None  # 40 % of it is left
    assert recrop(parse("the two ships"), THREE_SHIPS, None, (40, 0, 100, 100)) == {1, 2}


@given(st.data())
def test_resolve_finds_the_only_one_whatever_is_said_of_it(data: st.DataObject) -> None:
    program = data.draw(programs("rrsisd"))
    layout = Layout(100, 100, (SceneObject(program.select.category, (40, 40, 50, 50), 100.0),))
    assert resolve(program, layout) == {0}


def test_resolve_reads_charitably() -> None:
    tanks = scene(("storagetank", 10, 10, 40, 40), ("storagetank", 60, 10, 80, 30), ("vehicle", 1, 1, 3, 3))
    assert resolve(parse("The small storage tank", "rrsisd"), tanks) == {1}
    assert resolve(parse("A storage tank on the right", "rrsisd"), tanks) == {1}
    assert resolve(parse("The red storage tank", "rrsisd"), tanks) == {0, 1}
    assert resolve(parse("A storage tank is similar in size to the vehicle", "rrsisd"), tanks) == {1}
    assert resolve(parse("The airplane", "rrsisd"), tanks) == set()


def test_a_chain_of_anchors_is_resolved_link_by_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile phrase must not take exponential time."""
    original, calls = module._resolve, []
    monkeypatch.setattr(module, "_resolve", lambda *a: (calls.append(a), original(*a))[1])
    resolve(parse("the ship " + "left of the ship " * 20), THREE_SHIPS)
    assert len(calls) == 21


@pytest.mark.parametrize(
    ("filed", "name"),
    [
        ("Expressway-Service-area", "expressway service area"),
        ("baseballfield", "baseball field"),
        ("baseball diamond", "baseball field"),
        ("minibus / van", "van"),
        ("plants (trees, bushes)", "vegetation"),
        ("Solar_Panel", "solar panel"),
    ],
)
def test_class_names(filed: str, name: str) -> None:
    assert canonical(filed) == name


def test_general_nouns_cover_their_kinds() -> None:
    assert covers("vehicle", ["car", "truck", "ship"]) == {"car", "truck"}
    assert covers("car", ["vehicle"]) == {"vehicle"}
    assert covers("car", ["car", "vehicle"]) == {"car"}
    assert [plural(n) for n in ("bus", "bench", "city", "quay", "aircraft")] == [
        "buses",
        "benches",
        "cities",
        "quays",
        "aircraft",
    ]


@pytest.mark.skipif(not REAL.is_file(), reason="the real layouts are not here")
def test_every_tenth_real_phrase_is_understood() -> None:
    spec = importlib.util.spec_from_file_location("benchmark_language", ROOT / "benchmarks" / "language.py")
    assert spec is not None and spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    with gzip.open(REAL, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for i, line in enumerate(lines) if i % 10 == 0]
    counts = benchmark.measure(records)
    recorded = counts["recorded"].total()
    assert counts["parsed"].total() >= 0.995 * len(records)
    assert counts["recorded: found"].total() >= 0.99 * recorded
    assert counts["turned: found"].total() >= 0.99 * 7 * recorded
    assert "turned: disagree" not in counts
    assert counts["no record: one"].total() >= 0.75 * (len(records) - recorded)
