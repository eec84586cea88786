"""Where annotations come from: COCO instances, index masks, polygons over a raster, or pictures filled by one thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rs2sam2.data.builder.annotated import AnnotatedImage, nothing
from rs2sam2.errors import UsageError

Kind = Literal["coco", "masks", "geojson", "scenes"]

GOES_WITH: dict[Kind, tuple[str, ...]] = {
    "coco": ("images",),
    "masks": ("images", "labels", "instances_of"),
    "geojson": ("raster", "class_field"),
    "scenes": (),
}
"""What may be given with each source."""


@dataclass(frozen=True)
class Source:
    """One of `coco`, `masks`, `geojson` and `scenes`, and what goes with it, as `rs2sam2 data make-refs` takes them.

    `images`: the folder of the pictures, else "images" beside the COCO file or the folder of the masks. The readers say
    what the others are. UsageError, in the words of the command, where they do not go together.
    """

    coco: tuple[Path, ...] = ()
    masks: Path | None = None
    geojson: Path | None = None
    scenes: Path | None = None
    images: Path | None = None
    labels: Path | None = None
    instances_of: str | None = None
    raster: Path | None = None
    class_field: str | None = None
    tile: int = 1024

    def __post_init__(self) -> None:
        given = [name for name in GOES_WITH if getattr(self, name)]
        if len(given) != 1:
            said = " and ".join(f"--{name}" for name in given) or "none"
            raise UsageError(
                f"give one of --coco, --masks, --geojson and --scenes (given: {said}); see rs2sam2 data make-refs --help"
            )
        for option in ("images", "labels", "instances_of", "raster", "class_field"):
            if getattr(self, option) is not None and option not in GOES_WITH[self.kind]:
                raise UsageError(f"--{option.replace('_', '-')} does not go with --{self.kind}; leave it out")
        if self.geojson is not None and self.raster is None:
            raise UsageError("--geojson needs the image it lies on; add --raster IMAGE.tif")
        if self.tile < 64:
            raise UsageError(f"--tile {self.tile} is too small for an image; give 256 to 2048")

    @property
    def kind(self) -> Kind:
        """Which of the four it is."""
        return next(name for name in GOES_WITH if getattr(self, name))

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file or folder of annotations of each split."""
        return self.coco or tuple(path for path in (self.masks, self.geojson, self.scenes) if path is not None)

    def pictures(self, path: Path, folder: Path) -> Path:
        """The folder that the pictures of one of the paths lie in or below; tiles lie in that of the set, `folder`."""
        if self.images is not None:
            return self.images
        return {"coco": path.parent / "images", "masks": path, "scenes": path.parent, "geojson": folder}[self.kind]

    def check_splits(self, splits: Sequence[str], hold_out: Sequence[str]) -> None:
        """UsageError where the splits are not as many as the paths, or no names, or are held out from each other twice."""
        if len(splits) != len(self.paths) or len(set(splits)) != len(splits):
            raise UsageError(f"--split names {len(splits)} splits for {len(self.paths)} sources; give each its own")
        for name in splits:
            if not name.isidentifier():
                raise UsageError(f"--split {name!r} is no name of a split; give train, val or test")
        if hold_out and list(splits) != ["train"]:
            raise UsageError("--hold-out divides one source into train and val; leave --split out")

    def read(
        self, path: Path, split: str, folder: Path, progress: Callable[[int, int], None] = nothing
    ) -> list[AnnotatedImage]:
        """The annotated images of one of the paths, to be written as `split`; tiles are written to `folder` now.

        `progress` gets (images done, images in all). UsageError and DataError as the readers say.
        """
        if self.kind == "coco":
            from rs2sam2.data.builder.coco import read_coco

            return read_coco(path, self.pictures(path, folder), split, progress)
        if self.kind == "masks":
            from rs2sam2.data.builder.index_masks import read_index_masks

            return read_index_masks(path, self.pictures(path, folder), self.labels, self.instances_of, progress)
        if self.kind == "scenes":
            from rs2sam2.data.builder.scenes import read_scenes

            return read_scenes(path, split, progress)
        from rs2sam2.data.builder.geojson import read_geojson

        assert self.raster is not None
        return read_geojson(path, self.raster, folder, self.tile, self.class_field, progress)
