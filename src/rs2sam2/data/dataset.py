"""Samples to a training loop: a map-style data set for torch's DataLoader.

    data = ReferringDataset(samples, size=1024)
    loader = DataLoader(data, batch_size=4, num_workers=2, sampler=DistributedSampler(data))  # any number of ranks
    data.set_epoch(epoch)

What item i is depends on the samples, `seed`, the epoch and i alone: not on workers, ranks or the order of asking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.masks import Mask, Size
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError, UsageError
from rs2sam2.files import replacing

if TYPE_CHECKING:
    from torch import Tensor

Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB"""


@dataclass(frozen=True)
class Example:
    """One sample with its pixels, on the way to the model."""

    image: Pixels
    """(H, W, 3) uint8 RGB; not always contiguous."""
    mask: Mask
    """(H, W) bool, of the image's size."""
    phrase: str
    sample: Sample
    rng: np.random.Generator
    """For augmentation: seeded by seed, epoch and index, so that an item does not depend on who asks for it."""


Transform = Callable[[Example], Any]


def tensors(example: Example) -> dict[str, Any]:
    """What torch's default collation takes: image (3, H, W) uint8, mask (H, W) bool, phrase, id."""
    import torch

    return {
        "image": torch.from_numpy(np.ascontiguousarray(example.image.transpose(2, 0, 1))),
        "mask": torch.from_numpy(np.ascontiguousarray(example.mask)),
        "phrase": example.phrase,
        "id": example.sample.id,
    }


class ReferringDataset:
    """Map-style: `len`, and `data[i]` = `transform(Example)`.

    `size` squashes image and mask to one size (a number is a square), so that items can be collated; None leaves them
    as they are. Images are resized bilinear with antialiasing by torch's 8-bit kernel: within one grey level of
    Pillow's and more than twice as fast. `cache` is a folder in which the resized images are kept (3 bytes a pixel,
    lossless): the second epoch then neither decodes nor resizes. `draft` lets JPEG decode at 1/2, 1/4 or 1/8 where
    the file is at least that much larger than `size`; faster, and not the same to the last bit.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        size: int | Size | None = None,
        *,
        transform: Transform = tensors,
        seed: int = 0,
        cache: str | Path | None = None,
        draft: bool = False,
    ) -> None:
        """Raises UsageError where there is no sample, or `cache` or `draft` is asked for without a size."""
        import torch

        if not samples:
            raise UsageError("a data set needs at least one sample; choose another split")
        if size is None and (cache is not None or draft):
            raise UsageError("cache and draft are about one size; give size as well")
        self.samples = list(samples)
        self.size: Size | None = (size, size) if isinstance(size, int) else size
        self.transform = transform
        self.seed = seed
        self.cache = Path(cache) if cache is not None else None
        self.draft = draft
        # In shared memory: workers that live through the epochs see a new one, too.
        self._epoch: Tensor = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Call before each epoch, as on a DistributedSampler: other random numbers for the same items."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        """Raises IndexError beyond the end, DataError where image or annotation is missing or damaged."""
        sample = self.samples[index]
        image = self._image(sample)
        rng = np.random.default_rng((self.seed, int(self._epoch), index % len(self)))
        mask = sample.load_mask((image.shape[0], image.shape[1]))
        return self.transform(Example(image, mask, sample.phrase, sample, rng))

    def _image(self, sample: Sample) -> Pixels:
        if self.size is None:
            return self._decode(sample)
        if self.cache is None:
            return resize_image(self._decode(sample), self.size)
        kept = self.cache / _key(sample.image, self.size, self.draft)
        image = _load_kept(kept, self.size)
        if image is None:
            image = resize_image(self._decode(sample), self.size)
            with replacing(kept) as temporary:
                np.save(temporary, image.transpose(2, 0, 1), allow_pickle=False)
        return image

    def _decode(self, sample: Sample) -> Pixels:
        return np.array(sample.load_image(at_least=self.size if self.draft else None))


def resize_image(image: Pixels, size: Size) -> Pixels:
    """(H, W, 3) uint8 stretched to `size` (height, width), bilinear, antialiased when it shrinks.

    The result is a view of (3, H, W) memory, which is what a model takes in the end: no copy in between.
    """
    import torch

    if image.shape[:2] == size:
        return image
    # In: channels last, which torch's 8-bit kernel is fast for. Out: it gives channels first.
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    out = torch.nn.functional.interpolate(batch, size, mode="bilinear", antialias=True)
    return out[0].contiguous().permute(1, 2, 0).numpy()


def _key(path: Path, size: Size, draft: bool) -> str:
    """File name in the cache: changes with the image file, its date and length, and how it is resized."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise DataError(f"no image {path}; rs2sam2 data check lists all that is missing") from None
    what = (str(path.resolve()), stat.st_mtime_ns, stat.st_size, size, draft)
    digest = hashlib.sha256(repr(what).encode()).hexdigest()
    return f"{digest[:2]}/{digest[2:32]}.npy"


def _load_kept(path: Path, size: Size) -> Pixels | None:
    try:
        image = np.load(path, allow_pickle=False)
    except (FileNotFoundError, ValueError, EOFError):
        return None
    return image.transpose(1, 2, 0) if image.dtype == np.uint8 and image.shape == (3, *size) else None
