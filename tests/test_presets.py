from __future__ import annotations

import pytest

from rs2sam2.config import HieraConfig
from rs2sam2.errors import UsageError
from rs2sam2.presets import ABLATIONS, ablation, preset


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
    with pytest.raises(UsageError, match=r"no preset \[1\]"):
        preset([1])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="baseline"):
        ablation("everything")
