"""Words that no class is called by."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_strategies import programs

from rs2sam2.data.language.known import names_a_class
from rs2sam2.data.language.lexicon import NOUNS
from rs2sam2.data.language.wording import phrase_for

CLASSES = ("ship", "vehicle", "ground track field", "solar farm")


@pytest.mark.parametrize("rules", ["english", "rrsisd"])
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_every_wording_names_a_class_of_the_lexicon(rules: str, data: st.DataObject, seed: int) -> None:
    assert names_a_class(phrase_for(data.draw(programs(rules)), Random(seed)), tuple(NOUNS))


@pytest.mark.parametrize(
    ("phrase", "known"),
    [
        ("the ships", True), ("a boat", True), ("the red truck", True), ("the athletics field", True), ("the track", True),
        ("two solar farms on the left", True), ("the leftmost", True), ("the thing on the left", True),
        ("the second largest one", True), ("the ship next to the beach", True), ("a row of ships on the left", True),
        ("on the left of the beach", False), ("on the left of the ship", True),
        ("the beach next to the ship", False), ("the windows of the truck", False), ("two tents on the track", False),
        ("tent next to the ship", False), ("some tents near the ship", False), ("my tent next to the ship", False),
        ("road vehicle on the left", True), ("boats in the harbor", True), ("outlines of ships", True),
        ("everything except the ships", True), ("the top tent near the ship", False), ("the top ship", True),
        ("a row of tents next to the ship", False), ("friend in this photo a ship please", True),
        ("zoom in on the ships", True), ("dozens of vehicles", True), ("focus on the ship", True), ("bounding boxes of ships", True),
        ("several of the ships", True), ("put a mask over the ships", True), ("the beach of the ships", False),
        ("keep an eye on the ship", True), ("nothing matters but the ship on the left", True), ("go over the ships with me", True),
        ("keep an eye on the tent next to the ship", False),
        ("the beach", False), ("the large red tent on the left", False), ("the bridge", False), ("лодка", False),
    ],
)  # fmt: skip
def test_what_a_model_knows(phrase: str, known: bool) -> None:
    assert names_a_class(phrase, CLASSES) is known
