"""What segmenting a scene gives: features, a summary for each phrase, files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shapely import Polygon

    from rs2sam2.geo.ground import Ground
    from rs2sam2.geo.scope import Scope


@dataclass(frozen=True)
class Feature:
    """A connected piece of a phrase's mask.

    ``outline`` is its polygon in pixels of the scene (column, row); `SceneResult.geometry` places it in the scene's CRS.
    ``score`` is presence where it was trained, else the mean probability, over its ``pixels``. ``area_m2`` is the
    polygon's area on the ellipsoid, None without a CRS.
    """

    phrase: str
    outline: Polygon
    pixels: int
    score: float
    area_m2: float | None


@dataclass(frozen=True)
class PhraseSummary:
    """One phrase in one scene: how it was asked, how many features, their pixels and square metres, the best score.

    ``seen_at_m`` is, with scope scene, how many metres a pixel had in the coarse look that picked the place.
    """

    phrase: str
    scope: Scope
    features: int
    pixels: int
    area_m2: float | None
    score: float
    seen_at_m: float | None = None


@dataclass(frozen=True)
class SceneResult:
    """``features`` are None where they were not to be kept. ``unreadable`` says which tiles could not be read."""

    source: str
    ground: Ground
    tile_size: int
    tiles: int
    phrases: tuple[PhraseSummary, ...]
    outputs: tuple[Path, ...]
    unreadable: tuple[str, ...]
    features: tuple[Feature, ...] | None

    @property
    def empty(self) -> bool:
        """Whether nothing was found for any phrase."""
        return all(p.features == 0 for p in self.phrases)

    def geometry(self, feature: Feature) -> Any:
        """A feature's polygon in the scene's CRS (in pixels where it has none)."""
        return self.ground.place([feature.outline])[0]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything but the features."""
        return {
            "source": self.source,
            "size": list(self.ground.size),
            "crs": None if self.ground.crs is None else self.ground.crs.to_string(),
            "tile_size": self.tile_size,
            "tiles": self.tiles,
            "phrases": [vars(p) for p in self.phrases],
            "outputs": [str(p) for p in self.outputs],
            "unreadable": list(self.unreadable),
        }
