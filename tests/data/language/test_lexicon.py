"""Nouns of classes that the lexicon does not have."""

from __future__ import annotations

import pytest

from rs2sam2.data.language.lexicon import noun_of
from rs2sam2.data.language.parser import parse


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
    ],
)
def test_a_class_filed_in_the_plural_is_no_plural_of_a_plural(filed: str, one: str, many: str) -> None:
    noun = noun_of(filed)
    assert (noun.names[0], noun.plurals[0]) == (one, many)


def test_a_class_filed_in_the_plural_is_read_in_either_number() -> None:
    for phrase, quantity in (("the solar panel", "one"), ("all solar panels", "all")):
        select = parse(phrase, categories=("solar-panels",)).select
        assert (select.category, select.quantity) == ("solar panels", quantity)
