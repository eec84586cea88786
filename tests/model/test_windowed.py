"""What a GPU runs, on the CPU: the same functions with torch's own passes. Kernels: test_kernels.py."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch

from rs2sam2.config import HieraConfig, RS2SAM2Config
from rs2sam2.model import packing
from rs2sam2.model.hiera import Hiera
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.model.windowed import WindowedHiera, fits
from rs2sam2.presets import ABLATIONS, HIERA
from toys import TOY, inputs, randomise

IDS = torch.tensor([[0, 9, 17, 2, 1, 1, 1, 1], [0, 11, 5, 8, 2, 1, 1, 1]])
TRUNKS = {
    "windows grow": HieraConfig(
        width=16, heads=1, depths=(1, 2, 3, 2), windows=(8, 4, 4, 2), global_blocks=(4,), position_grid=7
    ),
    "ragged channels": HieraConfig(width=36, heads=2, depths=(2, 2, 3, 1), windows=(8, 4, 4, 2), global_blocks=(5,)),
}
CONFIGS = {
    **{name: dataclasses.replace(TOY, trunk=trunk) for name, trunk in TRUNKS.items() if trunk.width == 16},
    "no text in the trunk": dataclasses.replace(TOY, trunk=TRUNKS["windows grow"], **ABLATIONS["baseline"]),
    "larger": dataclasses.replace(TOY, trunk=dataclasses.replace(TRUNKS["ragged channels"], width=48), image_size=128),
}


def ready(model: RS2SAM2) -> RS2SAM2:
    """As `make_ready` leaves it on a GPU."""
    model = copy.deepcopy(model).requires_grad_(False)
    packing.merge_skips(model)
    packing.ready_on_gpu(model)
    return model


def in_float64(model: RS2SAM2) -> RS2SAM2:
    model.prompt_encoder.gaussian = model.prompt_encoder.gaussian.double()
    return model.double()


@pytest.mark.parametrize("name", CONFIGS)
def test_the_masks_stay_the_same(name: str) -> None:
    config = CONFIGS[name]
    model = in_float64(randomise(RS2SAM2(config), seed=2))
    fast = ready(model).double()  # what is put together is kept in float32, as in use
    assert isinstance(fast.trunk, WindowedHiera)
    image, beit3 = inputs(config, 2)
    views = image.double(), None if beit3 is None else beit3.double()
    with torch.inference_mode():
        plain, other = (m(*views, IDS, IDS == 1) for m in (model, fast))
    assert (plain.mask_logits - other.mask_logits).abs().max() < 1e-4 * plain.mask_logits.std()
    assert torch.allclose(plain.iou_score, other.iou_score, atol=1e-5)


def test_parts_of_an_image_serve_many_phrases() -> None:
    model = in_float64(ready(randomise(RS2SAM2(CONFIGS["windows grow"]), seed=2)))
    with torch.inference_mode():
        image, beit3 = inputs(model.config, 1)
        assert beit3 is not None
        parts = model.look(image.double(), beit3.double())
        both = model.answer(parts, IDS, IDS == 1, torch.tensor([0, 0])).mask_logits
        each = torch.cat([model.answer(parts, IDS[i : i + 1], IDS[i : i + 1] == 1).mask_logits for i in (0, 1)])
    assert (both - each).abs().max() < 1e-6 * both.std()


def test_windows_that_do_not_divide_the_grid_stay_as_they_are() -> None:
    assert not fits(Hiera(HIERA["hiera-tiny"], 1024, None)) and fits(Hiera(HIERA["hiera-tiny"], 896, None))
    trunk = Hiera(TOY.trunk, 64, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="divide"):
        WindowedHiera(trunk, [])
    assert isinstance(ready(randomise(RS2SAM2(TOY))).trunk, Hiera)


def test_the_released_size_fits() -> None:
    with torch.device("meta"):
        assert fits(Hiera(RS2SAM2Config().trunk, 1024, None))  # type: ignore[arg-type]
