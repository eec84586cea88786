"""Orders, numbers and colours in the words that models learn."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_strategies import programs

from rs2sam2.data.language.orders import as_taught
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.plain import plain
from rs2sam2.data.language.tokens import words
from rs2sam2.data.language.wording import phrase_for

SAID = {
    # from a side
    "the first ship from the left": "the leftmost ship",
    "the 1st boat counting from the right": "the rightmost boat",
    "the first ship from the top": "the topmost ship",
    "first storage tank from the bottom": "bottommost storage tank",
    "the first two ships from the left": "the two leftmost ships",
    "the two first oil tanks from the right": "the two rightmost storage tanks",
    "the first two aircraft from the left": "the two leftmost aircraft",
    "the first tank from left to right": "the leftmost tank",
    "the first ship from the left edge of the image": "the leftmost ship",
    "the first ship from the left to the right of the harbor": "the leftmost ship to the right of the harbor",
    "the first large white ship from the left on the water": "the leftmost large white ship on the water",
    "the first jet from above": "the topmost airplane",
    "the last ship from the left": "the rightmost ship",
    "the last two ships from the top": "the two bottommost ships",
    "the 2nd ship from the left": "the second ship from the left",
    "the 10th ship from the left": "the tenth ship from the left",
    "the ship number 3 from the right": "the third ship from the right",
    "a large ship, no. 2 from the top": "the second large ship from the top",
    "ship number one from the left": "the leftmost ship",
    # of several
    "the leftmost of the ships": "the leftmost ship",
    "the largest one of the three oil tanks": "the largest storage tank",
    "the biggest of all ships": "the biggest ship",
    "the two leftmost of the ships": "the two leftmost ships",
    "the 2nd largest of the ships": "the second largest ship",
    "the second of the ships from the left": "the second ship from the left",
    "the first of the ships from the left": "the leftmost ship",
    "the rightmost ship among the ships": "the rightmost ship",
    "the largest ship among all the white ships in the harbor": "the largest white ship in the harbor",
    "the largest ship of all": "the largest ship",
    "the first largest ship": "the largest ship",
    "the smaller ship": "the smallest ship",
    "the bigger of the two ships": "the biggest ship",
    "the larger one of the two ships": "the largest ship",
    "the ships in the larger harbor": "the ships in the largest harbor",
    "the left one of the two ships": "the leftmost ship",
    "the upper ship of the two": "the topmost ship",
    "each ship on the left": "every ship on the left",
    "two ships next to each bridge": "two ships next to every bridge",
    "the only ship on the left": "the ship on the left",
    # colours
    "the car with white color": "the white car",
    "the car in white": "the white car",
    "the large car that is white": "the large white car",
    "the white-coloured car": "the white car",
    "a car in orange": "an orange car",
    "an airplane of grey colour": "a gray airplane",
    "the two cars in red and white on the left": "the two red and white cars on the left",
}

KEPT = [
    "the first ship", "the first row of ships", "the first row of ships from the left", "the last ship",
    "the first ships from the left",  # how many?
    "the first tent from the left",  # no class
    "the first ship from the left of the harbor", "the first ship from the left bank", "the first ship from the upper left",
    "the second ship from the left", "the ship number eleven from the left", "the ship number 11 from the left",
    "one of the ships on the left", "the largest ship of the harbor", "the smaller ships", "a smaller ship",
    "the ship that is smaller than the bridge", "the smaller ship than the bridge",
    "the ship to the left of the two ships", "the left ship", "two ships across from each other",
    "each of the ships", "each and every ship",  # are heard well
    "the ship above the harbor in white",  # which of them?
    "the car in white water", "the red car in white", "the car with white stripes",
]  # fmt: skip


@pytest.mark.parametrize("phrase", SAID)
def test_what_is_said_as_it_was_taught(phrase: str) -> None:
    assert plain(phrase) == SAID[phrase]
    assert plain(SAID[phrase]) == SAID[phrase]
    parse(SAID[phrase])


@pytest.mark.parametrize("phrase", KEPT)
def test_what_may_mean_something_else_stays(phrase: str) -> None:
    assert plain(phrase) == phrase


@pytest.mark.parametrize(
    "phrase",
    [
        "the first {} from the {}", "the {} number 2 from the {}", "the 3rd large {} from the {}",
        "the first white {} counting from the {} to the right of the bridge",
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_what_the_parser_reads_means_the_same(phrase: str, side: str) -> None:
    said = phrase.format("ship", side)
    assert parse(plain(said)) == parse(said)


def test_classes_of_a_model_are_ranked_too() -> None:
    said = "the first two solar panels from the left"
    assert plain(said) == said and plain(said, ("solar panel",)) == "the two leftmost solar panels"
    assert plain("the largest of the solar panels", ("solar panels",)) == "the largest solar panel"


@pytest.mark.parametrize("rules", ["english", "rrsisd"])
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_what_was_taught_stays(rules: str, data: st.DataObject, seed: int) -> None:
    said = phrase_for(data.draw(programs(rules, long=True)), Random(seed)).split()
    assert as_taught(said) == said


WORDS = words(
    "the a first last second 2nd only each of among from counting left right top bottom one two three number "
    "largest smaller leftmost ship ships harbor aircraft white with in color that is to image on please there"
)


@given(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join))
def test_what_was_changed_stays(phrase: str) -> None:
    once = as_taught(phrase.split())
    assert as_taught(once) == once
