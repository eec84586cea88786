"""Masks of one object are tidied: no specks, no small holes; what is one sure piece stays as it is."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from rs2sam2.data.components import components
from rs2sam2.objects.answer import SPECK, tidied


def drawn(*rows: str) -> Tensor:
    """Logits: 2 where there is a #, else -3."""
    return torch.tensor([[2.0 if c == "#" else -3.0 for c in row] for row in rows])


def test_specks_go_holes_close_and_a_second_piece_stays() -> None:
    untidy = drawn(
        "######....#",
        "##.###.....",
        "######...##",
        "######...##",
        "......#....",
    )
    tidy = drawn(
        "######.....",
        "######.....",
        "######...##",
        "######...##",
        "......#....",  # it touches the piece, corner to corner
    )
    found = tidied(untidy)
    assert torch.equal(found > 0, tidy > 0)
    assert torch.equal(found.abs(), untidy.abs())


def test_a_bay_and_a_ring_stay_open() -> None:
    bay = drawn("####", "##..", "####")
    ring = drawn("#####", "#...#", "#...#", "#####")
    for logits in (bay, ring, drawn("....", "....")):
        assert torch.equal(tidied(logits), logits)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 0.8))
def test_no_speck_is_left_and_only_signs_change(seed: int, share: float) -> None:
    logits = torch.from_numpy(np.random.default_rng(seed).uniform(-share, 1 - share, (12, 14)).astype(np.float32))
    once = tidied(logits)
    mask: NDArray[np.bool_] = (once > 0).numpy()
    areas = [piece.area for piece in components(mask)]
    before = [piece.area for piece in components((logits > 0).numpy())]
    if before:
        assert min(areas) >= SPECK * max(before)
    assert torch.equal(once.abs(), logits.abs())
