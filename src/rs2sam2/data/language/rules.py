"""What words mean on a layout, in three values: yes, no, and None for a borderline case nobody should be asked about.

`Rules` is the interface; `rrsisd_rules` reads words as the RRSIS-D benchmark does, `english_rules` as people do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from rs2sam2.data.language.layout import Layout, SceneObject

Truth = bool | None


class Rules(Protocol):
    """Each method answers for one object and one word: True, False, or None where it is too close to call."""

    def position(self, o: SceneObject, region: str, far: bool, layout: Layout) -> Truth:
        """Whether `o` lies in a region of the image."""

    def size(self, o: SceneObject, word: str, layout: Layout, category: str) -> Truth:
        """Whether `o` is tiny, small, large or huge, being called a `category`: a truck is so among trucks or vehicles."""

    def color(self, o: SceneObject, names: tuple[str, ...]) -> Truth:
        """Whether `o` is mainly of these colours."""

    def shape(self, o: SceneObject, word: str) -> Truth:
        """Whether `o` has a shape."""

    def relation(self, o: SceneObject, word: str, anchor: SceneObject, layout: Layout) -> Truth:
        """Whether `o` stands in a relation to another object ("closest to" is a ranking and is not asked here)."""

    def comparison(self, o: SceneObject, degree: str, anchor: SceneObject) -> Truth:
        """Whether `o` is smaller than, similar in size to or bigger than another object."""

    def ranks_before(self, a: SceneObject, b: SceneObject, by: str, layout: Layout) -> Truth:
        """Whether `a` comes before `b` in an order: further left, larger, nearer the middle ..."""

    def nearer(self, a: SceneObject, b: SceneObject, anchor: SceneObject, layout: Layout) -> Truth:
        """Whether `a` is nearer to the anchor than `b`."""


def both(first: Truth, second: Truth) -> Truth:
    """Three-valued "and"."""
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def between(value: float, surely_below: float, surely_above: float) -> Truth:
    """True at or above `surely_above`, False at or below `surely_below`, None between the two."""
    if value >= surely_above:
        return True
    return False if value <= surely_below else None


def coloured(colors: Mapping[str, float], names: Sequence[str]) -> Truth:
    """Whether shares of beyond-doubt colours make a thing of these colours: six in ten of its pixels.

    Denied where less than 15 % has them and half is beyond doubt of others: tan or dark soil has no sure name, and
    nobody should be told that it is not brown.
    """
    share = sum(colors.get(name, 0.0) for name in names)
    other = sum(value for name, value in colors.items() if name not in names)
    if share <= 0.15:
        return False if other >= 0.5 else None
    return True if share >= 0.6 else None
