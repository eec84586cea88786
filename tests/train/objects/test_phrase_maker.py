from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import repeat
from random import Random

from toy_objects import toy_source

from rs2sam2.data.language.evaluate import execute
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.program import Program, Selection
from rs2sam2.train.objects.phrases import Asked, PhraseBank, PhraseMaker, fill_bank, said_freely
from rs2sam2.train.objects.views import draw_view


def toy_bank(random: Random) -> PhraseBank:
    return fill_bank((draw_view(toy_source(), random, 32, 0.4) for _ in repeat(None)), random, 200, 8)


def test_phrases_are_true_of_the_view() -> None:
    random = Random(1)
    maker, checked, absent = PhraseMaker(random, toy_bank(random)), 0, 0
    for _ in range(60):
        view = draw_view(toy_source(), random, 64, 0.4)
        for asked in maker.about(view, 8):
            if any(word in asked.phrase.lower() for word in ("thing", "object", "structure", "target")):
                continue
            program = parse(asked.phrase, "rrsisd" if asked.phrase[0].isupper() else "english")
            found = execute(program, view.layout)
            if found is None:
                continue  # the other rules find it borderline
            absent += not asked.targets
            checked += 1
            assert found == frozenset(asked.targets), asked
    assert checked > 100 and absent > 10


def test_unknown_classes_are_never_denied() -> None:
    random = Random(0)
    maker = PhraseMaker(random, toy_bank(random))
    source = replace(toy_source(), known=frozenset({"ship"}))
    asked = [a for _ in range(30) for a in maker.about(source, 8)]
    assert not [a for a in asked if not a.targets and "tank" in a.phrase]


def test_what_is_said_depends_on_numbers_bank_and_scene_alone() -> None:
    bank, source = toy_bank(Random(0)), toy_source()
    maker = PhraseMaker(Random(5), bank)
    first, second = maker.about(source, 8), maker.about(source, 8)
    assert PhraseMaker(Random(5), bank).about(source, 8) == first != second


def test_a_bank_counts_kinds_and_prefers_rare_ones() -> None:
    random = Random(0)
    bank = toy_bank(random)
    assert len(bank.phrases) == 200 and sum(bank.kinds.values()) >= 200
    assert all(a.program is not None for a in bank.phrases)
    common = max(bank.kinds, key=lambda kind: bank.kinds[kind])
    lopsided = PhraseBank((), {kind: 10**9 for kind in bank.kinds if kind != common})
    count = Counter(a.kind for _ in range(20) for a in PhraseMaker(random, lopsided).about(toy_source(), 4))
    assert max(count, key=lambda kind: count[kind]) == common


def test_shares_of_what_is_not_there() -> None:
    random = Random(0)
    bank, source = toy_bank(random), toy_source()
    for share in (0.25, 0.5):
        maker = PhraseMaker(random, bank, no_target=share, hard=1.0)
        asked = [a for _ in range(40) for a in maker.about(source, 8)]
        absent = [a for a in asked if not a.targets]
        assert abs(len(absent) / len(asked) - share) < 0.1
        assert sum(a.hard for a in absent) / len(absent) > 0.9


def test_classes_that_are_not_there_are_denied_alike() -> None:
    """However rarely the bank speaks of them."""

    def said(category: str) -> Asked:
        return Asked(f"the {category}", (0,), 0, "category", Program(Selection(category, "one")))

    bank = PhraseBank((*[said("ship")] * 97, said("dam"), said("windmill"), said("bridge")))
    scene = replace(toy_source(), layout=Layout(64, 64), pieces=(), known=frozenset({"ship", "dam", "windmill"}))
    maker = PhraseMaker(Random(0), bank)
    count = Counter(a.phrase for _ in range(100) for a in maker.about(scene, 3))
    assert set(count) == {"the ship", "the dam", "the windmill"} and min(count.values()) > 20


def test_a_share_is_said_freely_and_means_the_same() -> None:
    asked = [Asked("the ship on the left", (n,), 0, "position") for n in range(200)]
    assert said_freely(asked, 0.0, Random(0)) == asked
    said = said_freely(asked, 0.5, Random(0))
    assert [replace(a, phrase="") for a in said] == [replace(a, phrase="") for a in asked]
    assert 60 < sum(a.phrase != "the ship on the left" for a in said) < 120
