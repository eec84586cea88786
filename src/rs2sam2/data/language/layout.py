"""What is annotated in an image, as far as a phrase can speak of it: objects with class, box, area, colour and shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from rs2sam2.data.language.lexicon import canonical, covers
from rs2sam2.data.language.symmetry import Box, Symmetry, swaps_axes, turn_box


@dataclass(frozen=True)
class SceneObject:
    """One annotated object.

    `box` is (x1, y1, x2, y2) and `area` its mask's area, both in pixels (the box's area where there is no mask).
    `colors` are shares of the mask's pixels by colour word, None where nobody looked at the pixels. `aspect` is length
    over width of the smallest enclosing rectangle, `fill` the share of that rectangle the mask covers, None where unknown.
    `visible` is the share of the object that is still inside the frame after a crop. `boxed`: beside objects with masks, only
    the box of this one is known, so that its area does not compare with theirs.
    """

    category: str
    box: Box
    area: float
    colors: Mapping[str, float] | None = None
    aspect: float | None = None
    fill: float | None = None
    visible: float = 1.0
    boxed: bool = field(default=False, repr=False)  # training runs know their images by what is shown of a layout

    @property
    def centre(self) -> tuple[float, float]:
        """The box's centre (x, y) in pixels."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def box_area(self) -> float:
        """The box's area in square pixels, as the benchmark's size words use it."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@dataclass(frozen=True)
class Layout:
    """An image's size in pixels and everything annotated in it. Object indices are positions in `objects`."""

    width: float
    height: float
    objects: tuple[SceneObject, ...] = field(default=())

    def candidates(self, category: str) -> list[int]:
        """Indices of the objects that a noun can mean: its own class and the kinds of it ("vehicle" covers "car")."""
        if category not in self._candidates:
            wanted = covers(category, (canonical(o.category) for o in self.objects))
            self._candidates[category] = [i for i, o in enumerate(self.objects) if canonical(o.category) in wanted]
        return list(self._candidates[category])

    @cached_property
    def _candidates(self) -> dict[str, list[int]]:
        """Answers of `candidates` so far: a program asks again and again."""
        return {}

    def turned(self, symmetry: Symmetry) -> Layout:
        """The layout of the flipped or turned image; object indices stay."""
        width, height = (self.height, self.width) if swaps_axes(symmetry) else (self.width, self.height)
        objects = tuple(replace(o, box=turn_box(o.box, self.width, self.height, symmetry)) for o in self.objects)
        return Layout(width, height, objects)

    def cropped(self, box: Box, areas: Sequence[float] | None = None) -> tuple[Layout, list[int]]:
        """The layout of the window `box` (x1, y1, x2, y2 in pixels) and the old index of each object left in it.

        `areas`: each object's mask area inside the window, where the caller has the masks; else the boxes' overlap
        stands in for it. Objects with nothing inside are dropped, cut ones keep the share that is left as `visible`.
        """
        x1, y1, x2, y2 = box
        kept: list[SceneObject] = []
        old: list[int] = []
        for index, o in enumerate(self.objects):
            cut = (max(o.box[0], x1), max(o.box[1], y1), min(o.box[2], x2), min(o.box[3], y2))
            if cut[2] <= cut[0] or cut[3] <= cut[1]:
                continue
            share = (cut[2] - cut[0]) * (cut[3] - cut[1]) / max(o.box_area, 1e-9)
            if areas is not None:
                share = areas[index] / max(o.area, 1e-9)
            if share <= 0:
                continue
            moved = (cut[0] - x1, cut[1] - y1, cut[2] - x1, cut[3] - y1)
            kept.append(replace(o, box=moved, area=o.area * share, visible=o.visible * min(1.0, share)))
            old.append(index)
        return Layout(x2 - x1, y2 - y1, tuple(kept)), old

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able dictionary that `from_dict` reads back."""
        objects = []
        for o in self.objects:
            entry: dict[str, Any] = {
                "category": o.category,
                "box": [round(v, 2) for v in o.box],
                "area": round(o.area, 2),
            }
            if o.colors is not None:
                entry["colors"] = {name: round(share, 3) for name, share in o.colors.items()}
            if o.aspect is not None:
                entry["aspect"] = round(o.aspect, 3)
            if o.fill is not None:
                entry["fill"] = round(o.fill, 3)
            if o.visible != 1.0:
                entry["visible"] = round(o.visible, 3)
            if o.boxed:
                entry["boxed"] = True
            objects.append(entry)
        return {"width": self.width, "height": self.height, "objects": objects}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Layout:
        """A layout from `to_dict`'s dictionary."""
        objects = []
        for entry in data["objects"]:
            x1, y1, x2, y2 = entry["box"]
            facts = {key: entry[key] for key in ("colors", "aspect", "fill", "visible", "boxed") if key in entry}
            objects.append(SceneObject(entry["category"], (x1, y1, x2, y2), entry["area"], **facts))
        return cls(data["width"], data["height"], tuple(objects))
