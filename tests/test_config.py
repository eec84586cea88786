from __future__ import annotations

import dataclasses
import json

import pytest

from rs2sam2.config import BEiT3Config, DecoderConfig, RS2SAM2Config
from rs2sam2.errors import UsageError
from rs2sam2.presets import PRESETS, preset
from toys import TOY


@pytest.mark.parametrize("name", PRESETS)
def test_json_round_trip(name: str) -> None:
    assert RS2SAM2Config.from_json(PRESETS[name].to_json()) == PRESETS[name]


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
        ({1: 2}, "unknown 1"),
        ({"image_size": 0}, "image_size 0 must be a whole number >= 1"),
        ({"trunk": {"kind": "hiera", "heads": 0}}, "trunk.heads 0"),
        ({"trunk": {"kind": "hiera", "depths": [1, 2.5, 3, 1]}}, "trunk.depths .* must be whole numbers >= 1"),
        ({"trunk": {"kind": "hiera", "depths": []}}, "four numbers"),
        ({"trunk": {"kind": "hiera", "global_blocks": [4.5]}}, "global_blocks"),
        ({"trunk": {"kind": "lite", "stem": -8}}, "trunk.stem -8"),
        ({"trunk": {"kind": "lite", "repeats": [1, 2, 0, 3, 3, 4, 1]}}, "trunk.repeats"),
        ({"beit3": {"heads": 0}}, "beit3.heads 0"),
        ({"beit3": {"patch": 0}}, "beit3.patch 0"),
        ({"beit3": {"width": -32}}, "beit3.width -32"),
        ({"decoder": {"heads": 0}}, "decoder.heads 0"),
        ({"decoder": {"width": 0}}, "decoder.width 0"),
    ],
)
def test_bad_configurations_are_refused_in_plain_words(change: dict[str, object], message: str) -> None:
    data = {**json.loads(preset("large").to_json()), **change}
    with pytest.raises(UsageError, match=message):
        RS2SAM2Config.from_dict(data)


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_not_json(text: str) -> None:
    with pytest.raises(UsageError, match="not JSON"):
        RS2SAM2Config.from_json(text)


def test_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TOY.image_size = 32  # type: ignore[misc]
    assert hash(TOY) == hash(dataclasses.replace(TOY))
    assert BEiT3Config().grid == 14
    assert DecoderConfig().width == 256
