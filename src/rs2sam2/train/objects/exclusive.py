"""What ground a labelled pixel cannot be, whatever its data set has labels for.

A set that outlines tennis courts and nothing else still says that no court is water. Without that, ground is learned from
the few sets that label it, and what is green elsewhere is taken for their lagoons.
"""

from __future__ import annotations

from collections.abc import Mapping

from rs2sam2.data.language.lexicon import canonical

_WATER = ("water", "river")
_GREEN = ("vegetation", "low vegetation", "forest", "farmland")
_LINES = ("road", "freeway", "railway tracks")
_BARE = ("pavement", "unpaved ground", "land")
# classes that label a pixel, and the ground that it then is not. A class that covers several kinds of ground (an airport, a
# golf field, a harbor with its water) says nothing, nor do two that annotators draw differently (a verge is road or green)
_RULES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("airplane", "helicopter", "storage tank", "building", "house", "chimney", "container crane"),
     (*_WATER, *_GREEN, *_LINES)),
    (("vehicle", "car", "truck", "bus", "van"), (*_WATER, *_GREEN, "railway tracks")),
    (("ship",), (*_GREEN, *_LINES, *_BARE)),
    (("tennis court", "basketball court"), (*_WATER, *_GREEN, *_LINES)),
    (("baseball field", "ground track field", "soccer field"), (*_WATER, *_LINES, "forest", "farmland")),
    (("bridge",), (*_WATER, *_GREEN)),
    (("tree", *_GREEN), (*_WATER, *_LINES, "pavement")),
    (("road", "freeway", "railway tracks", *_BARE), (*_WATER, "forest", "farmland")),
    (("water", "river", "pond", "swimming pool"), (*_GREEN, *_LINES, *_BARE)),
)  # fmt: skip
EXCLUDED: Mapping[str, frozenset[str]] = {
    canonical(name): frozenset(canonical(other) for names, others in _RULES if name in names for other in others)
    for name in {name for names, _ in _RULES for name in names}
}
"""By canonical class of a pixel: canonical classes of ground that it is not."""
