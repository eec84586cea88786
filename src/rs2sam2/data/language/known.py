"""Which words of a phrase are known: those that tell something, and those that name a class."""

from __future__ import annotations

from functools import lru_cache

from rs2sam2.data.language.lexicon import COLOR_WORDS, SHAPE_WORDS, SIZE_WORDS, TAXONOMY, canonical, noun_of, plural
from rs2sam2.data.language.places import PICTURES, THIS
from rs2sam2.data.language.synonyms import SYNONYMS, UNDERSTOOD
from rs2sam2.data.language.tokens import (
    ABOVE_BELOW,
    COMPARISONS,
    CONTACTS,
    COUNTS,
    LINKS,
    PARTS,
    RANKS,
    REGIONS,
    SUPERLATIVES,
    words,
)

_TABLES = (REGIONS, PARTS, SUPERLATIVES, RANKS, COUNTS, COMPARISONS, CONTACTS, ABOVE_BELOW)
_FILLING = frozenset(words("the a an to about as"))
TELLING = (
    frozenset(
        {word for table in _TABLES for run in table for word in run}
        | {*COLOR_WORDS, *SIZE_WORDS, *SHAPE_WORDS}
        | set(words("of from between around behind no not without except but than other nor all every both each"))
    )
    - _FILLING
)
"""Words for place, order, size, colour, shape and number, and those that tie one thing to another or deny it."""
_SAYS_NOTHING = _FILLING | frozenset(
    {word for run in LINKS for word in run}
    | set(PICTURES)
    | set(words("and or it its furthest farthest closest nearest most counting object objects thing things structure"))
    | set(words("structures target targets something anything everything far very"))
)


_COLLECTING = frozenset(
    words(
        "group groups pair pairs row rows line lines cluster clusters set couple bunch series number lot collection fleet "
        "patch patches strip strips stretch body bodies area areas region regions section sections piece pieces kind type frustum "
        "outline outlines mask masks footprint footprints either those numbers dozens hundreds plenty types kinds class category "
        "instance instances example examples count fleets formation polygon polygons box boxes bounding contour contours "
        "silhouette silhouettes shape shapes sign zoom focus click put place interested colour fill crop"
    )
)
"""A row of ships is ships."""
DESCRIBING = (
    TELLING
    | _SAYS_NOTHING
    | frozenset(
        words(
            """
            old new modern ancient historic main major minor public private commercial residential military civil municipal
            local rural urban coastal wooden concrete metal steel brick tall high low short wide broad thin straight curved
            bright dark light pale dirty clean shiny busy crowded empty full open whole entire single lone nearby distant
            same different stationary moving this that these those some any many several few more another my our your his
            her their just only cone directly immediately
            """
        )
    )
)
"""What may stand beside a thing's name and make no other thing of it."""
_TIES = (
    frozenset(word for table in (CONTACTS, ABOVE_BELOW) for run in table for word in run)
    | frozenset(words("of from between around behind on in at to near by with without that which than except but"))
) - frozenset(words("the top"))  # "the top ship" is one
"""What comes after the thing that is meant, and before another."""
_OF_VERBS = frozenset(words("on in at over to with but except from about"))
"""Of these, what belongs to a verb where a sentence begins: "keep an eye on the ship" means no eye."""


def names_a_class(phrase: str, classes: tuple[str, ...]) -> bool:
    """Whether what a phrase means is called by a word of one of these classes' names.

    In "the tent next to the ship" that is the tent. A phrase that has no noun at all does as well.
    """
    said = words(phrase)
    known = _class_words(classes)
    end = next((i for i in range(len(said)) if _ties(said, i)), len(said))
    meant = set(said[:end]) - DESCRIBING - _COLLECTING
    if meant:
        return not meant.isdisjoint(known)
    foreign = set(said) - DESCRIBING
    return bool(said) and (not foreign or not foreign.isdisjoint(known))


def _ties(said: list[str], i: int) -> bool:
    """Whether word i ties what was named before it to another thing: not the "of" of "a row of", nor "in this image"."""
    collected = i > 0 and said[i] == "of" and said[i - 1] in _COLLECTING
    pictured = i + 2 < len(said) and said[i + 1] in THIS and said[i + 2] in PICTURES
    asked = said[i] in _OF_VERBS and said[0] not in DESCRIBING
    return said[i] in _TIES and not collected and not pictured and not asked


@lru_cache(maxsize=64)
def _class_words(classes: tuple[str, ...]) -> frozenset[str]:
    """The words of the classes' names, of their kinds' and of what else they are called."""
    known = {*map(canonical, classes)}
    known |= {kind for general in known & TAXONOMY.keys() for kind in TAXONOMY[general]}
    names = {name for c in known for name in (*noun_of(c).names, *noun_of(c).plurals, *noun_of(c).heard)}
    names |= {
        form for c in known for name in (*SYNONYMS.get(c, ()), *UNDERSTOOD.get(c, ())) for form in (name, plural(name))
    }
    return frozenset(word for name in names for word in words(name))
