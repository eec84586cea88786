"""What is hardly ever beside what, by the layouts of a benchmark.

A set that outlines airplanes says nothing of dams, yet its pictures show none. Unless such a thing is denied somewhere,
all that a model learns of it is to say yes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.lexicon import canonical

FEWEST = 50
"""Layouts that must show a class before it is said what is not beside it."""
UNMARKED = frozenset({"vehicle"})
"""Small things that annotators leave out where larger ones are meant: never denied for being rare."""


def never_beside(layouts: Iterable[Layout], share: float) -> dict[str, frozenset[str]]:
    """By canonical class: the classes that less than `share` of the layouts which show it show as well."""
    shown = [{canonical(o.category) for o in layout.objects} for layout in layouts]
    count = Counter(name for names in shown for name in names)
    both = Counter((a, b) for names in shown for a in names for b in names)
    return {
        a: frozenset(b for b in count if both[a, b] < share * count[a]) - UNMARKED
        for a in sorted(count)
        if count[a] >= FEWEST
    }


def denied_by(classes: Iterable[str], beside: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """What a picture that shows these classes does not show."""
    return frozenset[str]().union(*(beside.get(name, frozenset()) for name in classes))
