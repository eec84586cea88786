"""What a run starts from, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rs2sam2.config import RS2SAM2Config
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.train.rs2sam2.components import component
from rs2sam2.train.rs2sam2.options import Init
from rs2sam2.train.rs2sam2.start import start
from toys import randomise


def test_what_starts_fresh_is_named_and_counted(
    toy_config: RS2SAM2Config, toy_vocabulary: Path, tmp_path: Path
) -> None:
    """Adapters in the trunk are new, not the trunk."""
    plain = randomise(RS2SAM2(replace(toy_config, text_adapters=False)))
    plain.save_pretrained(tmp_path, vocabulary=toy_vocabulary)
    model, _, notes = start(Init(weights=str(tmp_path)), {"text_adapters": True, "text_gate": False})
    counts = {
        kind: sum(p.numel() for n, p in model.named_parameters() if component(n) == "adapters" and f".{kind}." in n)
        for kind in ("mlp_adapter", "text_adapter")
    }
    fresh = ", ".join(f"trunk.blocks.*.{kind} ({count:,} parameters)" for kind, count in counts.items())
    gate = sum(p.numel() for n, p in plain.named_parameters() if component(n) == "gate")
    assert notes == [f"weights from {tmp_path}", f"start fresh: {fresh}", f"dropped: text_gate ({gate:,} parameters)"]
