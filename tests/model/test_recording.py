from __future__ import annotations

from typing import Any

import pytest
import torch

from rs2sam2.errors import UsageError
from rs2sam2.model import recording
from rs2sam2.model.packing import make_ready
from rs2sam2.model.recording import RecordedAnswers
from rs2sam2.model.rs2sam2 import RS2SAM2
from toys import TOY, inputs, randomise

IDS = torch.tensor([[0, 9, 17, 2, 1], [0, 11, 5, 8, 2]])


def test_padding_to_few_shapes_changes_nothing() -> None:
    model = randomise(RS2SAM2(TOY), seed=2)
    answer = RecordedAnswers(model)
    with torch.inference_mode():
        parts = model.look(*inputs(TOY, 2))
        for ids in (IDS, IDS[:, :4]):
            padding = ids == 1
            expected, ours = model.answer(parts, ids, padding), answer(parts, ids, padding)
            assert (expected.mask_logits - ours.mask_logits).abs().max() < 1e-3 * expected.mask_logits.std()


@pytest.mark.parametrize(("given", "padded"), [(2, 8), (8, 8), (9, 16), (17, 22), (22, 22)])  # the toy reads 22 at most
def test_lengths(given: int, padded: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = RS2SAM2(TOY).eval()
    seen: list[tuple[int, ...]] = []

    def answer(_parts: Any, ids: torch.Tensor, padding: torch.Tensor, *_rest: Any) -> None:
        assert padding[:, given:].all() and not padding[:, :given].any() and (ids[:, given:] == 1).all()
        seen.append(tuple(ids.shape))

    monkeypatch.setattr(model, "answer", answer)
    with torch.inference_mode():
        RecordedAnswers(model)(model.look(*inputs(TOY, 1)), torch.full((1, given), 7))
    assert seen == [(1, padded)]


@pytest.mark.parametrize("length", [1, 23, 27])
def test_lengths_that_the_model_refuses(length: int) -> None:
    model = RS2SAM2(TOY).eval()
    with torch.inference_mode(), pytest.raises(UsageError, match=rf"shape \(1, {length}\); wanted .* from 2 to 22"):
        RecordedAnswers(model)(model.look(*inputs(TOY, 1)), torch.full((1, length), 7))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_replay_gives_what_the_model_gives(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "KEPT", 1)
    model = randomise(RS2SAM2(TOY), seed=2).to("cuda")
    make_ready(model, dtype, dtype)
    answer = RecordedAnswers(model)
    for seed in range(2 * recording.SEEN):
        image, beit3 = (x.to("cuda") for x in inputs(TOY, 2, seed))  # type: ignore[union-attr]
        for ids in (IDS.to("cuda"), IDS[:1].repeat(2, 2).to("cuda")):
            with torch.inference_mode():
                parts = model.look(image, beit3)
                padding = ids == 1
                out = answer(parts, ids, padding).mask_logits
                # one that has not recorded yet: in bfloat16 a toy of large random weights answers to padding, too
                expected = RecordedAnswers(model)(parts, ids, padding).mask_logits
            assert (out - expected).abs().mean() < 1e-2 * expected.std()
    assert len(answer._recordings) == 1
