"""The eight symmetries of an image: what each does to directions, boxes and pixels.

A symmetry is a 2 x 2 matrix of 0 and +-1 that acts on image vectors (x to the right, y down) about the image centre.
Direction words are such vectors too ("upper left" is (-1, -1)), so one table turns pictures and words alike.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import UsageError

Symmetry = Literal["identity", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose", "antitranspose"]
SYMMETRIES: tuple[Symmetry, ...] = get_args(Symmetry)
Box = tuple[float, float, float, float]

# rot90 turns counter-clockwise, as numpy.rot90 and PIL's ROTATE_90 do: what was on the right is then at the top.
_MATRIX: dict[Symmetry, tuple[int, int, int, int]] = {
    "identity": (1, 0, 0, 1),
    "hflip": (-1, 0, 0, 1),
    "vflip": (1, 0, 0, -1),
    "rot90": (0, 1, -1, 0),
    "rot180": (-1, 0, 0, -1),
    "rot270": (0, -1, 1, 0),
    "transpose": (0, 1, 1, 0),
    "antitranspose": (0, -1, -1, 0),
}

VECTORS: dict[str, tuple[int, int]] = {
    "upper left": (-1, -1),
    "top": (0, -1),
    "upper right": (1, -1),
    "left": (-1, 0),
    "middle": (0, 0),
    "right": (1, 0),
    "lower left": (-1, 1),
    "bottom": (0, 1),
    "lower right": (1, 1),
}
"""The nine regions and, without the middle, the eight directions between objects ("top" is "above")."""
_NAMES = {vector: name for name, vector in VECTORS.items()}


def check(symmetry: str) -> Symmetry:
    """The symmetry of that name; UsageError for any other name."""
    if symmetry not in _MATRIX:
        raise UsageError(f"symmetry {symmetry!r} is not known; use one of {', '.join(SYMMETRIES)}")
    return symmetry


def quarter_turns(k: int) -> Symmetry:
    """The symmetry that `numpy.rot90(image, k)` performs; any integer k."""
    return ("identity", "rot90", "rot180", "rot270")[k % 4]


def swaps_axes(symmetry: Symmetry) -> bool:
    """Whether height and width change places."""
    return _MATRIX[symmetry][0] == 0


def then(first: Symmetry, second: Symmetry) -> Symmetry:
    """The one symmetry that does `first` and then `second`."""
    a, b, c, d = _MATRIX[first]
    e, f, g, h = _MATRIX[second]
    product = (e * a + f * c, e * b + f * d, g * a + h * c, g * b + h * d)
    return next(name for name, matrix in _MATRIX.items() if matrix == product)


def inverse(symmetry: Symmetry) -> Symmetry:
    """The symmetry that undoes this one."""
    return next(name for name in SYMMETRIES if then(symmetry, name) == "identity")


def turn_vector(x: float, y: float, symmetry: Symmetry) -> tuple[float, float]:
    """An image vector (x right, y down) after the symmetry."""
    a, b, c, d = _MATRIX[symmetry]
    return a * x + b * y, c * x + d * y


def turn_direction(name: str, symmetry: Symmetry) -> str:
    """A direction word of `VECTORS` after the symmetry: "left" becomes "right" under hflip."""
    x, y = turn_vector(*VECTORS[name], symmetry)
    return _NAMES[int(x), int(y)]


def turn_box(box: Box, width: float, height: float, symmetry: Symmetry) -> Box:
    """A box (x1, y1, x2, y2) in a width x height image, in pixels, after the symmetry of the whole image."""
    new_width, new_height = (height, width) if swaps_axes(symmetry) else (width, height)
    xs, ys = [], []
    for x, y in ((box[0], box[1]), (box[2], box[3])):
        tx, ty = turn_vector(x - width / 2, y - height / 2, symmetry)
        xs.append(tx + new_width / 2)
        ys.append(ty + new_height / 2)
    return min(xs), min(ys), max(xs), max(ys)


def turn_pixels(array: NDArray[Any], symmetry: Symmetry) -> NDArray[Any]:
    """An image or mask (H, W, ...) after the symmetry; a view, with height and width swapped where the axes are."""
    turned = {
        "identity": lambda a: a,
        "hflip": lambda a: a[:, ::-1],
        "vflip": lambda a: a[::-1],
        "rot90": lambda a: np.rot90(a, 1),
        "rot180": lambda a: np.rot90(a, 2),
        "rot270": lambda a: np.rot90(a, 3),
        "transpose": lambda a: np.swapaxes(a, 0, 1),
        "antitranspose": lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
    }[symmetry](array)
    result: NDArray[Any] = turned
    return result
