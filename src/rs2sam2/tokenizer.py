"""Phrase -> token ids, on sentencepiece in the XLM-R id layout that BEiT-3 uses.

`<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3, and piece p of the sentencepiece model is id p + 1. A phrase is
`<s> pieces </s>`. Copies of BEiT-3's vocabulary that were cut off while downloading are in circulation; they load
without a complaint and give wrong ids, so the number of pieces is checked against the rows of the text embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from rs2sam2.errors import UsageError, VocabularyError

START, PAD, END, UNKNOWN = 0, 1, 2, 3
SPARE_ROWS = 16
"""An embedding table may have this many rows without a piece (BEiT-3: 64,010 rows for 64,000 pieces)."""


class Tokenizer:
    """A sentencepiece vocabulary that fits an embedding table of `rows` rows."""

    def __init__(self, path: str | Path, rows: int, max_tokens: int | None = None) -> None:
        """Raises VocabularyError where the file is missing, is no sentencepiece model or does not fit `rows`."""
        from sentencepiece import SentencePieceProcessor

        self.path = Path(path)
        self.max_tokens = max_tokens
        if not self.path.is_file():
            raise VocabularyError(f"no vocabulary at {self.path}; expected a sentencepiece model such as beit3.spm")
        content = self.path.read_bytes()
        try:
            self._pieces = SentencePieceProcessor(model_proto=content)
        except Exception:
            raise VocabularyError(
                f"{self.path} ({len(content):,} bytes) is not a readable sentencepiece model; download it again"
            ) from None
        count = self._pieces.get_piece_size()
        if not rows - SPARE_ROWS <= count + 1 <= rows:
            hint = "the file is incomplete: download it again" if count + 1 < rows else "it belongs to another model"
            raise VocabularyError(
                f"{self.path} has {count:,} pieces ({len(content):,} bytes); the model's text embedding has {rows:,} rows; {hint}"
            )

    def encode(self, phrase: str) -> list[int]:
        """Token ids of one phrase, `<s>` and `</s>` included. Raises UsageError where it is longer than the model reads."""
        ids = self._ids(phrase)
        if self.max_tokens is not None and len(ids) > self.max_tokens:
            raise UsageError(
                f"phrase of {len(ids)} tokens ({phrase[:40]!r}...); this model reads at most {self.max_tokens}: shorten it"
            )
        return ids

    def reads(self, phrase: str) -> bool:
        """Whether the model reads a phrase of that length."""
        return self.max_tokens is None or len(self._ids(phrase)) <= self.max_tokens

    def batch(self, phrases: Sequence[str]) -> tuple[Tensor, Tensor]:
        """token_ids (B, L) int64 and text_padding (B, L) bool (True = ignore), L the longest phrase; B may be 0."""
        encoded = [self.encode(phrase) for phrase in phrases]
        length = max(map(len, encoded), default=1)
        ids = torch.full((len(encoded), length), PAD, dtype=torch.int64)
        for row, tokens in zip(ids, encoded, strict=True):
            row[: len(tokens)] = torch.tensor(tokens)
        return ids, ids == PAD

    def _ids(self, phrase: str) -> list[int]:
        return [START, *(UNKNOWN if p == 0 else p + 1 for p in self._pieces.encode(phrase)), END]
