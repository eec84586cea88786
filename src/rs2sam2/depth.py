"""How many bits a band a picture's file has, before Pillow makes eight of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

TIFF_BITS = 258
"""The tag of a TIFF file that says how many bits each band has."""


def more_than_8_bits(opened: Image.Image) -> bool:
    """Whether the file of an image that is opened and not loaded yet has more than 8 bits a band.

    Of colours Pillow keeps the high byte without a word: only the raw mode it decodes the file by tells, or a TIFF's
    own bits a band (of a TIFF in planes it mixes the bytes up).
    """
    # 16 bits a band, but not a pixel: BGR;16 has five or six for each colour
    raw = any(re.search(r"(?<!BGR);16", str(tile)) for tile in getattr(opened, "tile", ()))
    bits = getattr(opened, "tag_v2", {}).get(TIFF_BITS, ())
    return opened.mode in ("I", "F") or opened.mode.startswith("I;") or raw or max((8, *bits)) > 8
