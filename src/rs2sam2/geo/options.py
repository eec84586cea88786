"""Everything that decides what is found in a scene and how it is written, as one value that checks itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from rs2sam2.errors import UsageError
from rs2sam2.geo.scope import ScopeOption
from rs2sam2.geo.tiles import OVERLAP


@dataclass(frozen=True)
class SceneOptions:
    """How to look at a scene. Raises UsageError for values that make no sense.

    ``bands``: three numbers from 1 for red, green, blue, or one for grey; None chooses. ``stretch``: auto, none, "2,98"
    (percentiles), "0:3000" (values). ``tile_size``: pixels of the scene a side; None takes the model's working size, one to
    one. ``gsd``: metres a pixel to work at, instead of ``tile_size``. ``overlap``: share of a tile. ``scope``: auto, tile
    or scene (see `rs2sam2.geo.scope`). ``min_score``: a tile (or, with scope scene, the scene) whose score is lower stays
    empty; None takes what the weights say. ``simplify``: metres by which outlines may differ from the mask.
    ``min_area``: square metres (both in pixels where a scene has no CRS). ``layers``: one layer with the attribute phrase,
    or one for each phrase. ``probabilities``: .tif holds them instead of the mask. ``batch_size``: pairs of tile and phrase
    at a time (None: what the model says). ``workers``: threads that read. ``skip_unreadable``: leave tiles that cannot be
    read empty, as nodata.
    """

    bands: tuple[int, ...] | None = None
    stretch: str = "auto"
    tile_size: int | None = None
    gsd: float | None = None
    overlap: float = OVERLAP
    scope: ScopeOption = "auto"
    min_score: float | None = None
    simplify: float = 0.0
    min_area: float = 0.0
    layers: Literal["one", "phrase"] = "one"
    probabilities: bool = False
    batch_size: int | None = None
    workers: int = 2
    skip_unreadable: bool = False

    def __post_init__(self) -> None:
        if self.tile_size is not None and self.gsd is not None:
            raise UsageError("--tile-size and --gsd both set the working resolution; give one of them")
        if self.gsd is not None and not 0 < self.gsd < math.inf:
            raise UsageError(f"--gsd {self.gsd:g} was given; a ground sampling distance is more than 0 metres a pixel")
        if self.tile_size is not None and not (isinstance(self.tile_size, int | np.integer) and self.tile_size >= 1):
            raise UsageError(f"--tile-size {self.tile_size} was given; give a whole number of pixels, 1 or more")
        bands = () if self.bands is None else tuple(self.bands)
        if not all(isinstance(band, int | np.integer) and band >= 1 for band in bands):
            given = self.bands if isinstance(self.bands, str) else ",".join(map(str, bands))
            raise UsageError(f"--bands {given} was given; bands are whole numbers from 1")
        if self.scope not in get_args(ScopeOption):
            raise UsageError(f"--scope {self.scope} was given; choose one of {', '.join(get_args(ScopeOption))}")
        if self.layers not in ("one", "phrase"):
            raise UsageError(f"--layers {self.layers} was given; choose one or phrase")
        if not 0 <= self.overlap <= 0.5:
            raise UsageError(f"--overlap {self.overlap:g} was given; give a share between 0 and 0.5")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise UsageError(f"--min-score {self.min_score:g} was given; scores lie between 0 and 1")
        if not (0 <= self.simplify < math.inf and 0 <= self.min_area < math.inf):
            raise UsageError("--simplify and --min-area are metres and square metres, 0 or more")
        if self.batch_size is not None and self.batch_size < 1:
            raise UsageError(f"--batch-size {self.batch_size} was given; give 1 or more")
        if self.workers < 1:
            raise UsageError(f"--workers {self.workers} was given; one thread at least has to read")
