from __future__ import annotations

import dataclasses

import pytest
import torch

from rs2sam2.errors import UsageError
from rs2sam2.model.rs2sam2 import RS2SAM2, SAMPrompts
from rs2sam2.presets import ABLATIONS, PRESETS, ablation, preset
from toys import TOY, TOY_LITE, inputs, randomise

TOY_EVF = dataclasses.replace(
    TOY, decoder=dataclasses.replace(TOY.decoder, masks="best_of_three"), hide_unknown=False, **ABLATIONS["baseline"]
)
CONFIGS = {"all": TOY, "evf": TOY_EVF, "lite": TOY_LITE, **{row: ablation(row, TOY) for row in ABLATIONS}}
IDS = torch.tensor([[0, 9, 17, 2]])


def forward(
    model: RS2SAM2, ids: torch.Tensor, padding: torch.Tensor | None = None, images: int | None = None, **kwargs: object
):  # type: ignore[no-untyped-def]
    with torch.inference_mode():
        return model(*inputs(model.config, images or len(ids)), ids, padding, **kwargs)


@pytest.mark.parametrize("name", CONFIGS)
def test_shapes(name: str) -> None:
    config = CONFIGS[name]
    out = forward(randomise(RS2SAM2(config)), IDS.repeat(2, 1))
    side = config.image_size // 4
    assert out.mask_logits.shape == (2, 1, side, side)
    assert out.iou_score.shape == out.object_score.shape == (2,)
    assert ((out.iou_score >= 0) & (out.iou_score <= 1)).all()
    assert (out.mask_prompt is None) == (not config.mask_prompt)
    if out.mask_prompt is not None:
        assert out.mask_prompt.shape == (2, 1, config.beit3.grid, config.beit3.grid)
        assert ((out.mask_prompt >= 0) & (out.mask_prompt <= 1)).all()
    assert (out.text_weight is None) == (not config.text_weight)
    assert out.candidates.logits.shape[1] == (3 if name == "evf" else 1)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_parameter_reaches_an_output(name: str) -> None:
    model = randomise(RS2SAM2(CONFIGS[name]))
    image, beit3 = inputs(model.config, 1)
    points = SAMPrompts(
        torch.tensor([[[3.0, 4.0], [9.0, 9.0]]]), torch.tensor([[1, 0]]), torch.tensor([[1.0, 2, 30, 40]])
    )
    total = torch.zeros(())
    for prompts in (None, points, SAMPrompts(previous_logits=torch.randn(1, 1, 16, 16))):
        out = model(image, beit3, IDS, prompts=prompts)
        total = total + out.candidates.logits.square().sum() + out.candidates.iou.sum() + out.object_score.sum()
        total = total + (0 if out.text_weight is None else out.text_weight.sum())
    total.backward()
    without = {n for n, p in model.named_parameters() if p.grad is None}
    if not model.config.uses_text_features:
        # Only BEiT-3's class token is read then: the last layer's words go nowhere. They stay, as part of BEiT-3.
        last = f"beit3.layers.{model.config.beit3.depth - 1}."
        without -= {n for n in without if n.startswith((last, "beit3.norm.text")) and ".text" in n}
    assert not without, without


@pytest.mark.parametrize("name", CONFIGS)
def test_a_phrase_does_not_depend_on_its_neighbours(name: str) -> None:
    # Exact arithmetic and weights (seed 5) that do not amplify rounding: those of seed 0 do by 1e10.
    model = randomise(RS2SAM2(CONFIGS[name]), seed=5).double()
    image, beit3 = (None if x is None else x.double() for x in inputs(model.config, 2))
    short, long = [0, 9, 17, 2], [0, 5, 6, 7, 3, 9, 11, 2]
    ids = torch.ones(2, len(long), dtype=torch.int64)
    ids[0, : len(short)], ids[1] = torch.tensor(short), torch.tensor(long)
    padding = ids == 1
    with torch.inference_mode():
        together = model(image, beit3, ids, padding)
        for row, tokens in enumerate((short, long)):
            alone = model(image[row : row + 1], None if beit3 is None else beit3[row : row + 1], torch.tensor([tokens]))
            error = (together.mask_logits[row] - alone.mask_logits[0]).abs().max() / alone.mask_logits.std()
            assert error < 1e-6, error  # rounding; an unmasked pad gives about 1
            assert torch.allclose(together.object_score[row], alone.object_score[0], atol=1e-4)


