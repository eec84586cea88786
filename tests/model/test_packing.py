from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest
import torch
from torch import nn

from rs2sam2.model import packing
from rs2sam2.model.hiera import Block
from rs2sam2.model.layers import LinearGELU, MultiheadAttention
from rs2sam2.model.rs2sam2 import RS2SAM2, RS2SAM2Output
from rs2sam2.presets import ABLATIONS
from toys import TOY, TOY_LITE, inputs, randomise

TOY_EVF = dataclasses.replace(
    TOY, decoder=dataclasses.replace(TOY.decoder, masks="best_of_three"), hide_unknown=False, **ABLATIONS["baseline"]
)
CONFIGS = {"all": TOY, "evf": TOY_EVF, "lite": TOY_LITE}
IDS = torch.tensor([[0, 9, 17, 2], [0, 11, 5, 2]])
F32, BF16 = torch.float32, torch.bfloat16


def ready(model: RS2SAM2, dtype: torch.dtype = F32, trunk_dtype: torch.dtype = F32) -> RS2SAM2:
    model = copy.deepcopy(model)
    packing.make_ready(model, dtype, trunk_dtype)
    return model


def answer(model: RS2SAM2) -> RS2SAM2Output:
    with torch.inference_mode():
        return model(*inputs(model.config, 2), IDS)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("pack", [True, False])
def test_the_masks_stay_the_same(name: str, pack: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not pack:
        monkeypatch.setattr(packing, "can_pack", lambda: False)
    model = randomise(RS2SAM2(CONFIGS[name]), seed=2)
    plain, fast = answer(model), answer(ready(model))
    assert (plain.mask_logits - fast.mask_logits).abs().max() < 1e-4 * plain.mask_logits.std()
    assert torch.allclose(plain.iou_score, fast.iou_score, atol=1e-4)


def test_pieces_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    model = randomise(RS2SAM2(TOY), seed=2)
    whole = answer(model).mask_logits
    for cached in (1, 5_000):
        monkeypatch.setattr(packing, "CACHED_BYTES", cached)
        assert (whole - answer(ready(model)).mask_logits).abs().max() < 1e-4 * whole.std()


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("dtype", "trunk_dtype"), [(F32, BF16), (BF16, BF16)])
def test_lower_precision_follows(name: str, dtype: torch.dtype, trunk_dtype: torch.dtype) -> None:
    model = randomise(RS2SAM2(CONFIGS[name]), seed=2)
    exact, fast = answer(model).mask_logits, ready(model, dtype, trunk_dtype)
    out = answer(fast).mask_logits
    assert out.dtype == fast.dtype == dtype and fast.trunk_dtype == trunk_dtype
    assert fast.prompt_encoder.gaussian.dtype == F32
    assert torch.corrcoef(torch.stack([exact.flatten(), out.float().flatten()]))[0, 1] > 0.98


def test_nothing_is_left_unpacked_or_apart() -> None:
    if not packing.can_pack():
        pytest.skip("this torch has no oneDNN")
    released = []
    model = randomise(RS2SAM2(TOY), seed=2)
    packing.make_ready(model, F32, BF16, lambda: released.append(True))
    attentions = [m for m in model.modules() if isinstance(m, MultiheadAttention)]
    left = [m for m in model.modules() if isinstance(m, nn.Linear)]
    assert len(left) == 2 * len(attentions)  # their projections are taken apart in their own forward
    assert not any(isinstance(m, LinearGELU) for m in left)
    assert all(b.mlp_adapter is None for b in model.modules() if isinstance(b, Block))
    assert len(released) > 100 and not any(p.requires_grad for p in model.parameters())


def test_of_beit3_words_alone_follow_the_trunk() -> None:
    layer = ready(randomise(RS2SAM2(TOY), seed=2), F32, BF16).beit3.layers[0]
    dtypes = {n: m.matrix.dtype for n, m in layer.named_modules() if isinstance(m, packing.PackedLinear)}
    assert {n for n, kind in dtypes.items() if kind == BF16} == {"ffn.text.fc1", "ffn.text.fc2"}
    assert len(dtypes) == 12


def test_what_is_packed_can_be_copied_and_pickled() -> None:
    fast = ready(randomise(RS2SAM2(TOY), seed=2), F32, BF16)
    masks = answer(fast).mask_logits
    for other in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):
        assert torch.equal(answer(other).mask_logits, masks)
