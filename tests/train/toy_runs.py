"""Toy training runs: any recipe with its model shrunk by overrides, on generated data in a published layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
import torch

from rs2sam2.train.checkpointing import load_checkpoint

HIERA = {
    "kind": "hiera",
    "width": 16,
    "heads": 1,
    "depths": [1, 2, 3, 1],
    "windows": [8, 4, 6, 2],
    "global_blocks": [4],
}
BEIT3 = {"width": 32, "depth": 2, "heads": 2, "ffn": 64, "image_size": 32, "patch": 8, "text_positions": 64}
LITE = {"kind": "lite", "stem": 8, "widths": [8, 8, 16, 16, 16, 16, 16], "repeats": [1] * 7, "adapter_width": 16}
DECODER = {"width": 32, "heads": 8, "mlp": 64}


def shrunk(vocabulary: Path, *, lite: bool = False) -> list[str]:
    """Overrides that make a recipe's model a toy of the same kind, starting fresh."""
    rows = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary)).get_piece_size() + 3
    beit3: dict[str, Any] = {**BEIT3, "vocabulary": rows}
    if lite:
        beit3 |= {"image_size": 64, "patch": 32}
    model = {
        "preset": "nano" if lite else "large",
        "image_size": 64,
        "trunk": LITE if lite else HIERA,
        "beit3": beit3,
        "decoder": DECODER,
    }
    return ["--init.weights=null", f"--init.vocabulary={vocabulary}", f"--model={json.dumps(model)}"]


def numbers(checkpoint: Path, prefix: str = "model/") -> dict[str, torch.Tensor]:
    """Tensors of a checkpoint."""
    return {name: t.clone() for name, t in load_checkpoint(checkpoint)[0].items() if name.startswith(prefix)}


def log(folder: Path, kind: str) -> list[dict[str, float]]:
    """Entries of one kind."""
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [e for e in entries if e["kind"] == kind]


Run = Callable[..., int]
