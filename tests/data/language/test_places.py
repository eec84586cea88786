"""The picture by its many names: every reader of phrases knows the same ones."""

from __future__ import annotations

import pytest

from rs2sam2.data.language import freely
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.places import OF_PICTURES, PICTURES, THIS
from rs2sam2.data.language.plain import plain
from rs2sam2.data.language.program import Position
from rs2sam2.data.language.transform import rewrite_phrase

NAMES = sorted({*PICTURES, *freely.PICTURES, *(f"{sort} photo" for sort in OF_PICTURES)})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("this", THIS)
def test_a_side_of_the_picture_is_no_side_of_a_thing(this: str, name: str) -> None:
    phrase = f"the ship on the left of {this} {name}"
    assert parse(phrase).select.where == (Position("left"),)
    assert plain(phrase) == "the ship on the left of the image"
    assert rewrite_phrase(phrase, "rot90") == f"the ship at the bottom of {this} {name}"
