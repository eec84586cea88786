"""The part of a recipe that belongs to the object-first model: where it starts, what it looks at, by which losses it learns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from rs2sam2.train.build import require

_NEEDED = {
    "coco": ("annotations", "images"),
    "masks": ("masks", "images", "labels"),
    "instances": ("masks", "images", "category"),
    "mosaic": ("labels",),
    "pasted": ("layouts", "labels"),
}
"""What each kind of pool is read from."""


@dataclass(frozen=True, kw_only=True)
class Init:
    """What the weights start from."""

    weights: str | None = None
    """A folder of an object-first model, "nano" for the bundled one, or a hub id; None starts fresh."""
    lite0: str | None = None
    """EfficientNet-Lite0's ImageNet weights (a .pth file) for a trunk that starts fresh."""
    vocabulary: str | None = None
    """Sentencepiece file; None takes what lies beside the weights, or for a fresh start the one in the package."""

    def __post_init__(self) -> None:
        require(
            self.weights is None or self.lite0 is None,
            "init.lite0 is for a fresh start; leave it out, or set --init.weights=null",
        )


@dataclass(frozen=True, kw_only=True)
class PoolOptions:
    """A folder of labelled imagery. Paths are relative to `data.root`."""

    kind: Literal["coco", "masks", "instances", "mosaic", "pasted"]
    """`coco`: a COCO instances file. `masks`: PNGs of one value a class. `instances`: PNGs of one value an object of
    `category`. `mosaic`: a CSV file of pictures that are each filled by one thing. `pasted`: layouts, filled with objects
    of the other pools, on the pictures of a CSV file that hold nothing."""
    weight: float
    """How often a view is drawn from it, against the other pools."""
    zoom: float = 0.5
    """Share of its views that close in on an object."""
    annotations: str | None = None
    images: str | None = None
    masks: str | None = None
    labels: str | None = None
    """Of `masks`: JSON with the name of each value. Of `mosaic` and `pasted`: CSV with the columns file and category."""
    layouts: str | None = None
    """Of `pasted`, as in `data.layouts`."""
    category: str | None = None
    grounds: tuple[str, ...] = ("*",)
    """Of `pasted`: patterns of the files of its `labels`, as they are written there, that show none of what is pasted on
    them. Most pictures without a thing to name show vehicles all the same ("aid/DenseResidential/...")."""
    exclude: tuple[str, ...] = ()
    """Patterns of names of image files that are never looked at ("tile7_*")."""
    incomplete: tuple[str, ...] = ()
    """Classes that are annotated in some images only: where none is, nothing is said of them."""
    also: tuple[str, ...] = ()
    """Of `coco`: further instances files about some of the same images, relative to `data.root`, or by the bare name of one
    that comes with the package (`nwpu-water.json`). An image that such a file lists without a class of it shows none. Of
    `mosaic`: where the things of some pictures are, everything of a picture's class; file names are as in `labels`."""

    def check(self, name: str) -> None:
        """Raise UsageError where the pool cannot be as it is, by the name that the recipe gives it."""
        key = f"data.pools.{name}"
        require(self.weight > 0, f"{key}.weight {self.weight} must be above 0; --{key}=null leaves the pool out")
        require(0 <= self.zoom <= 1, f"{key}.zoom {self.zoom} must be in [0, 1]")
        needed = _NEEDED[self.kind]
        fields = ("annotations", "images", "masks", "labels", "category", "layouts")
        given = [n for n in fields if getattr(self, n) is not None]
        require(
            set(given) == set(needed),
            f"{key} of kind {self.kind} is given by {', '.join(needed)}, not by {', '.join(given) or 'nothing'}",
        )
        require(
            self.kind != "pasted" or not self.exclude,
            f"{key} of kind pasted has no exclude; exclude images in the pools that it cuts from",
        )
        require(
            self.kind in ("coco", "mosaic") or not self.also,
            f"{key} of kind {self.kind} has no also; that is for kinds coco and mosaic",
        )
        require(
            self.kind in ("coco", "masks") or not self.incomplete,
            f"{key} of kind {self.kind} has no incomplete; that is for kinds coco and masks",
        )

    def paths(self) -> list[str]:
        """Everything that must be there."""
        return [
            path
            for path in (self.annotations, self.images, self.masks, self.labels, self.layouts, *self.also)
            if path is not None
        ]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Presence is calibrated, whenever weights are kept, on images that are never trained on."""

    share: float = 0.04
    """Of each pool's images that is held out; 0 holds nothing out and calibrates nothing."""
    views: int = 200
    """Drawn once, with their phrases."""

    def __post_init__(self) -> None:
        require(0 <= self.share < 1, f"data.calibration.share {self.share} must be in [0, 1)")
        require(self.views >= 1, f"data.calibration.views {self.views} must be at least 1")


