"""The part of a recipe that belongs to RS2-SAM2: where it starts, what is trained, on which data, by which losses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from rs2sam2.data.augmentation import Augmentation
from rs2sam2.train.build import require
from rs2sam2.train.rs2sam2.components import COMPONENTS


@dataclass(frozen=True, kw_only=True)
class Init:
    """What the weights start from."""

    weights: str | None = None
    """A weights folder (what import-weights made, or of an earlier run), or a hub id; None starts fresh."""
    revision: str | None = None
    subfolder: str | None = None
    vocabulary: str | None = None
    """Sentencepiece file; None takes what lies beside the weights. "nano" is the one in the package."""
    lite0: str | None = None
    """EfficientNet-Lite0's ImageNet weights (a .pth file) for a trunk of kind lite that starts fresh."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Where samples come from."""

    root: str
    """Folder of the data set."""
    layout: str | None = None
    """Its layout, where it cannot be seen from the files."""
    more: tuple[str, ...] = ()
    """Further folders to train on."""
    train: str = "train"
    val: str | None = "val"
    phrases_per_image: int = 1
    """1: an item is a phrase with its image. More: an item is an image with up to so many of its phrases, drawn anew
    in each epoch, which share what the model computes of the image."""
    no_target: float = 0.0
    """Share of the phrases that are made no-target ones: an item asks for a class that its image is not known to have.
    Beside the data set's own. Needs samples with categories."""
    limit: int | None = None
    """Train on so many samples, evenly spaced."""
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        require(self.phrases_per_image >= 1, f"data.phrases_per_image {self.phrases_per_image} must be at least 1")
        require(0 <= self.no_target < 1, f"data.no_target {self.no_target} must be in [0, 1)")
        require(self.limit is None or self.limit >= 1, f"data.limit {self.limit} must be at least 1, or null")


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Weights of the losses; what weighs 0 is not computed. The defaults are the released scripts'."""

    ce: float = 0.9
    dice: float = 0.1
    focal: float = 0.0
    boundary: float = 0.2
    mask_prompt: float = 0.0
    """Deep supervision of the mask prompt."""
    presence: float = 0.0
    """The object score says whether there is a target. The model is then saved as one that can say so."""
    iou: float = 0.0
    """The predicted IoU."""
    boundary_kind: Literal["released", "soft"] = "released"
    per_sample: bool = False
    """Cross-entropy and Dice within each sample, then their mean; else over the micro-batch, as released."""
    targets_only: bool = False
    """The mask learns from phrases with a target alone."""
    resolution: Literal["image", "logits"] = "image"
    """`image`: logits enlarged to the image's size. `logits`: targets averaged to a quarter of it; cheaper."""

    def __post_init__(self) -> None:
        weights = {n: getattr(self, n) for n in ("ce", "dice", "focal", "boundary", "mask_prompt", "presence", "iou")}
        require(all(w >= 0 for w in weights.values()), f"losses {weights} must not be negative")
        require(any((self.ce, self.dice, self.focal)), "losses.ce, dice and focal are all 0: nothing teaches the mask")
        require(
            self.boundary_kind in ("released", "soft"),
            f"losses.boundary_kind {self.boundary_kind!r} must be released or soft",
        )
        require(
            self.resolution in ("image", "logits"), f"losses.resolution {self.resolution!r} must be image or logits"
        )
        require(
            self.resolution == "image" or self.per_sample,
            "losses.resolution logits has soft targets: set losses.per_sample to true",
        )
        require(
            self.resolution == "image" or self.boundary == 0 or self.boundary_kind == "soft",
            "losses.resolution logits has soft targets: set losses.boundary to 0 or losses.boundary_kind to soft",
        )


@dataclass(frozen=True, kw_only=True)
class LoRA:
    """Low-rank updates of BEiT-3's linear layers instead of training it whole."""

    rank: int
    alpha: float = 16.0
    layers: Literal["attention", "all"] = "attention"

    def __post_init__(self) -> None:
        require(self.rank >= 1, f"lora.rank {self.rank} must be at least 1")


@dataclass(frozen=True, kw_only=True)
class Options:
    """See `Recipe` for the rest."""

    data: Data
    init: Init = field(default_factory=Init)
    model: dict[str, Any] = field(default_factory=dict)
    """Changes to the configuration of the weights, or with `preset` (default large) of a model that starts fresh."""
    freeze: tuple[str, ...] = ()
    """Components that are not trained, see `components.py`."""
    losses: Losses = field(default_factory=Losses)
    lora: LoRA | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.freeze if name not in COMPONENTS]
        require(not unknown, f"freeze names {', '.join(unknown)}; the components are {', '.join(COMPONENTS)}")
