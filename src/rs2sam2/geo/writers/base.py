"""What every writer is told and does."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rs2sam2.config import ProcessorConfig
    from rs2sam2.geo.blending import Band
    from rs2sam2.geo.options import SceneOptions
    from rs2sam2.geo.result import Feature
    from rs2sam2.geo.scene import Scene


@dataclass(frozen=True)
class About:
    """What the results are about: the scene, the phrases, and what found them."""

    scene: Scene
    phrases: tuple[str, ...]
    model: str
    revision: str
    version: str  # of this package
    time: (
        datetime.datetime
    )  # of the scene, which stands in files where a time has to, so that the same input gives the same bytes
    decision: ProcessorConfig
    options: SceneOptions

    def attributes(self, feature: Feature) -> dict[str, object]:
        """A feature's attributes in every vector format."""
        return {
            "phrase": feature.phrase,
            "score": feature.score,
            "area_m2": feature.area_m2,
            "pixels": feature.pixels,
            "source": self.scene.source,
            "model": self.model,
            "revision": self.revision,
        }


class Writer:
    """Gets bands and features as they come; `finish` completes the file, which nobody sees before."""

    def __init__(self, path: Path, about: About) -> None:
        """``path`` is a temporary name in an empty folder of its own."""
        self.path, self.about = path, about

    def band(self, band: Band) -> None:
        """The next rows of masks."""

    def features(self, phrase: int, features: Sequence[Feature]) -> None:
        """Some features of phrase number ``phrase``."""

    def finish(self) -> None:
        """Complete and close the file."""

    def close(self) -> None:
        """Let go of the file, complete or not."""
