"""What people type, in the words that models learn."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_strategies import programs

from rs2sam2.data.language.freely import freely
from rs2sam2.data.language.parser import parse
from rs2sam2.data.language.plain import plain
from rs2sam2.data.language.wording import phrase_for

TAUGHT = ("ship", "bridge", "harbor", "farmland", "ground track field", "storage tank", "freeway", "railway tracks")


def said(table: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("typed", "meant"), table.items())


@said(
    {
        "the ground-track-field": "the ground track field",
        "the_ground_track_field": "the ground track field",
        "the groundtrackfields": "the ground track fields",
        "two storagetanks": "two storage tanks",
        "the oiltank": "the storage tank",
        "the over-pass": "the overpass",
        "the ship (lower left)": "the ship lower left",
        '"the ship on the left"': "the ship on the left",
        "\u201cthe ship\u201d": "the ship",
        "the volley-ball-field": "the volley ball field",
        # as it came: a model's tokens of these are those of plain words
        "The Ship on the left.": "The Ship on the left.",
        "don't show the ships": "don't show the ships",
        "the ship_caf\u00e9": "the ship_caf\u00e9",
    }
)
def test_what_stands_between_words_is_a_blank(typed: str, meant: str) -> None:
    assert plain(typed) == meant == plain(meant)


@said(
    {
        "the left-most ship": "the leftmost ship",
        "the two bottom most ships": "the two bottommost ships",
        "the second ship from left": "the second ship from the left",
        "first ship from right": "rightmost ship",
        "the third ship from left to right": "the third ship from left to right",
    }
)
def test_sides_of_orders(typed: str, meant: str) -> None:
    assert plain(typed) == meant == plain(meant)


@said(
    {
        "the ship by the left edge": "the ship on the left",
        "the ship by the left": "the ship on the left",
        "the ship close to the left edge": "the ship on the left",
        "the ship next to the right border of the image": "the ship on the right of the image",
        "the ship near the upper edge": "the ship near the top",
        "the ships beside the bottom edge next to the bridge": "the ships near the bottom next to the bridge",
        "the ship near the lower left edge": "the ship in the lower left corner",
        "by the left edge there is a ship": "a ship on the left",
        # a thing that follows is what it is by
        "the ship near the left bridge": "the ship next to the left bridge",
        "the ship by the left red bridge": "the ship next to the left red bridge",
        "the ship near the left of the bridge": "the ship on the left of the bridge",
        "the ship close to the left edge of the harbor": "the ship close to the left edge of the harbor",
        "the ship near the top": "the ship near the top",
    }
)
def test_what_is_by_the_edge_of_the_picture_is_by_no_thing(typed: str, meant: str) -> None:
    assert plain(typed, TAUGHT) == meant == plain(meant, TAUGHT)


@said(
    {
        "the ship on the lower right side of the bridge": "the ship to the lower right of the bridge",
        "the ship on the lower right side of the image": "the ship in the lower right part of the image",
        "the ship in the lower right area of the bridge": "the ship in the lower right area of the bridge",
        "the ship on the harbor's left side": "the ship on the left of the harbor",
        "the ship to the ground track field's upper right": "the ship to the upper right of the ground track field",
        "the ship on the image's left": "the ship on the left of the image",
        "the ship slightly to the left of the harbor": "the ship to the left of the harbor",
        "the ship a little to the left": "the ship a little to the left",
        "the ship that's a little bit smaller than the harbor": "the ship that is a little smaller than the harbor",
        "a ship that's parked on the left": "a ship on the left",
    }
)
def test_the_side_of_a_thing_is_no_part_of_the_picture(typed: str, meant: str) -> None:
    assert plain(typed, TAUGHT) == meant == plain(meant, TAUGHT)


@said(
    {
        "to the left of the harbor is a ship": "a ship to the left of the harbor",
        "On the left of the harbor, there is a white ship.": "a white ship on the left of the harbor",
        "above the bridge there are two ships": "two ships above the bridge",
        "on the lower right side of the bridge is a ship": "a ship to the lower right of the bridge",
        "A ship is on the left of the harbor": "A ship is on the left of the harbor",
        # one of two things could be on the left of the harbor
        "on the left of the harbor there is a ship next to the bridge": None,
        "to the left of the harbor is a lighthouse": None,
    }
)
def test_the_thing_that_is_meant_comes_first(typed: str, meant: str | None) -> None:
    assert plain(typed) == (meant or typed)
    if meant:
        parse(meant)


@said(
    {
        "the field": "the farmland",
        "the track and field": "the ground track field",
        "the running field": "the ground track field",
        "the fan-shaped field": "the fan shaped field",
        "the field inside the ground track field": "the field inside the ground track field",
        "the field in the middle of the stadium": "the field in the middle of the stadium",
        "the railway": "the railway tracks",
        "the railway bridge": "the railway bridge",
        "the expressway": "the freeway",
        "the expressway toll station": "the expressway toll station",
    }
)
def test_what_a_field_and_a_way_are(typed: str, meant: str) -> None:
    assert plain(typed, TAUGHT) == meant == plain(meant, TAUGHT)


@said(
    {
        "a vehicle driving left": "a vehicle driving left",
        "the vehicle going right on the bridge": "the vehicle going right on the bridge",
        "the vehicle driving right next to the bridge": "the vehicle located next to the bridge",
        "the vehicle driving left of the bridge": "the vehicle located left of the bridge",
    }
)
def test_where_something_goes_is_not_where_it_is(typed: str, meant: str) -> None:
    assert plain(typed) == meant == plain(meant)


@pytest.mark.parametrize("rules", ["english", "rrsisd"])
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_plain_words_of_plain_words_are_the_same(rules: str, data: st.DataObject, seed: int) -> None:
    typed = freely(phrase_for(data.draw(programs(rules)), Random(seed)), Random(seed + 1))
    assert plain(plain(typed)) == plain(typed)
