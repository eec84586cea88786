"""Any image -> 8-bit RGB -> the model's views; mask logits -> logits and probability at the size of the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.config import ProcessorConfig, Resize, RS2SAM2Config
from rs2sam2.depth import more_than_8_bits
from rs2sam2.errors import UsageError
from rs2sam2.expected import expected

ImageLike = str | Path | Image.Image | NDArray[np.generic] | Tensor
"""A file, a PIL image, a NumPy array or a tensor, see `read_image`."""

STRETCH = (2.0, 98.0)  # percentiles of a 16-bit or float image that become black and white


def read_image(image: ImageLike) -> Image.Image:
    """Any accepted image as RGB with 8 bits.

    Files and PIL images may be grey, RGB or RGBA, among others. Arrays are (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), tensors
    (1, H, W), (3, H, W) or (4, H, W). Grey becomes three equal channels, and transparency is dropped.

    uint8 values stay as they are. 16-bit and other integer values, and float values, are stretched linearly from their 2nd
    to their 98th percentile. Float tensors are the exception: they must lie in [0, 1] and are not stretched. Of 16-bit
    colours Pillow keeps the high byte as soon as it loads them: give such a PIL image as `Image.open` returns it.

    Orientation tags are ignored, because a mask belongs to the pixels as they are stored. Raises UsageError if there is no
    such file or no image in it, and for other shapes and values.
    """
    if isinstance(image, str | Path):
        return _read_file(Path(image))
    if isinstance(image, Image.Image):
        with _readable("the PIL image", "cannot be read"):
            return _pil_to_rgb(image)
    if isinstance(image, Tensor):
        array = image.detach().cpu()
        if array.ndim != 3 or array.shape[0] not in (1, 3, 4):
            raise UsageError(f"image tensor has shape {tuple(array.shape)}; wanted (3, H, W), uint8 or float in [0, 1]")
        if array.is_floating_point():
            low, high = (float(array.min()), float(array.max())) if array.numel() else (0.0, 0.0)
            if not 0 <= low <= high <= 1:
                raise UsageError(f"image tensor has float values from {low:g} to {high:g}; wanted [0, 1] (or uint8)")
            array = (array.float() * 255).round().to(torch.uint8)
        return _array_to_rgb(array.permute(1, 2, 0).numpy())
    if isinstance(image, np.ndarray):
        return _array_to_rgb(image)
    raise UsageError(
        f"image is a {type(image).__name__}; wanted a path, PIL image, NumPy (H, W, 3) uint8 or tensor (3, H, W)"
    )


def _read_file(path: Path) -> Image.Image:
    if not path.is_file():
        raise UsageError(no_image(path))
    with _readable(str(path), "is a damaged image"):
        with expected(Image.DecompressionBombWarning):  # asked in the next line
            opened = Image.open(path)
        with opened:
            if Image.MAX_IMAGE_PIXELS is not None and opened.width * opened.height > Image.MAX_IMAGE_PIXELS:
                raise Image.DecompressionBombError
            return _pil_to_rgb(opened, path)


@contextmanager
def _readable(name: str, otherwise: str) -> Iterator[None]:
    """Within it, whatever readers raise for what is no image, too large or damaged becomes a UsageError."""
    try:
        yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UsageError(f"{name} has more than {Image.MAX_IMAGE_PIXELS:,} pixels; cut it into pieces first") from None
    except UnidentifiedImageError:
        raise UsageError(f"{name} is not an image that Pillow can read; give a PNG, JPEG, TIFF, WebP ...") from None
    except (OSError, RuntimeError, SyntaxError, ValueError) as error:  # RuntimeError: of AVIF
        why = (str(error).splitlines() or [type(error).__name__])[0][:80]
        raise UsageError(f"{name} {otherwise} ({why}); replace it") from None


def _bands(file: Path | BytesIO) -> NDArray[np.generic]:
    """(H, W, 1 or 3), with all bits; transparency is dropped. Raises OSError for a damaged file."""
    import rasterio

    try:
        with ExitStack() as stack:
            with expected(rasterio.errors.NotGeoreferencedWarning):
                dataset = stack.enter_context(rasterio.open(file))
            return np.moveaxis(dataset.read(list(range(1, 4 if dataset.count > 2 else 2))), 0, -1)
    except rasterio.errors.RasterioError as error:
        raise OSError(str(error)) from None


def no_image(path: Path) -> str:
    """What to say if there is no such file."""
    return f"no image at {path}; " + ("that is a folder, name the files in it" if path.is_dir() else "check the path")


def _pil_to_rgb(image: Image.Image, path: Path | None = None) -> Image.Image:
    """`path`: where it was opened from, if that is known to be there still. Raises what Pillow raises, and ValueError."""
    if 0 in image.size:
        raise ValueError(f"it has {image.width} x {image.height} pixels")
    # once it is loaded, there are no tiles left to decode
    if image.mode.startswith(("RGB", "LA")) and getattr(image, "tile", None) and more_than_8_bits(image):
        return _array_to_rgb(_bands(path or _content(image)))
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _array_to_rgb(np.asarray(image))
    return image.convert("RGBA").convert("RGB") if image.mode == "P" else image.convert("RGB")


def _content(image: Image.Image) -> BytesIO:
    """The file of an image that is not loaded yet, and still can be."""
    if image.tell():
        raise ValueError("Pillow makes 8 bits of the 16 of its later frames: give an array")
    file = getattr(image, "fp", None)
    if file is None:
        raise ValueError("its file is closed")
    at = file.tell()
    file.seek(0)
    content = BytesIO(file.read())
    file.seek(at)
    return content


def _array_to_rgb(array: NDArray[np.generic]) -> Image.Image:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise UsageError(f"image array has shape {array.shape}; wanted (H, W, 3), (H, W) or (H, W, 4)")
    array = array[..., :3]
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype != np.uint8:
        array = _stretch(array)
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return Image.fromarray(np.ascontiguousarray(array))


def _stretch(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if not (np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)):
        raise UsageError(f"image array has dtype {array.dtype}; wanted uint8, uint16 or float")
    values = array.astype(np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        raise UsageError("image array holds no finite value")
    low, high = np.percentile(values[finite], STRETCH)
    if high <= low:
        low, high = float(values[finite].min()), float(values[finite].max())
    values = np.where(finite, values, low)
    stretched: NDArray[np.uint8] = (
        (np.clip((values - low) / max(high - low, 1e-12), 0, 1) * 255).round().astype(np.uint8)
    )
    return stretched


class Processor:
    """What comes before and after the model, for one configuration."""

    def __init__(self, config: RS2SAM2Config) -> None:
        self.config = config

    def images(self, images: Sequence[Image.Image]) -> tuple[Tensor, Tensor | None]:
        """RGB images -> (I, 3, S, S) for the trunk and (I, 3, s, s) for BEiT-3 (None if BEiT-3 shares the trunk's map).

        Both views are squashed to a square, in float32 and normalised.
        """
        p, size, beit3 = self.config.processor, self.config.image_size, self.config.beit3
        trunk = torch.stack([view(x, size, p.image_resize, p.image_mean, p.image_std) for x in images])
        if beit3.patches == "trunk":
            return trunk, None
        return trunk, torch.stack(
            [view(x, beit3.image_size, p.beit3_resize, p.beit3_mean, p.beit3_std) for x in images]
        )


def view(
    image: Image.Image, size: int, resize: Resize, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> Tensor:
    """One square view (3, size, size), float32, normalised."""
    if resize == "pil-bilinear":
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    x = torch.from_numpy(np.array(image, dtype=np.uint8)).permute(2, 0, 1).float() / 255
    if resize != "pil-bilinear":
        x = F.interpolate(x[None], (size, size), mode=resize, align_corners=False, antialias=False)[0]
    return (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def at_size(mask_logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Square logits (B, 1, h, w) -> (B, H, W) at the size of the source, bilinear."""
    return F.interpolate(mask_logits, size, mode="bilinear", align_corners=False)[:, 0]


def probability(logits: NDArray[np.float32], config: ProcessorConfig) -> NDArray[np.float32]:
    """Foreground probability of mask logits: sigmoid(2p - 1) for the released system, sigmoid(p) for EVF-SAM2."""
    z = config.steepness * (logits - config.threshold)
    p: NDArray[np.float32] = (0.5 * (1 + np.tanh(0.5 * z))).astype(np.float32)  # never overflows
    return p
