from __future__ import annotations

import pytest
import torch
from toy_objects import TOY

from rs2sam2.objects.candidates import Candidates
from rs2sam2.objects.reader import Reading
from rs2sam2.objects.symbolic import NEUTRAL, WEIGHT, Layouts, second_opinion

SHIP, TANK = TOY.things.index("ship"), TOY.things.index("storage tank")
ROW = ((SHIP, 0.1, 0.9), (SHIP, 0.4, 0.9), (SHIP, 0.7, 0.35), (TANK, 0.9, 0.9))
"""Class, left side and score of candidates in a row, 0.08 wide."""


def candidates(row: tuple[tuple[int, float, float], ...]) -> Candidates:
    boxes = torch.tensor([[[x, 0.5, x + 0.08, 0.6] for _, x, _ in row]])
    classes = torch.nn.functional.one_hot(torch.tensor([[kind for kind, _, _ in row]]), len(TOY.classes)).float()
    score = torch.tensor([[s for _, _, s in row]])
    return Candidates(boxes, classes, score, torch.zeros_like(score, dtype=torch.bool))


def votes(phrase: str, row: tuple[tuple[int, float, float], ...] = ROW) -> list[float]:
    opinion = Layouts.of(candidates(row), TOY.things, 200, 100).opinion(phrase)
    assert opinion is not None
    return opinion.votes.tolist()


def test_no_candidate_is_taken_for_what_was_not_taught() -> None:
    unsure = candidates(ROW)
    unsure.classes[..., TANK] += 2  # a class that no picture ever showed scores as it likes
    layouts = Layouts.of(unsure, TOY.things, 200, 100, untaught=("storage tank",))
    assert all(o.category != "storage tank" for layout in layouts.layouts for o in layout.objects)
    opinion = layouts.opinion("the leftmost ship")
    assert opinion is not None and opinion.votes.tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("the leftmost ship", [1, 0, 0, 0]),
        ("the second ship from the left", [0, 1, 0, 0]),
        ("the rightmost ship", [0, 0.5, 0.5, 0]),  # the third is believed at two levels of four
        ("the storage tank", [0, 0, 0, 1]),
        ("the ship closest to the storage tank", [0, 0.5, 0.5, 0]),
    ],
)
def test_each_layout_has_a_vote(phrase: str, expected: list[float]) -> None:
    assert votes(phrase) == expected


@pytest.mark.parametrize("phrase", ["all ships", "the two ships", "the airplane"])
def test_no_vote(phrase: str) -> None:
    assert votes(phrase) == [0] * len(ROW)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("the two leftmost ships", [1, 1, 0, 0]),
        ("the two ships closest to the storage tank", [0.5, 1, 0.5, 0]),  # the third is believed at two levels of four
        ("the two ships", None),
        ("the leftmost ship", None),
        ("the two ships closest to the airplane", None),  # there is none
        ("the two leftmost white ships", None),  # a layout knows no colours
        ("the two leftmost airplanes", None),
    ],
)
def test_what_is_counted_off(phrase: str, expected: list[float] | None) -> None:
    opinion = Layouts.of(candidates(ROW), TOY.things, 200, 100).opinion(phrase)
    assert opinion is not None
    assert (None if opinion.ranked is None else opinion.ranked.tolist()) == expected


@pytest.mark.parametrize("phrase", ["what nobody can parse", "the road", "the ship on the water", "the swan"])
def test_no_opinion(phrase: str) -> None:
    assert Layouts.of(candidates(ROW), TOY.things, 200, 100).opinion(phrase) is None


@pytest.mark.parametrize(
    ("phrase", "possible"),
    [
        ("the ship", 1),
        ("the three ships", 0.5),
        ("the airplane", 0),
        ("the ship to the left of the storage tank", 1),
        ("the storage tank to the left of the ship", 0),
    ],
)
def test_what_may_be_true(phrase: str, possible: float) -> None:
    opinion = Layouts.of(candidates(ROW), TOY.things, 200, 100).opinion(phrase)
    assert opinion is not None and opinion.possible == possible


def test_layouts_that_lack_the_class_do_not_count() -> None:
    doubtful = ((SHIP, 0.1, 0.25), (SHIP, 0.4, 0.25), (SHIP, 0.7, 0.25), (TANK, 0.9, 0.9))
    opinion = Layouts.of(candidates(doubtful), TOY.things, 200, 100).opinion("the two leftmost ships")
    assert opinion is not None and opinion.ranked is not None and opinion.ranked.tolist() == [1, 1, 0, 0]


def test_opinions_are_added_to_the_reading() -> None:
    phrases = ["the leftmost ship", "the storage tank to the left of the ship", "the road"]
    form = torch.tensor([[9.0, 0.0, -9.0], [9.0, 0.0, -9.0], [-9.0, -9.0, 9.0]])
    reading = Reading(
        torch.zeros(3, 4), torch.zeros(3, 4), form, torch.zeros(3), torch.zeros(3, 4, 2), torch.zeros(3, 2)
    )
    layouts = Layouts.of(candidates(ROW), TOY.things, 200, 100)
    after = second_opinion(reading, [layouts], phrases, torch.zeros(3, dtype=torch.int64))
    assert after.choice.tolist() == [[WEIGHT, 0, 0, 0], [0, 0, 0, WEIGHT], [0, 0, 0, 0]]
    expected = [WEIGHT * (1 - NEUTRAL), -WEIGHT * NEUTRAL, 0]
    assert after.presence.tolist() == pytest.approx(expected, abs=1e-5)
    assert reading.choice.abs().sum() == 0  # the reader's own stays as it was
    assert after.membership.abs().sum() == 0
    counted = second_opinion(
        reading, [layouts], ["the two leftmost ships", *phrases[1:]], torch.zeros(3, dtype=torch.int64)
    )
    assert (counted.membership > 0).tolist() == [[True, True, False, False], [False] * 4, [False] * 4]


def test_a_duplicate_is_voted_for_and_not_counted() -> None:
    twice = ((SHIP, 0.1, 0.9), (SHIP, 0.11, 0.8), (SHIP, 0.5, 0.9))
    assert votes("the second ship from the left", twice) == [0, 0, 1]
    assert votes("the first ship from the left", twice) == [1, 1, 0]


def test_padding_is_not_there() -> None:
    padded = candidates(ROW)
    padded.padding[0, 0] = True
    opinion = Layouts.of(padded, TOY.things, 200, 100).opinion("the leftmost ship")
    assert opinion is not None and opinion.votes.tolist() == [0, 1, 0, 0]
