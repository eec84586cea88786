"""Other words and back: what people type means what was meant."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_strategies import programs

from rs2sam2.data.language.freely import CHATTER, FRAMES, LONGEST, freely, with_chatter
from rs2sam2.data.language.known import TELLING
from rs2sam2.data.language.lexicon import NOUNS
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.plain import plain
from rs2sam2.data.language.wording import phrase_for


@pytest.mark.parametrize("rules", ["english", "rrsisd"])
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_plain_words_stay_as_they_are(rules: str, data: st.DataObject, seed: int) -> None:
    phrase = phrase_for(data.draw(programs(rules)), Random(seed))
    assert plain(phrase) == phrase


@pytest.mark.parametrize("rules", ["english", "rrsisd"])
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_what_is_said_freely_means_the_same_in_plain_words(rules: str, data: st.DataObject, seed: int) -> None:
    program = data.draw(programs(rules))
    said = freely(phrase_for(program, Random(seed)), Random(seed + 1))
    assert len(said) <= LONGEST
    assert parse(plain(said), program.rules) == program


def test_the_same_state_says_the_same_and_most_phrases_change() -> None:
    phrases = [f"the {size} ship on the {side}" for size in ("large", "small") for side in ("left", "right")] * 5
    said = [freely(phrase, Random(i)) for i, phrase in enumerate(phrases)]
    assert said == [freely(phrase, Random(i)) for i, phrase in enumerate(phrases)]
    assert sum(a != b for a, b in zip(said, phrases, strict=True)) > len(phrases) / 2
    assert not any("{" in phrase for phrase in said)


def test_a_phrase_that_would_grow_too_long_stays() -> None:
    long = f"the ship {'next to the ship ' * 7}on the left"
    said = {freely(long, Random(seed)) for seed in range(50)}
    assert long in said and len(said) > 1 and max(map(len, said)) <= LONGEST


def test_chatter_says_nothing() -> None:
    assert TELLING.isdisjoint(CHATTER) and len(set(CHATTER)) == len(CHATTER)
    named = {word for noun in NOUNS.values() for name in (*noun.names, *noun.plurals) for word in name.split()}
    assert named.isdisjoint(CHATTER)
    for seed in range(50):
        said = with_chatter("The ship on the left.", Random(seed))
        before, _, after = said.partition("the ship on the left")
        assert set(before.split()) | set(after.split()) <= set(CHATTER)
    assert with_chatter("a ship " * 21, Random(0)) == "a ship " * 21


@pytest.mark.parametrize("frame", FRAMES)
def test_what_is_asked_for_is_what_is_framed(frame: str) -> None:
    assert plain(frame.format("the second large ship", p="satellite image")) == "the second large ship"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (
            "Could you find the jet parked near the top-left corner of this photo?",
            "the airplane in the top left corner of the image",
        ),
        ("Where can I see the ship?", "the ship"),
        ("please draw a mask around the oil tanks, thanks", "the storage tanks"),
        ("On the left, there is a large ship", "a large ship on the left"),
        ("the tennis court located in the upper-right of the aerial photo", "the tennis court in the upper right of the image"),
        ("the car which is parked beneath the bridge", "the car that is below the bridge"),
        ("two cargo ships at the quay and a pool", "two ships at the harbor and a swimming pool"),
        ("the baseball diamond by the sea", "the baseball diamond next to the water"),
        ("A vehicle is driving on the bridge", "A vehicle is driving on the bridge"),  # as RRSIS-D says it
        ("our client asked about the ship on the left", "the ship on the left"),
        ("the ship right beside the harbor", "the ship beside the harbor"),
        ("the car is right above the bridge", "the car is above the bridge"),
        ("On the left of the photo there is a ship", "a ship on the left of the image"),
        ("the second ship from the right in the image", "the second ship from the right"),
        ("I can't see the ships", "can t see the ships"),
        ("the jet near the grass", "the airplane next to the low vegetation"),
        ("the windows of the house", "the windows of the house"),  # no house is meant
        ("everything except the ships", "everything except the ships"),
        ("please find", "please find"),  # nothing is left
        ("find the café", "find the café"),
        ("the old jets taking off", "the old airplanes taking off"),
        ("find the jets we saw near two large yachts", "the airplanes we saw next to two large ships"),
        ("an abandoned warehouse, parked cars alongside it", "an abandoned building parked cars next to it"),
        ("Ship.", "Ship."),
        ("", ""),
    ],
)  # fmt: skip
def test_what_people_type(typed: str, meant: str) -> None:
    assert plain(typed) == meant


@pytest.mark.parametrize(
    "phrase",
    [
        "the second tank from left to right", "the second tank from the left to the right",
        "the second tank from the top to the bottom",
        "the ship on the far right next to the harbor",
        "the ship nearest to the left", "the ship nearest to the right", "the ship closest to the upper left corner",
        "near the top of the stadium a car", "in the top left corner of the harbor the ship",
        "at the top center there is a ship", "the car at the right edge of the parking lot",
        "the car on the left part of the bridge", "don't show the ships",
        "the car going to the left", "the car driving towards the left", "the car is running to the right",
        "the grass soccer field", "the jet bridge", "the diamond shaped roof", "the river bridge",
        "the volley ball field", "bridge piers", "the sea port", "the jet ski", "the ocean liner", "the river bank",
        "the ship under construction", "by far the largest ship", "the near ship", "the ship surrounded by tanks",
    ],
)  # fmt: skip
def test_what_is_not_to_be_touched(phrase: str) -> None:
    assert plain(phrase, ("water", "bridge", "low vegetation")) == phrase


def test_a_class_of_the_model_is_no_other() -> None:
    assert plain("the warehouses by the quay") == "the buildings next to the harbor"
    assert plain("the derelict warehouse") == "the derelict building"
    assert plain("jets abreast") == "airplanes abreast"
    assert plain("the yacht offshore") == "the ship offshore" and plain("the boeing 747") == "the airplane 747"
    assert plain("numerous yachts") == "numerous ships"
    assert (
        plain("all trucks", ("vehicle", "car")) == "all trucks" and plain("all trucks", ("vehicle",)) == "all vehicles"
    )
    assert plain("the warehouses by the quay", ("warehouse", "quay")) == "the warehouses next to the quay"


def test_a_class_that_a_model_was_not_taught_is_another_where_there_is_one() -> None:
    taught = ("water", "building", "road", "baseball field", "ground track field")
    said = (
        "the pond",
        "rivers in the middle",
        "the houses next to the freeway",
        "the baseball field",
        "the track field",
    )
    meant = ("the water", "water in the middle", "the buildings next to the road", "the baseball field", None)
    for phrase, better in zip(said, meant, strict=True):
        assert plain(phrase, taught) == (better or plain(phrase))
        assert plain(phrase, (*taught, "pond", "river", "house", "freeway")) == plain(phrase)
        assert plain(phrase, ("ship",)) == plain(phrase)
