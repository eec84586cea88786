"""Finds pictures that look the same, so that a validation image that was also trained on is noticed.

The fingerprint is a difference hash: is each cell of a coarse grey picture brighter than its left (upper) neighbour?
64 bits for rows and 64 for columns survive another size, JPEG quality or format. It does not see crops, turns or flips.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from PIL import Image

MAX_BITS = 5
"""Of 128: two pictures that differ in more are two pictures. Eight bands of 16 bits find all pairs up to 7."""
MAX_GREY = 6.0
"""Mean difference of the 16 x 16 thumbnails, in grey levels: what two tiles of plain water may have by chance."""
FLAT = 3.0
"""Standard deviation in grey levels below which a picture has no structure to compare: only equal thumbnails count."""
THUMBNAIL = 16


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of a picture: 128 bits, and a 16 x 16 grey thumbnail as bytes."""

    bits: int
    thumbnail: bytes


def fingerprint(image: Image.Image) -> Fingerprint:
    """Of a picture in any mode and size."""
    # One reduction for all three: 144 is a multiple of 8, 9 and 16, and small enough to be cheap.
    grey = image.convert("L").resize((144, 144), Image.Resampling.BOX)
    across = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), np.int16)
    down = np.asarray(grey.resize((8, 9), Image.Resampling.BOX), np.int16)
    bits = np.concatenate([(across[:, 1:] > across[:, :-1]).ravel(), (down[1:] > down[:-1]).ravel()])
    thumbnail = grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return Fingerprint(int.from_bytes(np.packbits(bits).tobytes(), "big"), thumbnail.tobytes())


def alike(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether two fingerprints are of one picture."""
    if a.thumbnail == b.thumbnail:
        return True
    if (a.bits ^ b.bits).bit_count() > MAX_BITS:
        return False
    one, other = (np.frombuffer(x.thumbnail, np.uint8).astype(np.float32) for x in (a, b))
    return bool(np.abs(one - other).mean() <= MAX_GREY) and min(one.std(), other.std()) >= FLAT


def groups(fingerprints: Sequence[Fingerprint]) -> list[list[int]]:
    """Indices of pictures that look the same, each group of at least two, in the order of their first member."""
    buckets: defaultdict[Hashable, list[int]] = defaultdict(list)
    for i, item in enumerate(fingerprints):
        buckets[item.thumbnail].append(i)
        if np.frombuffer(item.thumbnail, np.uint8).std() >= FLAT:
            for band in range(8):  # two hashes that differ in fewer than 8 bits agree in one of 8 bands
                buckets[band, item.bits >> (16 * band) & 0xFFFF].append(i)
    parent = list(range(len(fingerprints)))

    def top(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for members in buckets.values():
        for i, j in combinations(members, 2):
            if top(i) != top(j) and alike(fingerprints[i], fingerprints[j]):
                parent[max(top(i), top(j))] = min(top(i), top(j))
    found: defaultdict[int, list[int]] = defaultdict(list)
    for i in range(len(fingerprints)):
        found[top(i)].append(i)
    return [members for members in found.values() if len(members) > 1]
