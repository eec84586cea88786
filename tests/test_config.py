from __future__ import annotations

import dataclasses
import json

import pytest

from rs2sam2.config import ABLATIONS, PRESETS, BEiT3Config, DecoderConfig, HieraConfig, RS2SAM2Config, ablation, preset
from rs2sam2.errors import UsageError
from toys import TOY


@pytest.mark.parametrize("name", PRESETS)
def test_json_round_trip(name: str) -> None:
    assert RS2SAM2Config.from_json(PRESETS[name].to_json()) == PRESETS[name]


def test_large_is_the_released_system() -> None:
    large = preset("large")
    assert (large.image_size, large.beit3.image_size, large.beit3.vocabulary) == (1024, 224, 64010)
    assert isinstance(large.trunk, HieraConfig)
    assert large.trunk.depths == (2, 6, 36, 4) and large.trunk.global_blocks == (23, 33, 43)
    assert (large.processor.threshold, large.processor.steepness) == (0.5, 2.0)
    assert large.beit3.max_tokens == 1022


def test_ablation_rows_differ_from_each_other_and_end_in_the_whole_model() -> None:
    rows = [ablation(row) for row in ABLATIONS]
    assert len(set(rows)) == 5
    assert rows[-1] == preset("large")


def test_presets_and_ablations_name_what_there_is() -> None:
    with pytest.raises(UsageError, match="nano"):
        preset("tiny")
    with pytest.raises(UsageError, match="baseline"):
        ablation("everything")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": 1000}, "multiple of 32"),
        ({"image_size": "1024"}, "type int"),
        ({"colour": 1}, "unknown colour"),
        ({"version": 99}, "upgrade"),
        ({"format": "other"}, "not an rs2sam2 configuration"),
        ({"trunk": {"kind": "resnet"}}, "hiera"),
        ({"trunk": {"kind": "hiera", "width": 15}}, "not divisible"),
        ({"trunk": {"kind": "hiera", "windows": [8, 4, 15, 8]}}, "even"),
        ({"trunk": {"kind": "hiera", "windows": "8"}}, "list of numbers"),
        ({"trunk": {"kind": "hiera", "global_blocks": [99]}}, "beyond"),
        ({"trunk": {"kind": "hiera", "global_blocks": [2]}}, "changes the stage"),
        ({"trunk": {"kind": "lite", "adapter_width": 7}}, "heads"),
        ({"beit3": {"patches": "trunk"}}, "needs a trunk"),
        ({"beit3": {"width": 1023}}, "not divisible"),
        ({"decoder": {"masks": "five"}}, "best_of_three"),
        ({"processor": {"decision": "maybe"}}, "class-scores"),
        ({"processor": {"image_resize": "lanczos"}}, "pil-bilinear"),
        ({"text_gate": 1}, "type bool"),
        ({"trunk": 5}, "kind"),
    ],
)
def test_bad_configurations_are_refused_in_plain_words(change: dict[str, object], message: str) -> None:
    data = {**json.loads(preset("large").to_json()), **change}
    with pytest.raises(UsageError, match=message):
        RS2SAM2Config.from_dict(data)


def test_not_json() -> None:
    with pytest.raises(UsageError, match="not JSON"):
        RS2SAM2Config.from_json("{")


def test_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TOY.image_size = 32  # type: ignore[misc]
    assert hash(TOY) == hash(dataclasses.replace(TOY))
    assert BEiT3Config().grid == 14
    assert DecoderConfig().width == 256
