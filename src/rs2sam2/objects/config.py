"""What an object-first model is made of. No torch here."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rs2sam2.config import LiteConfig, build, require_positive
from rs2sam2.data.language.lexicon import noun_of
from rs2sam2.errors import UsageError

FAMILY = "object-first"
CONFIG_VERSION = 2

THINGS = (
    "airplane", "airport", "baseball field", "basketball court", "bridge", "chimney", "dam", "golf field",
    "ground track field", "harbor", "overpass", "expressway service area", "expressway toll station", "ship", "stadium",
    "storage tank", "tennis court", "train station", "vehicle", "windmill",
    "car", "truck", "bus", "van", "building", "house", "tree", "helicopter", "swimming pool", "roundabout",
    "soccer field", "container crane", "intersection", "parking lot", "school", "industrial area", "pond", "person",
    "field", "cyclist",
)  # fmt: skip
"""Classes that come one by one: they get centres and boxes. The first twenty are RRSIS-D's."""
STUFF = (
    "road", "freeway", "river", "railway tracks", "vegetation", "water", "land", "low vegetation", "forest", "farmland",
    "pavement", "unpaved ground",
)  # fmt: skip
"""Classes that cover ground: they get a map alone."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(f"configuration: {message}")


@dataclass(frozen=True, kw_only=True)
class ObjectFirstConfig:
    """An object-first model. Raises UsageError for shapes that cannot be built."""

    name: str = "nano"
    image_size: int = 640
    closer_size: int = 384  # side of the square in which a small thing is looked at again
    ground_size: int = 800  # side of the square in which ground is looked at, in larger images
    trunk: LiteConfig = field(default_factory=LiteConfig)
    pyramid: int = 96  # channels of the maps that objects are found in
    width: int = 160  # of the tokens
    depth: int = 4  # layers in which tokens look at each other
    heads: int = 5
    candidates: int = 128  # objects proposed in an image
    refinements: int = 2  # steps in which their boxes are corrected
    things: tuple[str, ...] = THINGS
    stuff: tuple[str, ...] = STUFF
    untaught: tuple[str, ...] = ()
    """Classes that no training image showed, or too few: known by name alone, so that nothing is believed to be one."""
    vocabulary: int = 1008
    max_tokens: int = 64
    presence_slope: float = 1.0
    """Calibration on held-out phrases: presence = sigmoid(slope * logit + offset)."""
    presence_offset: float = 0.0
    min_score: float = 0.5
    """Below this presence the default answer is "not here"; chosen on held-out phrases."""

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built, and values of another type."""
        self._check_types()
        for wrong, message in (
            (
                any(side % 32 or side < 32 for side in (self.image_size, self.closer_size, self.ground_size)),
                f"image_size {self.image_size}, closer_size {self.closer_size} and ground_size {self.ground_size} must "
                "be multiples of 32",
            ),
            (self.width % self.heads, f"width {self.width} is not divisible by heads {self.heads}"),
            (self.pyramid % 16, f"pyramid {self.pyramid} must be a multiple of 16"),
            (
                self.candidates > (self.image_size // 8) ** 2,
                f"candidates {self.candidates} are more than the {(self.image_size // 8) ** 2} cells of image_size "
                f"{self.image_size}, a cell being 8 pixels wide",
            ),
            (not self.things, "things must name at least one class"),
            (len(set(self.classes)) < len(self.classes), "a class is named twice"),
            (
                not set(self.untaught) <= set(self.classes),
                f"untaught names {', '.join(sorted(set(self.untaught) - set(self.classes)))}, which is no class",
            ),
        ):
            _require(not wrong, message)

    def _check_types(self) -> None:
        """Each value is of its default's type: sizes whole numbers >= 1, other numbers finite, classes text."""
        _require(isinstance(self.trunk, LiteConfig), f"trunk must be a LiteConfig, got {self.trunk!r}")
        for name, default in ((f.name, f.default) for f in dataclasses.fields(self) if f.name != "trunk"):
            value = getattr(self, name)
            if isinstance(default, int):
                require_positive(self, "", name)
            elif isinstance(default, float):
                number = type(value) in (int, float) and -1e30 < value < 1e30  # no NaN, no infinity
                _require(number, f"{name} {value!r} must be a finite number")
            elif isinstance(default, tuple):
                names = isinstance(value, tuple) and all(isinstance(v, str) for v in value)
                _require(names, f"{name} must be a list of names, got {value!r}")
            else:
                _require(isinstance(value, str), f"{name} must be text, got {value!r}")

    @property
    def classes(self) -> tuple[str, ...]:
        """Things, then stuff."""
        return (*self.things, *self.stuff)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Which of `classes` a canonical name is, in either number: "solar panels" where the class is "solar panel"."""
        nouns = [noun_of(name) for name in self.classes]
        forms = {form: i for i, noun in enumerate(nouns) for form in (noun.names[0], noun.plurals[0])}
        return forms | {name: i for i, name in enumerate(self.classes)}

    @property
    def taught(self) -> tuple[str, ...]:
        """The classes that training images showed."""
        return tuple(name for name in self.classes if name not in self.untaught)

    def to_json(self) -> str:
        """Readable JSON that `from_json` reads back exactly."""
        head: dict[str, Any] = {"format": "rs2sam2", "family": FAMILY, "version": CONFIG_VERSION}
        return json.dumps(head | dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ObjectFirstConfig:
        """The configuration of `to_json`'s text; UsageError for another family or version, an unknown key or a wrong value."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"configuration is not JSON ({error})") from None
        if not isinstance(data, dict) or data.pop("format", None) != "rs2sam2" or data.pop("family", None) != FAMILY:
            raise UsageError(f"configuration is not of the family {FAMILY!r}")
        if (version := data.pop("version", None)) != CONFIG_VERSION:
            older = isinstance(version, int) and version < CONFIG_VERSION
            todo = "train the model again, or read it with the release that wrote it" if older else "update rs2sam2"
            raise UsageError(f"configuration version {version}; this release reads {CONFIG_VERSION}: {todo}")
        known = {f.name for f in dataclasses.fields(cls)}
        if unknown := sorted(data.keys() - known):
            raise UsageError(f"configuration has unknown keys {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        trunk: LiteConfig = build(LiteConfig, data.pop("trunk", None), "trunk.")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(trunk=trunk, **values)
