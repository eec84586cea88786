"""Nouns of classes that the lexicon does not have."""

from __future__ import annotations

from random import Random

import pytest

from rs2sam2.data.language.evaluate import execute
from rs2sam2.data.language.known import names_a_class
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import NOUNS, canonical, covers, noun_of, plural, singular
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.plain import plain
from rs2sam2.data.language.program import Program, Selection
from rs2sam2.data.language.wording import phrase_for


@pytest.mark.parametrize(
    ("filed", "one", "many"),
    [
        ("solar_panel", "solar panel", "solar panels"),
        ("Solar panels", "solar panel", "solar panels"),
        ("warehouses", "warehouse", "warehouses"),
        ("beaches", "beach", "beaches"),
        ("boxes", "box", "boxes"),
        ("ferries", "ferry", "ferries"),
        ("underpass", "underpass", "underpasses"),
        ("cactus", "cactus", "cactuses"),
        ("headquarters", "headquarters", "headquarters"),
        ("roads", "road", "roads"),
        ("race tracks", "race tracks", "race tracks"),
        ("ships", "ship", "ships"),
        ("campuses", "campus", "campuses"),
        ("gases", "gas", "gases"),
        ("volcanoes", "volcano", "volcanoes"),
        ("groves", "grove", "groves"),
        ("wharves", "wharf", "wharves"),
    ],
)
def test_a_class_filed_in_the_plural_is_no_plural_of_a_plural(filed: str, one: str, many: str) -> None:
    noun = noun_of(filed)
    assert (noun.names[0], noun.plurals[0]) == (one, many)


def test_a_class_filed_in_the_plural_is_read_in_either_number() -> None:
    for phrase, quantity in (("the solar panel", "one"), ("all solar panels", "all")):
        select = parse(phrase, categories=("solar-panels",)).select
        assert (select.category, select.quantity) == ("solar panels", quantity)


@pytest.mark.parametrize(
    "name",
    [
        *(name for noun in NOUNS.values() for name in noun.names if not (noun.mass or name.endswith(("person", "track")))),
        "campus", "gas", "volcano", "oasis", "base", "house", "land use", "lens", "ferry", "railroad tie", "prairie", "cave",
        "quay", "beach", "box", "silo", "crevasse", "headquarters", "biogas",
    ],
)  # fmt: skip
def test_one_of_many_is_one(name: str) -> None:
    assert singular(plural(name)) == name == singular(name)


def test_letters_of_other_alphabets_stay() -> None:
    assert canonical("Bâtiment_(résidentiel)") == "bâtiment" and canonical("建筑") == "建筑"
    assert parse("the white bâtiment", categories=("Bâtiment",)).select.category == "bâtiment"


def test_crossroads_are_heard_and_never_said() -> None:
    assert parse("the crossroads").select == parse("the intersection").select
    assert parse("all crossroads").select == parse("all intersections").select
    assert plain("the crossroads by the ship") == "the intersection next to the ship"
    assert names_a_class("the crossroads", ("intersection",)) and canonical("crossroads") == "intersection"
    assert "crossroads" not in noun_of("intersection").names  # what is said for a seed stays


def test_a_soccer_ball_field_is_no_ball_field() -> None:
    assert canonical("soccer-ball-field") == "soccer field" and plain("the soccer ball field") == "the soccer field"


@pytest.mark.parametrize(
    ("kind", "general"),
    [("river", "water"), ("pond", "water"), ("house", "building"), ("freeway", "road"), ("van", "vehicle")],
)
def test_what_covers_a_kind_is_what_plain_words_put_for_it(kind: str, general: str) -> None:
    assert covers(general, [kind, "ship"]) == covers(kind, [kind, general]) == {kind}
    assert covers(kind, [general]) == {general} and covers(general, [kind, general]) == {kind, general}
    assert plain(f"the {kind}", (general,)) == f"the {general}"
    assert plain(f"the {kind}", (general, kind)) == f"the {kind}"


def test_another_name_of_a_kind_is_the_general_class_as_well() -> None:
    assert plain("the reservoir", ("water",)) == "the water" and plain("the reservoir") == "the pond"


def test_a_noun_means_its_kinds() -> None:
    boxes = ((0, 0, 10, 10), (20, 20, 30, 30))
    layout = Layout(100, 100, tuple(SceneObject(c, b, 100) for c, b in zip(("house", "building"), boxes, strict=True)))
    assert execute(parse("all buildings"), layout) == {0, 1} and execute(parse("the house"), layout) == {0}
    river = Layout(100, 100, (SceneObject("river", boxes[0], 100),))
    assert execute(parse("the water"), river) == {0}  # so nobody asks for water as for what is not there


@pytest.mark.parametrize(
    ("filed", "name"),
    [
        ("ship/boat", "ship"),
        ("Grass/Lawn", "grass"),
        ("Passenger/Cargo Plane", "passenger cargo plane"),
        ("Truck w/Box", "truck w box"),
        ("Bare / sparse vegetation", "bare sparse vegetation"),
    ],
)
def test_what_follows_a_slash_is_left_out_only_after_a_noun(filed: str, name: str) -> None:
    assert canonical(filed) == name


@pytest.mark.parametrize(
    "cover", ["grass", "sea", "snow and ice", "Bare / sparse vegetation", "tree cover", "cropland"]
)
def test_land_cover_that_a_set_names_is_not_counted(cover: str) -> None:
    assert noun_of(cover).mass and noun_of(cover).plurals == noun_of(cover).names


def test_sheep_are_one_and_many() -> None:
    assert plural("sheep") == "sheep" and not noun_of("sheep").mass


@pytest.mark.parametrize(
    ("name", "article"),
    [("utility pole", "a"), ("university", "a"), ("airport", "an"), ("unpaved lot", "an"), ("unidentified hut", "an")],
)
def test_the_article_goes_by_the_sound(name: str, article: str) -> None:
    program = Program(Selection(name))
    said = {phrase_for(program, Random(seed)) for seed in range(80)}
    assert f"{article} {name}" in said and f"{'a' if article == 'an' else 'an'} {name}" not in said


@pytest.mark.parametrize(
    ("filed", "general"),
    [
        ("Warehouse", "building"), ("warehouses", "building"), ("highway", "road"), ("street", "road"), ("jet", "airplane"),
        ("Sailboat", "ship"), ("sedan", "vehicle"), ("reservoir", "water"),
    ],
)  # fmt: skip
def test_a_noun_means_what_it_is_called_besides_where_a_set_has_that_as_a_class(filed: str, general: str) -> None:
    assert covers(general, [canonical(filed), "bridge"]) == {canonical(filed)} and covers(filed, [general]) == {general}
    layout = Layout(100, 100, (SceneObject(filed, (0, 0, 10, 10), 100),))
    assert execute(parse(f"the {general}"), layout) == {0}  # so it is not asked for as what is not there
    assert not covers(filed, ["bridge"]) and not covers("bridge", [canonical(filed)])