@pytest.mark.parametrize("name", ["all", "evf", "lite"])
def test_phrases_about_one_image_share_it(name: str) -> None:
    model = randomise(RS2SAM2(CONFIGS[name]))
    image, beit3 = inputs(model.config, 2)
    ids = torch.tensor([[0, 9, 17, 2], [0, 5, 6, 2], [0, 7, 11, 2]])
    index = torch.tensor([1, 0, 1])
    with torch.inference_mode():
        shared = model(image, beit3, ids, image_index=index)
        copied = model(image[index], None if beit3 is None else beit3[index], ids)
    assert torch.allclose(shared.mask_logits, copied.mask_logits, atol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_phrase_matters(name: str) -> None:
    model = randomise(RS2SAM2(CONFIGS[name]))
    a, b = forward(model, IDS), forward(model, torch.tensor([[0, 11, 5, 2]]))
    assert (a.mask_logits - b.mask_logits).abs().max() > 1e-3


def test_unknown_words_are_hidden_from_beit3_only_where_configured() -> None:
    hidden, seen = (randomise(RS2SAM2(dataclasses.replace(CONFIGS["baseline"], hide_unknown=h))) for h in (True, False))
    plain, unknown = IDS, torch.tensor([[0, 9, 17, 3, 2]])
    longer = torch.tensor([[0, 9, 17, 3, 3, 2]])
    assert not torch.allclose(forward(seen, plain).mask_logits, forward(seen, unknown).mask_logits, atol=1e-5)
    padding = torch.tensor([[False, False, False, True, False]])
    assert torch.allclose(forward(hidden, unknown).mask_logits, forward(seen, unknown, padding).mask_logits, atol=1e-5)
    assert forward(hidden, longer).mask_logits.isfinite().all()


def test_user_prompts_change_the_mask_and_padding_points_do_not() -> None:
    model = randomise(RS2SAM2(TOY))
    plain = forward(model, IDS).mask_logits
    points, labels = torch.tensor([[[10.0, 20.0]]]), torch.tensor([[1]])
    variants = {
        "positive": SAMPrompts(points, labels),
        "negative": SAMPrompts(points, torch.zeros_like(labels)),
        "box": SAMPrompts(boxes=torch.tensor([[4.0, 4, 40, 50]])),
        "previous": SAMPrompts(previous_logits=torch.randn(1, 1, 16, 16)),
    }
    masks = {name: forward(model, IDS, prompts=p).mask_logits for name, p in variants.items()}
    for name, mask in masks.items():
        assert (mask - plain).abs().max() > 1e-4, name
    assert (masks["positive"] - masks["negative"]).abs().max() > 1e-4
    with pytest.raises(UsageError, match="go together"):
        forward(model, IDS, prompts=SAMPrompts(points=points))


@pytest.mark.parametrize("name", ["all", "evf", "lite"])
def test_bfloat16_follows_float32(name: str) -> None:
    model = randomise(RS2SAM2(CONFIGS[name]))
    exact = forward(model, IDS).mask_logits
    image, beit3 = inputs(model.config, 1)
    half = model.bfloat16()
    half.prompt_encoder.gaussian = half.prompt_encoder.gaussian.float()
    with torch.inference_mode():
        out = half(image.bfloat16(), None if beit3 is None else beit3.bfloat16(), IDS)
    assert out.mask_logits.dtype == torch.bfloat16
    assert torch.corrcoef(torch.stack([exact.flatten(), out.mask_logits.float().flatten()]))[0, 1] > 0.98


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": torch.zeros(1, 3, 32, 32)}, "takes"),
        ({"image_beit3": None}, "missing"),
        ({"image_beit3": torch.zeros(1, 3, 64, 64)}, "wanted"),
        ({"token_ids": torch.zeros(1, 99, dtype=torch.int64)}, "from 2 to 22"),
        ({"token_ids": torch.zeros(2, 5, dtype=torch.int64)}, "image_index"),
    ],
)
def test_wrong_inputs_are_named(change: dict[str, torch.Tensor], message: str) -> None:
    image, beit3 = inputs(TOY, 1)
    arguments = {"image": image, "image_beit3": beit3, "token_ids": IDS, **change}
    with pytest.raises(UsageError, match=message):
        RS2SAM2(TOY)(**arguments)


def test_a_trunk_that_feeds_beit3_takes_no_second_view() -> None:
    with pytest.raises(UsageError, match="must be None"):
        RS2SAM2(TOY_LITE)(torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64), IDS)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_can_be_built(name: str) -> None:
    with torch.device("meta"):
        count = sum(p.numel() for p in RS2SAM2(preset(name)).parameters())
    if name == "large":
        assert count == 926_218_123
    if name == "nano":
        assert 5e6 < count < 12e6


def test_a_new_model_starts_with_adapters_and_gate_without_effect() -> None:
    torch.manual_seed(0)
    model = RS2SAM2(TOY).eval()
    assert all(not a.up.weight.any() for n, a in model.named_modules() if n.endswith("_adapter"))
    image, beit3 = inputs(TOY, 1)
    seen = {}
    assert model.text_gate is not None
    model.text_gate.register_forward_hook(lambda _m, _i, out: seen.setdefault("gate", out))
    with torch.inference_mode():
        model(image, beit3, IDS)
    assert (seen["gate"] - 1).abs().mean() < 0.5
