"""What classes are called besides their names: words that `freely` says, and words that only `plain` understands."""

from __future__ import annotations

from collections.abc import Mapping

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "airplane": ("aeroplane", "jet", "airliner"),
    "airport": ("airfield", "aerodrome"),
    "baseball field": ("baseball pitch", "ball field"),
    "chimney": ("smokestack", "smoke stack"),
    "expressway service area": ("rest area", "highway service area", "rest stop"),
    "expressway toll station": ("toll plaza", "toll gate", "toll booth"),
    "golf field": ("golf links",),
    "ground track field": ("athletics field", "sports track", "track field", "track and field ground"),
    "harbor": ("port", "pier", "wharf", "jetty"),
    "overpass": ("flyover", "highway overpass", "viaduct"),
    "parking lot": ("parking area",),
    "roundabout": ("traffic circle",),
    "ship": ("marine vessel",),
    "soccer field": ("soccer pitch", "football pitch"),
    "stadium": ("sports stadium", "arena"),
    "storage tank": ("oil tank", "fuel tank"),
    "train station": ("rail station", "railroad station"),
    "windmill": ("turbine", "wind mill"),
}
"""By canonical class, in the singular. `freely` draws from these, so another name here is another draw for the same seed."""
UNDERSTOOD: Mapping[str, tuple[str, ...]] = {
    category: tuple(names.split(", "))
    for category, names in {
        "airplane": "passenger plane, passenger jet, fighter jet, private jet, airbus, boeing",
        "baseball field": "ballpark, diamond",
        "building": "warehouse, office building",
        "car": "automobile, light duty vehicle, sedan",
        "freeway": "highway, expressway",
        "ground track field": "track and field, running field",
        "harbor": "marina, quay",
        "person": "pedestrian",
        "pond": "reservoir",
        "road": "street",
        "ship": "container ship, cargo ship, cruise ship, oil tanker, yacht, sailboat, motorboat, fishing boat",
        "soccer field": "soccer ball field",
        "stadium": "football stadium, soccer stadium, baseball stadium",
        "storage tank": "oil storage tank",
        "swimming pool": "pool",
        "truck": "pickup truck",
    }.items()
}
"""The same, understood and never said."""
