"""One phrase about one image and the objects it means: what every reader gives and everything else takes.

When an annotation is of another size than its image (RRSIS-D's 09976.jpg is 800 x 801 with an 800 x 800 mask), the
mask is stretched NEAREST to the image, never the image to the mask: the image is what the model sees and what a user
gets the answer on, and both views are squashed square anyway, so stretching both onto the same frame is what the
published scores did. `load_mask(size)` goes from the annotation to `size` in that one resampling.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rs2sam2.data.masks import RLE, Mask, MaskFile, Polygons, Size, Target, union
from rs2sam2.depth import more_than_8_bits
from rs2sam2.errors import DataError

if TYPE_CHECKING:
    from PIL import Image, ImageFile

__all__ = ["RLE", "MaskFile", "Polygons", "Sample", "Target"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A phrase, its image and its targets (none = nothing in the image answers the phrase)."""

    id: str
    """Unique within the split, unless the data set itself repeats it (`rs2sam2 data check` says so)."""
    phrase: str
    image: Path
    """Image file. It may be missing or damaged: only `load_image` and `image_size` touch it."""
    split: str
    source: str
    """Name of the data set."""
    targets: tuple[Target, ...] = ()
    category: str | None = None
    height: int | None = None
    """Of the frame the annotation was drawn on, as the data set records it; the file may differ by a few pixels."""
    width: int | None = None
    kind: str | None = None
    """What the phrase goes by: category, position, size, relation, ..., where the data set says."""
    program: dict[str, Any] | None = field(default=None, hash=False)
    """The phrase's meaning as JSON, where the data set gives it."""

    def image_size(self) -> Size:
        """(height, width) of the image file, from its header. Raises DataError where it cannot be read."""
        with _open(self.image) as image:
            return image.height, image.width

    def load_image(self, at_least: Size | None = None) -> Image.Image:
        """The image as 8-bit RGB; a JPEG may be decoded smaller (1/2, 1/4, 1/8) if it stays `at_least` (height, width).

        Raises DataError where the file is missing, damaged or has more than 8 bits a band.
        """
        with _open(self.image) as image:
            if more_than_8_bits(image):
                raise DataError(f"image {self.image} has more than 8 bits a band; stretch it to 8 bits first")
            if at_least:
                image.draft("RGB", (at_least[1], at_least[0]))
            try:
                image.load()  # the pixels stay when the file is closed
                return image if image.mode == "RGB" else image.convert("RGB")
            except Exception as error:  # Pillow's decoders raise many kinds on damaged files
                raise DataError(f"image {self.image} cannot be read ({error}); replace it") from None

    def load_mask(self, size: Size | None = None) -> Mask:
        """Bool (H, W): the targets added up, at `size` (height, width) or else at the image file's own size.

        Raises DataError where an annotation is damaged.
        """
        out = size or self.image_size()
        frame = (self.height, self.width) if self.height and self.width else None
        if frame is None and any(isinstance(target, Polygons) for target in self.targets):
            frame = self.image_size()
        try:
            return union([target.decode(frame) for target in self.targets], out)
        except DataError as error:
            raise DataError(f"{self.source} {self.split} {self.id}: {error}") from None


def _open(path: Path) -> ImageFile.ImageFile:
    from PIL import Image

    try:
        return Image.open(path)
    except FileNotFoundError:
        raise DataError(
            f"no image {path}; is the data set complete? rs2sam2 data check lists all that is missing"
        ) from None
    except Exception as error:  # not an image, a decompression bomb, no right to read
        raise DataError(f"image {path} cannot be read ({error}); replace it") from None
