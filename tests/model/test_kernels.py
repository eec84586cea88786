"""Kernels against torch: on a GPU, or with `pip install triton` and TRITON_INTERPRET=1 on any machine."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from rs2sam2.model import passes

pytest.importorskip("triton")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("kernels need a GPU", allow_module_level=True)

from rs2sam2.model import kernels  # noqa: E402


def without_kernels(run: Callable[[], Tensor], monkeypatch: pytest.MonkeyPatch) -> Tensor:
    with monkeypatch.context() as patch:
        patch.setattr(passes, "_kernels", lambda: None)
        return run()


@pytest.mark.parametrize("width", [144, 112, 64, 18])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sum_and_norm(width: int, dtype: torch.dtype) -> None:
    x, h = torch.randn(2, 2, 37, width, device=DEVICE).to(dtype)
    shift, rest, weight, bias = torch.randn(4, width, device=DEVICE).to(dtype)
    close = 1e-5 if dtype == torch.float32 else 0.06
    s = (x.float() + h.float() + shift.float()).to(torch.float32)
    for given, expected in ((h, s), (None, x.float())):
        total, out = kernels.add_norm(x, given, shift, rest, weight, bias, 1e-6)
        norm = torch.nn.functional.layer_norm(expected, (width,), weight.float(), bias.float(), 1e-6)
        assert torch.allclose(out.float(), norm, atol=close, rtol=close)
        assert total is x if given is None else torch.allclose(total.float(), s + rest.float(), atol=close, rtol=close)


@pytest.mark.parametrize("shape", [(2, 7, 4, 8), (2, 300, 4, 16), (1, 5, 2, 4)])
def test_softmax_of_words(shape: tuple[int, int, int, int]) -> None:
    scores, constant = torch.randn(shape, device=DEVICE), torch.randn(shape[0], *shape[2:], device=DEVICE)
    constant[0, :, -2:] = -torch.inf
    expected = (scores + constant[:, None]).softmax(-1)
    kernels.softmax_of_words(scores, constant)
    assert torch.allclose(scores, expected, atol=1e-6)


@pytest.mark.parametrize(("window", "width"), [(8, 36), (4, 16), (2, 48)])
def test_pool(window: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(5, window, window, 3 * width, device=DEVICE)[..., :width]
    assert torch.equal(kernels.pool(x), without_kernels(lambda: passes.pool(x), monkeypatch))


@pytest.mark.parametrize(("side", "window"), [(64, 8), (32, 4), (16, 4)])
def test_rows_of_patches(side: int, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.randn(2, 3, side, side, device=DEVICE)
    expected = without_kernels(lambda: passes.patch_rows(image, window, 4), monkeypatch)
    assert torch.equal(kernels.patch_rows(image, window, 4), expected)
