"""Phrases that have no words in the turned picture."""

from __future__ import annotations

import pytest

from rs2sam2.data.language.symmetry import SYMMETRIES
from rs2sam2.data.language.transform import rewrite_phrase


@pytest.mark.parametrize(
    "phrase",
    [
        "the northbound lane", "the westbound cars", "the northeasterly pier", "the south-westerly pier",
        "the easternmost ship", "the ship in the NE corner", "the car heading leftwards", "the rightward lane",
        "the ship on the lefthand side", "the car turning left", "the ship facing right", "the car heading to the left",
        "the airplane pointing towards the right", "the car driving left",
    ],
)  # fmt: skip
def test_where_something_goes_is_never_turned(phrase: str) -> None:
    assert {rewrite_phrase(phrase, symmetry) for symmetry in SYMMETRIES if symmetry != "identity"} == {None}


def test_under_is_below() -> None:
    assert rewrite_phrase("the ship under the harbor", "hflip") == "the ship under the harbor"
    assert rewrite_phrase("the ship under the harbor", "vflip") is None


@pytest.mark.parametrize(
    ("phrase", "mirrored"),
    [
        ("the car going to the left of the river", "the car going to the right of the river"),
        ("the ship heading to the left of the bridge", "the ship heading to the right of the bridge"),
        ("the ship on the left-hand side", "the ship on the right-hand side"),
        ("the westerner", "the westerner"),
    ],
)
def test_what_only_looks_like_it_is_turned(phrase: str, mirrored: str) -> None:
    assert rewrite_phrase(phrase, "hflip") == mirrored
