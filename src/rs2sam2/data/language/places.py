"""Words for the picture as a whole and for the places in it, from which parser, turning and plain words build their patterns.

Building all of them from one list keeps "the left of the aerial photo" a part of the picture wherever a phrase is read.
"""

from __future__ import annotations

from collections.abc import Iterable

PICTURES = ("image", "picture", "scene", "photo", "photograph", "frame", "view", "imagery", "map")
"""The picture, by whatever name; `freely` says some of these, everyone else understands all."""
OF_PICTURES = ("satellite", "aerial", "drone", "overhead", "remote sensing", "given", "whole", "entire")
"""What sort of picture it is called."""
THIS = ("the", "this", "that", "my", "your")
SIDES = ("left", "right")
ENDS = ("top", "bottom", "upper", "lower")
MIDDLES = ("middle", "center", "centre", "central")
PARTS = ("side", "part", "corner", "half", "edge", "portion", "end", "section", "area", "border")


def either(words: Iterable[str]) -> str:
    """A regular expression for any of these words or runs of words."""
    return "(?:" + "|".join(word.replace(" ", r"[\ -]+") for word in words) + ")"


THE_PICTURE = rf"(?:{either(THIS)}\s+)?(?:{either(OF_PICTURES)}\s+)*{either(PICTURES)}\b"
"""A regular expression: "the image", "this aerial photo"."""
COMPASS = r"(?:north|south|east|west)(?:east|west)?"
