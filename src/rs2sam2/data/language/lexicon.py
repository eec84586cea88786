"""The words: nouns for object classes with their plurals, and the words for colours, sizes, shapes, counts and ranks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Noun:
    """How a class is spoken of: `names` in the singular, the first is its canonical name; `mass` nouns have no plural."""

    names: tuple[str, ...]
    mass: bool = False
    plural_names: tuple[str, ...] = ()

    @property
    def plurals(self) -> tuple[str, ...]:
        """The plural of each name, the name itself for mass nouns."""
        return self.plural_names or (self.names if self.mass else tuple(plural(name) for name in self.names))


_ONE_AND_MANY = ("craft", "tracks", "quarters", "works", "barracks", "crossroads", "series", "species")
"""Endings of nouns that are one and many alike."""


def plural(name: str) -> str:
    """The regular English plural of a noun's last word."""
    if name.endswith(_ONE_AND_MANY):
        return name
    if name.endswith(("s", "x", "sh", "ch")):
        return name + "es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


def singular(name: str) -> str:
    """The singular of a noun that reads like a regular plural ("solar panels"), else the noun itself."""
    if not name.endswith("s") or name.endswith(("ss", "us", "is", "ves", "gas", "lens", "canvas", *_ONE_AND_MANY)):
        return name
    if name.endswith("ies"):
        return name[:-3] + "y"
    return name[:-2] if name.endswith(("xes", "shes", "ches", "sses")) else name[:-1]


def _nouns() -> dict[str, Noun]:
    countable = """
        airplane, plane, aircraft; airport; baseball field, baseball diamond; basketball court; bridge; chimney; dam;
        golf field, golf course; ground track field, running track, athletics track; harbor, harbour, dock; overpass;
        expressway service area, service area; expressway toll station, toll station; ship, boat, vessel; stadium;
        storage tank, tank; tennis court; train station, railway station; vehicle; windmill, wind turbine;
        car; truck, lorry; bus; van, minibus; building; house; road; tree; helicopter; swimming pool; roundabout;
        soccer field, football field; container crane; crane; freeway, motorway; intersection, crossroads;
        parking lot, car park; school; industrial area; field; pond, lake; river; person; cyclist; outdoor structure
    """
    mass = (
        "vegetation; water; land, bare land; low vegetation; forest; farmland; pavement, paved ground; unpaved ground"
    )
    table = {}
    for entry in " ".join(countable.split()).split("; "):
        names = tuple(entry.split(", "))
        table[names[0]] = Noun(names)
    for entry in mass.split("; "):
        names = tuple(entry.split(", "))
        table[names[0]] = Noun(names, mass=True)
    table["railway tracks"] = Noun(("railway tracks", "train tracks"), mass=True)
    table["person"] = Noun(("person",), plural_names=("people",))
    table["intersection"] = Noun(("intersection",))
    return table


NOUNS = _nouns()
"""Known classes by canonical name: RRSIS-D's 20, those of common detection and land-cover sets."""

# Names under which data sets file a class, where removing spaces and case does not already lead to one in NOUNS.
_FILED_AS = {
    "plants": "vegetation",
    "tracks": "railway tracks",
    "nonpavedground": "unpaved ground",
    "impervioussurface": "pavement",
    "impervious": "pavement",
    "barren": "land",
    "ground": "land",
    "agriculture": "farmland",
    "parking": "parking lot",
    "industrial": "industrial area",
    "smallvehicle": "vehicle",
    "largevehicle": "vehicle",
    "footballpitch": "soccer field",
    "oiltank": "storage tank",
}
NOT_THINGS = frozenset({"unlabeled", "background", "ignore", "clutter", "none", "ignore boundary"})
"""Label names that stand for "nothing in particular"; nothing is said about them."""

NETWORKS = frozenset({"road", "freeway", "river", "railway tracks"})
"""Classes that run through the image in pieces: nobody ranks or places the pieces like things."""

KINDS_OF = {"vehicle": frozenset({"car", "truck", "bus", "van"})}

COLOR_WORDS = {
    "white": "white", "gray": "gray", "grey": "gray", "black": "black", "red": "red", "orange": "orange",
    "yellow": "yellow", "green": "green", "cyan": "cyan", "blue": "blue", "purple": "purple", "pink": "pink",
    "brown": "brown",
}  # fmt: skip
SIZE_WORDS = {
    "tiny": "tiny", "small": "small", "little": "small", "large": "large", "big": "large", "huge": "huge",
}  # fmt: skip
SHAPE_WORDS = {
    "slender": "slender", "long": "slender", "elongated": "slender", "narrow": "slender", "round": "round",
    "rounded": "round", "circular": "round", "oval": "oval", "rectangular": "rectangular", "square": "square",
}  # fmt: skip
COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
RANKS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
FEW = 4
"""Up to this many, people count at a glance; larger groups are "all", not "the seven"."""


def _squash(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _filed() -> dict[str, str]:
    table = {_squash(name): canonical_name for canonical_name, noun in NOUNS.items() for name in noun.names}
    for canonical_name, noun in NOUNS.items():
        table |= {_squash(name): canonical_name for name in noun.plurals}
    return table | _FILED_AS


@cache
def canonical(category: str) -> str:
    """The canonical name of a data set's class: "Expressway-Service-area" is "expressway service area".

    Text in brackets and after a slash is left out; a class nobody knows keeps its own name in lower case.
    """
    name = re.sub(r"\(.*?\)", " ", category.lower()).split("/")[0]
    name = " ".join(re.sub(r"[^a-z0-9]+", " ", name).split())
    return _filed().get(_squash(name), name or category.lower())


@cache
def noun_of(category: str) -> Noun:
    """The noun of a class, made up by the regular rules where the class is not in the lexicon.

    A class that is filed in the plural keeps its canonical name and is spoken of as one: "the solar panel".
    """
    name = canonical(category)
    if name in NOUNS:
        return NOUNS[name]
    one = singular(name)
    return Noun((one,), plural_names=(name,)) if one != name else Noun((name,))


def covers(category: str, present: Iterable[str]) -> frozenset[str]:
    """The canonical classes a noun means, given those annotated: "vehicle" covers cars; "car" a set's only "vehicle"."""
    name, there = canonical(category), frozenset(present)
    wanted = frozenset({name}) | KINDS_OF.get(name, frozenset())
    if not wanted & there:
        wanted = frozenset(general for general, kinds in KINDS_OF.items() if name in kinds and general in there)
    return wanted & there
