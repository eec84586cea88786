"""The words: nouns for object classes with their plurals, and the words for colours, sizes, shapes, counts and ranks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from rs2sam2.data.language.synonyms import SYNONYMS, UNDERSTOOD


@dataclass(frozen=True)
class Noun:
    """How a class is spoken of: `names` in the singular, the first is its canonical name; `mass` nouns have no plural.

    `heard`: names that are understood in either number and never said, as their number does not show.
    """

    names: tuple[str, ...]
    mass: bool = False
    plural_names: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()

    @property
    def plurals(self) -> tuple[str, ...]:
        """The plural of each name, the name itself for mass nouns."""
        return self.plural_names or (self.names if self.mass else tuple(plural(name) for name in self.names))


_ONE_AND_MANY = (
    "craft", "tracks", "quarters", "works", "barracks", "crossroads", "series", "species", "sheep", "cattle", "deer",
)  # fmt: skip
"""Endings of nouns that are one and many alike."""
_IRREGULAR = {
    "oasis": "oases", "volcano": "volcanoes", "tornado": "tornadoes", "torpedo": "torpedoes", "prairie": "prairies",
    "gas": "gases", "lens": "lenses", "canvas": "canvases", "atlas": "atlases", "bus": "buses", "cache": "caches",
    "crevasse": "crevasses", "avalanche": "avalanches",
}  # fmt: skip
"""Endings that the rules would misspell, in one direction or the other."""
_VES = {
    "wharves": "wharf", "leaves": "leaf", "shelves": "shelf", "halves": "half", "wolves": "wolf", "calves": "calf",
    "hooves": "hoof", "scarves": "scarf", "loaves": "loaf", "knives": "knife", "thieves": "thief",
}  # fmt: skip
"""Plurals of nouns in -f; what else ends in -ves has its own e ("groves", "curves")."""


_MASS = (
    "asphalt", "concrete", "cover", "cropland", "debris", "desert", "farmland", "forest", "grass", "grassland", "gravel",
    "ice", "land", "lichen", "moss", "mud", "ocean", "pasture", "rubble", "sand", "scrub", "sea", "sediment", "shrubland",
    "snow", "soil", "tundra", "turf", "vegetation", "water", "wetland", "woodland",
)  # fmt: skip
"""Last words of land cover that a set names in its own way ("sparse vegetation", "snow and ice"): it is not counted."""


def plural(name: str) -> str:
    """The English plural of a noun's last word."""
    manies = _IRREGULAR | {one: many for many, one in _VES.items()}
    if (one := next((one for one in manies if name.endswith(one)), None)) is not None:
        return name.removesuffix(one) + manies[one]
    if name.endswith(_ONE_AND_MANY):
        return name
    if name.endswith(("s", "x", "sh", "ch")):
        return name + "es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


def singular(name: str) -> str:
    """The singular of a noun that reads like a plural ("solar panels"), else the noun itself."""
    ones = {many: one for one, many in _IRREGULAR.items()} | _VES
    if (many := next((many for many in ones if name.endswith(many)), None)) is not None:
        return name.removesuffix(many) + ones[many]
    if not name.endswith("s") or name.endswith(("ss", "us", "is", *_ONE_AND_MANY, *_IRREGULAR)):
        return name
    last = name.split()[-1]
    if last.endswith("ies") and len(last) > len("ties"):
        return name[:-3] + "y"
    latin = last.endswith("uses") and not last.endswith(("ouses", "auses")) and len(last) > len("fuses")
    return name[:-2] if latin or last.endswith(("xes", "shes", "ches", "sses")) else name[:-1]


def _nouns() -> dict[str, Noun]:
    countable = """
        airplane, plane, aircraft; airport; baseball field, baseball diamond; basketball court; bridge; chimney; dam;
        golf field, golf course; ground track field, running track, athletics track; harbor, harbour, dock; overpass;
        expressway service area, service area; expressway toll station, toll station; ship, boat, vessel; stadium;
        storage tank, tank; tennis court; train station, railway station; vehicle; windmill, wind turbine;
        car; truck, lorry; bus; van, minibus; building; house; road; tree; helicopter; swimming pool; roundabout;
        soccer field, football field; container crane; crane; freeway, motorway; intersection;
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
    table["intersection"] = Noun(("intersection",), heard=("crossroads",))
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
    "soccerballfield": "soccer field",
}
NOT_THINGS = frozenset({"unlabeled", "background", "ignore", "clutter", "none", "ignore boundary"})
"""Label names that stand for "nothing in particular"; nothing is said about them."""

NETWORKS = frozenset({"road", "freeway", "river", "railway tracks"})
"""Classes that run through the image in pieces: nobody ranks or places the pieces like things."""

TAXONOMY = {
    "vehicle": frozenset({"car", "truck", "bus", "van"}),
    "building": frozenset({"house"}),
    "road": frozenset({"freeway"}),
    "water": frozenset({"river", "pond"}),
    "farmland": frozenset({"field"}),
}
"""By general class the kinds of it: "the buildings" are the houses, too, and a house is a building to who knows no houses."""
KINDS_OF = {"vehicle": TAXONOMY["vehicle"]}
"""Of these, what one annotator calls by the general name and another by its own: where one is annotated, so is the other."""

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
    return "".join(letter for letter in name.lower() if letter.isalnum())


@cache
def _filed() -> dict[str, str]:
    table = {_squash(name): canonical_name for canonical_name, noun in NOUNS.items() for name in noun.names}
    for canonical_name, noun in NOUNS.items():
        table |= {_squash(name): canonical_name for name in (*noun.plurals, *noun.heard)}
    return table | _FILED_AS


@cache
def canonical(category: str) -> str:
    """The canonical name of a data set's class: "Expressway-Service-area" is "expressway service area".

    Text in brackets is left out, and so is what follows a slash after a noun that is known ("ship/boat"); a class nobody
    knows keeps its own name in lower case.
    """
    name = re.sub(r"\(.*?\)", " ", category.lower())
    before = _words(name.split("/")[0])
    name = before if _squash(before) in _filed() or before in _MASS else _words(name)
    return _filed().get(_squash(name), name or category.lower())


def _words(name: str) -> str:
    return " ".join("".join(letter if letter.isalnum() else " " for letter in name).split())


@cache
def noun_of(category: str) -> Noun:
    """The noun of a class, made up by the regular rules where the class is not in the lexicon.

    A class that is filed in the plural keeps its canonical name and is spoken of as one: "the solar panel".
    """
    name = canonical(category)
    if name in NOUNS:
        return NOUNS[name]
    if name.split()[-1:] and name.split()[-1] in _MASS:
        return Noun((name,), mass=True)
    one = singular(name)
    return Noun((one,), plural_names=(name,)) if one != name else Noun((name,))


def covers(category: str, present: Iterable[str]) -> frozenset[str]:
    """The canonical classes a noun means, given those annotated: "vehicle" covers cars; "car" a set's only "vehicle"."""
    name, there = canonical(category), frozenset(present)
    return _meant(name) & there or frozenset(general for general in there if name in _meant(general))


@cache
def _meant(name: str) -> frozenset[str]:
    """A class, its kinds, and what these are called besides where a set has that as a class: a warehouse is a building."""
    classes = {name, *TAXONOMY.get(name, ())}
    others = [other for c in classes for other in (*SYNONYMS.get(c, ()), *UNDERSTOOD.get(c, ()))]
    return frozenset(classes | {canonical(form) for other in others for form in (other, plural(other))} - NOUNS.keys())