@dataclass(frozen=True, kw_only=True)
class Data:
    """What is looked at, and what is said of it."""

    root: str
    """Folder that holds the pools and the layouts."""
    pools: dict[str, PoolOptions | None]
    """By name; None leaves one out."""
    layouts: str | None = None
    """Real phrases over real layouts, without images (`rrsisd_layouts.jsonl.gz`), relative to `root`."""
    refs: str | None = None
    """A referring data set to validate on."""
    val: str = "val"
    """Its split."""
    views: int = 4000
    """Of an epoch."""
    phrases: int = 11
    """About each view, about."""
    layout_phrases: int = 5
    """About each layout."""
    layouts_beside: int = 1
    """How many layouts accompany each view."""
    imagined: float = 0.0
    """Share of the layouts that are made up, crowded and in rows: there is more to count in them than in real ones."""
    no_target: float = 0.28
    """Share of the phrases that mean nothing in their view."""
    hard: float = 0.65
    """Share of those whose class is there all the same."""
    freely: float = 0.0
    """Share of the phrases that are said as people type them, see `data/language/freely.py`."""
    bank: int = 4000
    """Phrases that are gathered before each epoch, to be asked of views in which they mean nothing."""
    rare: float = 0.005
    """What less than this share of the layouts with a class show beside it is denied where imagery shows that class."""
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        for name, pool in self.pools.items():
            if pool is not None:
                pool.check(name)
        require(any(self.pools.values()), "data.pools are all left out: there is nothing to look at")
        for name in ("views", "phrases", "layout_phrases", "layouts_beside", "bank"):
            require(getattr(self, name) >= 1, f"data.{name} {getattr(self, name)} must be at least 1")
        for name in ("no_target", "hard", "imagined", "freely", "rare"):
            require(0 <= getattr(self, name) <= 1, f"data.{name} {getattr(self, name)} must be in [0, 1]")


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Weights of the losses, see `losses.py`."""

    centre: float = 1.0
    box: float = 1.0
    refine: float = 1.0
    classes: float = 1.0
    choice: float = 1.0
    membership: float = 0.5
    form: float = 0.3
    presence: float = 0.6
    mask: float = 1.0
    free_mask: float = 0.7
    ground: float = 0.7
    layout_choice: float = 0.7
    layout_membership: float = 0.4
    layout_form: float = 0.2
    layout_presence: float = 0.3

    def __post_init__(self) -> None:
        weights = dataclasses.asdict(self)
        require(all(w >= 0 for w in weights.values()), f"losses {weights} must not be negative")
        require(any(weights.values()), "losses are all 0: nothing is learned")


@dataclass(frozen=True, kw_only=True)
class Options:
    """See `Recipe` for the rest."""

    data: Data
    init: Init = field(default_factory=Init)
    model: dict[str, Any] = field(default_factory=dict)
    """Changes to the configuration of the weights, or for a fresh start to that of the bundled model."""
    freeze: tuple[str, ...] = ()
    """Parts of the model that are not trained: `trunk`, `trunk.groups.2`, `pyramid` ...; `stem` is short for the trunk's
    stem and its first two groups."""
    losses: Losses = field(default_factory=Losses)
