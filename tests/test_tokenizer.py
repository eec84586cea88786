from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from rs2sam2.checkpoint.folder import locate
from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import UsageError, VocabularyError
from rs2sam2.presets import preset
from rs2sam2.tokenizer import Tokenizer
from toys import shared

SHARED = shared()
needs_vocabulary = pytest.mark.skipif(
    SHARED is None, reason="no folder 'shared' with BEiT-3's vocabulary beside the project"
)


@needs_vocabulary
def test_golden_ids() -> None:
    assert SHARED is not None
    tokenizer = Tokenizer(SHARED / "tokenizer" / "beit3_64k.model", rows=64010)
    for phrase, ids in json.loads((SHARED / "reference" / "tokens.json").read_text()).items():
        assert tokenizer.encode(phrase) == ids, phrase


@needs_vocabulary
@pytest.mark.parametrize("size", [786_432, 1_000_000, 1000])
def test_a_truncated_vocabulary_is_refused(tmp_path: Path, size: int) -> None:
    assert SHARED is not None
    cut = tmp_path / "beit3.spm"
    cut.write_bytes((SHARED / "tokenizer" / "beit3_64k.model").read_bytes()[:size])
    with pytest.raises(VocabularyError, match="download it again"):
        Tokenizer(cut, rows=64010)


def test_batch_pads_to_the_longest(toy_vocabulary: Path, toy_config: RS2SAM2Config) -> None:
    tokenizer = Tokenizer(toy_vocabulary, toy_config.beit3.vocabulary)
    ids, padding = tokenizer.batch(["the ship", "the large ship on the left of the pier"])
    assert ids.dtype == torch.int64 and padding.dtype == torch.bool and ids.shape == padding.shape
    for row, phrase in enumerate(["the ship", "the large ship on the left of the pier"]):
        assert ids[row][~padding[row]].tolist() == tokenizer.encode(phrase)
    assert (ids[padding] == 1).all() and padding.any()


def test_unknown_is_3_and_start_and_end_are_there(toy_vocabulary: Path, toy_config: RS2SAM2Config) -> None:
    ids = Tokenizer(toy_vocabulary, toy_config.beit3.vocabulary).encode("ship 网")
    assert ids[0] == 0 and ids[-1] == 2 and 3 in ids


def test_too_long_a_phrase(toy_vocabulary: Path, toy_config: RS2SAM2Config) -> None:
    tokenizer = Tokenizer(toy_vocabulary, toy_config.beit3.vocabulary, max_tokens=6)
    assert tokenizer.encode("ship")
    with pytest.raises(UsageError, match="at most 6"):
        tokenizer.encode("ship " * 20)
    assert tokenizer.reads("ship") and not tokenizer.reads("ship " * 20)


def test_missing_and_unreadable(tmp_path: Path, toy_vocabulary: Path) -> None:
    with pytest.raises(VocabularyError, match=r"no vocabulary at .*nowhere"):
        Tokenizer(tmp_path / "nowhere.spm", rows=10)
    (tmp_path / "text.spm").write_text("this is no model")
    with pytest.raises(VocabularyError, match="not a readable"):
        Tokenizer(tmp_path / "text.spm", rows=10)
    with pytest.raises(VocabularyError, match="another model"):
        Tokenizer(toy_vocabulary, rows=20)


def test_the_small_vocabulary_folds_case_and_knows_the_field() -> None:
    tokenizer = Tokenizer(locate("nano") / "vocabulary.spm", preset("nano").beit3.vocabulary)
    assert tokenizer.encode("The SHIP") == tokenizer.encode("the ship")
    for word in ("airplane", "harbor", "windmill", "leftmost", "building", "vegetation"):
        assert len(tokenizer.encode(word)) == 3, word
