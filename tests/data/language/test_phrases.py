"""Wording, parsing, turning: what goes out comes back."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_strategies import layouts, programs

from rs2sam2.data.language.evaluate import evaluate
from rs2sam2.data.language.parser import PhraseError, parse
from rs2sam2.data.language.program import Color, Extreme, Position, Program, Relation, Selection, Shape, Size, kind
from rs2sam2.data.language.symmetry import SYMMETRIES, inverse, then
from rs2sam2.data.language.transform import rewrite_phrase, rewrite_program
from rs2sam2.data.language.wording import phrase_for
from rs2sam2.errors import DataError, UsageError

FLIPS = ("hflip", "vflip", "rot180")


@pytest.mark.parametrize("rules", ["english", "rrsisd"])
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_every_wording_is_read_back_as_its_program(rules: str, data: st.DataObject, seed: int) -> None:
    program = data.draw(programs(rules, long=True))
    phrase = phrase_for(program, Random(seed))
    assert parse(phrase, program.rules) == program
    assert not (phrase.startswith("every ") and " that are " in phrase)


@given(program=programs(), seed=st.integers(0, 10**6), symmetry=st.sampled_from(SYMMETRIES))
def test_turned_phrase_means_the_turned_program(program: Program, seed: int, symmetry: str) -> None:
    phrase = rewrite_phrase(phrase_for(program, Random(seed)), symmetry)
    assert phrase is not None
    assert parse(phrase) == rewrite_program(program, symmetry)


@pytest.mark.parametrize("rules", ["english", "rrsisd"])
@given(data=st.data(), seed=st.integers(0, 10**6), flip=st.sampled_from(FLIPS))
def test_flipping_twice_restores_phrase_and_program(rules: str, data: st.DataObject, seed: int, flip: str) -> None:
    program = data.draw(programs(rules))
    phrase = phrase_for(program, Random(seed))
    once = rewrite_phrase(phrase, flip, rules)
    assert once is not None and rewrite_phrase(once, flip, rules) == phrase
    assert rewrite_program(rewrite_program(program, flip), flip) == program


@given(program=programs(), layout=layouts(), symmetry=st.sampled_from(SYMMETRIES))
def test_turning_layout_and_program_together_changes_nothing(program: Program, layout, symmetry: str) -> None:
    before, after = evaluate(program, layout), evaluate(rewrite_program(program, symmetry), layout.turned(symmetry))
    assert before == after


@given(program=programs(), symmetry=st.sampled_from(SYMMETRIES))
def test_program_survives_json_and_its_inverse_symmetry(program: Program, symmetry: str) -> None:
    assert Program.from_dict(program.to_dict()) == program
    assert rewrite_program(rewrite_program(program, symmetry), inverse(symmetry)) == program


@pytest.mark.parametrize(
    ("phrase", "symmetry", "turned"),
    [
        ("The ship on the left", "hflip", "The ship on the right"),
        ("the ship on the left", "vflip", "the ship on the left"),
        ("the ship at the bottom", "vflip", "the ship at the top"),
        ("the ship on the left", "rot90", "the ship at the bottom"),
        ("The leftmost ship", "hflip", "The rightmost ship"),
        ("the upper-left tank", "rot90", "the lower-left tank"),
        ("the second ship from the left", "rot270", "the second ship from the top"),
        ("the tank above the ship", "rot90", "the tank to the left of the ship"),
        ("the ship to the left of the harbor on the right", "rot90", "the ship below the harbor at the top"),
        ("the house on top of the hill on the left", "hflip", "the house on top of the hill on the right"),
        ("the house on top of the image", "vflip", "the house on bottom of the image"),
        ("the second ship from the right in the picture", "hflip", "the second ship from the left in the picture"),
        ("the ship on the right above the harbor", "hflip", "the ship on the left above the harbor"),
        ("the horizontal runway", "transpose", "the vertical runway"),
        ("the ship", "rot90", "the ship"),
    ],
)
def test_direction_words_turn_where_they_stand(phrase: str, symmetry: str, turned: str) -> None:
    assert rewrite_phrase(phrase, symmetry) == turned


def test_benchmark_keeps_its_prepositions() -> None:
    assert rewrite_phrase("A ship at the bottom", "vflip", "rrsisd") == "A ship on the top"
    assert rewrite_phrase("A ship is below the harbor", "rot270", "rrsisd") == "A ship is on the left of the harbor"


@pytest.mark.parametrize(
    "phrase",
    [
        "the road to the north",
        "ships at a right angle",
        "the northeastern field",
        "ships turning right now",
        "the car right above the bridge",
        "the car is right on the bridge",
        "the car right in the middle",
        "the car right to the left of the bridge",
    ],
)
def test_phrases_that_cannot_be_turned_are_refused(phrase: str) -> None:
    assert rewrite_phrase(phrase, "hflip") is None


def test_refusal_depends_on_the_symmetry() -> None:
    assert rewrite_phrase("the top row of tanks", "hflip") == "the top row of tanks"
    assert rewrite_phrase("the top row of tanks", "rot90") is None
    assert rewrite_phrase("the car driving clockwise", "rot90") is not None
    assert rewrite_phrase("the car driving clockwise", "vflip") is None
    with pytest.raises(UsageError, match="symmetry 'diagonal'"):
        rewrite_phrase("the ship", "diagonal")


def test_symmetries_form_a_group() -> None:
    for a in SYMMETRIES:
        assert then(a, inverse(a)) == "identity"
        assert all(then(a, b) in SYMMETRIES for b in SYMMETRIES)
    assert then("rot90", "rot90") == "rot180" and then("hflip", "vflip") == "rot180"


@pytest.mark.parametrize(
    ("phrase", "selection"),
    [
        ("A red and white small vehicle", Selection("vehicle", "one", (Color(("red", "white")), Size("small")))),
        ("The expressway service area", Selection("expressway service area")),
        ("both tennis courts at the top of the image", Selection("tennis court", 2, (Position("top"),))),
        ("all the airplanes", Selection("airplane", "all")),
        ("the vegetation in the upper left corner", Selection("vegetation", "all", (Position("upper left"),))),
        ("the second largest tank", Selection("storage tank", "one", (Extreme("large", 2),))),
        ("ship number two from the right", Selection("ship", "one", (Extreme("right", 2),))),
        ("A frustum of a cone chimney", Selection("chimney", "one", (Shape("cone frustum"),))),
        ("A court on the right of the lower right", None),
        (
            "A basketball court on the right of the lower right",
            Selection("basketball court", "one", (Position("right"), Position("lower right"))),
        ),
        (
            "The stadium is on the far right of all vehicles",
            Selection("stadium", "one", (Relation("right", Selection("vehicle", "all")),)),
        ),
        (
            "The bridge has white car running on it",
            Selection("bridge", "one", (Relation("holding", Selection("car", "one", (Color(("white",)),))),)),
        ),
        ("the boat nearest to the dock", Selection("ship", "one", (Relation("closest to", Selection("harbor")),))),
        ("the second tank from left to right", Selection("storage tank", "one", (Extreme("left", 2),))),
        ("the second tank from the top to the bottom", Selection("storage tank", "one", (Extreme("top", 2),))),
        (
            "the second tank from the left to the right of the ship",
            Selection("storage tank", "one", (Relation("right", Selection("ship")), Extreme("left", 2))),
        ),
        ("the ship right above the harbor", Selection("ship", "one", (Relation("top", Selection("harbor")),))),
        ("the ship is right next to the harbor", Selection("ship", "one", (Relation("next to", Selection("harbor")),))),
        ("the ship right at the bottom", Selection("ship", "one", (Position("bottom"),))),
        (
            "the ship on the right above the harbor",
            Selection("ship", "one", (Position("right"), Relation("top", Selection("harbor")))),
        ),
        ("the car on top of the bridge", Selection("car", "one", (Relation("on", Selection("bridge")),))),
        ("the car on top of the image", Selection("car", "one", (Position("top"),))),
        ("the car on the right side of the bridge", Selection("car", "one", (Relation("right", Selection("bridge")),))),
        ("the car in the upper right corner of the photo", Selection("car", "one", (Position("upper right"),))),
        ("the dark red ship", Selection("ship", "one", (Color(("red",)),))),
        ("the car driving on the left", Selection("car", "one", (Position("left"),))),
        ("the car going left of the bridge", Selection("car", "one", (Relation("left", Selection("bridge")),))),
        ("the car on the bridge's left side", Selection("car", "one", (Relation("left", Selection("bridge")),))),
        ("the car on the bridge's bottom side", Selection("car", "one", (Relation("bottom", Selection("bridge")),))),
        ("the largest forest", Selection("forest", "all", (Extreme("large"),))),
        (
            "the road running to the left of the river",
            Selection("road", "one", (Relation("left", Selection("river")),)),
        ),
        ("the bridge with cars", Selection("bridge", "one", (Relation("holding", Selection("car", "some")),))),
        ("the bridge with the cars", Selection("bridge", "one", (Relation("holding", Selection("car", "all")),))),
        ("the bridge with two cars", Selection("bridge", "one", (Relation("holding", Selection("car", 2)),))),
        ("all houses near trees", Selection("house", "all", (Relation("next to", Selection("tree", "some")),))),
        ("the house left of trees", Selection("house", "one", (Relation("left", Selection("tree", "all")),))),
        ("the ship on the water", Selection("ship", "one", (Relation("on", Selection("water", "some")),))),
        ("the ship in all the water", Selection("ship", "one", (Relation("inside", Selection("water", "all")),))),
        ("the ship sailing home", None),
        ("the second ship", None),
        ("", None),
    ],
)
def test_parser(phrase: str, selection: Selection | None) -> None:
    if selection is None:
        with pytest.raises(PhraseError, match="is not understood"):
            parse(phrase)
    else:
        assert parse(phrase).select == selection


@pytest.mark.parametrize(
    ("phrase", "why"),
    [
        ("the largest ships", "needs a number"),
        ("all leftmost ships", "needs a number"),
        ("every ship closest to the harbor", "needs a number"),
        ("the car next to the largest ships", "needs a number"),
        ("the car next to largest ships", "needs a number"),
        ("the two second ships from the left", "a number goes with one ranking"),
        ("the two largest ships closest to the harbor", "a number goes with one ranking"),
        ("the ship at the top center", "'center' did not fit"),
        ("the bottom middle ship", "'middle' did not fit"),
        ("the ship closest to the center left", "'left' did not fit"),
        ("the ship in the middle on the left", "the middle and for a side"),
        ("the car in the upper right corner of the parking lot", "did not fit"),
        ("the car at the bottom end of the bridge", "did not fit"),
        ("the dark large ship", "'dark' did not fit"),
        ("the bright leftmost airplane", "'bright' did not fit"),
        ("the ship слева", "'слева' is in another script"),
        ("the ship在左边", "is in another script"),
        ("the car going to the left", "'to' did not fit"),
        ("the car driving towards the left", "'towards' did not fit"),
        ("a vehicle driving left", "'left' did not fit"),
        ("the vehicle going right on the bridge", "'right' did not fit"),
    ],
)
def test_what_would_be_half_understood_is_refused(phrase: str, why: str) -> None:
    with pytest.raises(PhraseError, match=why):
        parse(phrase)


def test_parser_takes_classes_it_does_not_know() -> None:
    assert parse("the solar panels on the left", categories=("Solar_Panel",)).select.category == "solar panel"


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"rules": "x"},
        {"rules": "english", "select": {"category": "a", "quantity": 0, "where": []}},
        {"rules": "english", "select": {"category": "a", "quantity": 1, "where": [{"extreme": "left", "rank": 0}]}},
        {"rules": "english", "select": {"category": "a", "quantity": "some", "where": []}},
    ],
)
def test_a_damaged_program_is_a_data_error(bad: dict) -> None:
    with pytest.raises(DataError, match="not a phrase program"):
        Program.from_dict(bad)


def test_what_is_closest_to_a_corner_survives_json_and_has_words() -> None:
    program = parse("the ship closest to the top left corner")
    assert Program.from_dict(program.to_dict()) == program
    assert parse(phrase_for(program, Random(0))) == program


@pytest.mark.parametrize(
    ("phrase", "rules", "words"),
    [
        ("the ship is next to the harbor", "rrsisd", "is next to the harbor"),
        ("the ship closest to the harbor", "rrsisd", "is closest to the harbor"),
        ("the ship on the far right", "rrsisd", "on the far right"),
        ("ship number eleven from the left", "english", "number eleven"),
        ("ship number 25 from the left", "english", "number 25"),
        ("the bridge with cars", "english", " cars"),
        ("the ship in all the water", "english", "all the water"),
    ],
)
def test_words_for_what_is_rarely_said(phrase: str, rules: str, words: str) -> None:
    program = parse(phrase, rules)  # type: ignore[arg-type]
    said = {phrase_for(program, Random(seed)) for seed in range(20)}
    assert all(words in phrase and parse(phrase, program.rules) == program for phrase in said)


@pytest.mark.parametrize(
    ("where", "quantity", "why"),
    [
        ((Relation("next to", Selection("ship")), Relation("top", Selection("ship"))), "one", "two relations"),
        ((Extreme("left"), Extreme("large")), "one", "two rankings"),
        ((Extreme("large", 11),), "one", "a rank 1 to 99, of the largest or smallest 1 to 10"),
        ((Extreme("left", 100),), "one", "a rank 1 to 99"),
        ((Extreme("left"),), "all", "needs a number"),
        ((Position("left"), Position("middle")), "one", "the middle and for a side"),
        ((), 100, "a number is 2 to 99"),
        ((Relation("left", Selection("ship", "some")),), "one", '"some" is for what something is inside, holding'),
    ],
)
def test_a_program_without_words_is_a_usage_error(where, quantity, why: str) -> None:
    with pytest.raises(UsageError, match=f"no phrase asks for .*{why}"):
        phrase_for(Program(Selection("harbor", quantity, where)), Random(0))
    with pytest.raises(UsageError, match="RRSIS-D's wording has"):
        phrase_for(Program(Selection("ship", "one", (Size("small"), Size("tiny"))), "rrsisd"), Random(0))


def test_kinds() -> None:
    assert kind(parse("the ship").select) == "category"
    assert kind(parse("the small white ship on the left").select) == "color+size+position"
    assert kind(parse("the third ship from the left").select) == "ordinal"
    assert kind(parse("the two ships").select) == "group"


def test_a_selection_names_its_class_and_those_of_its_anchors() -> None:
    assert parse("the ship next to the harbor with cars").select.classes() == {"ship", "harbor", "car"}


def test_a_program_written_by_hand_may_be_in_any_order() -> None:
    where = [{"extreme": "left"}, {"position": "top"}, {"color": ["white"]}]
    written = Program.from_dict({"rules": "english", "select": {"category": "ship", "quantity": "one", "where": where}})
    assert written == parse("the leftmost white ship at the top")  # the leftmost of the white ones at the top
