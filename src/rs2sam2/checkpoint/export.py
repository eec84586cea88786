"""Back to the released layout, so that the released code and others can load what was trained here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from rs2sam2.checkpoint import tables
from rs2sam2.checkpoint.files import write_safetensors
from rs2sam2.checkpoint.folder import CONFIG_FILE, WEIGHTS_FILE, WeightsFolder
from rs2sam2.checkpoint.layouts import CONFIG_KEY
from rs2sam2.checkpoint.tables import Renamer
from rs2sam2.errors import WeightsError
from rs2sam2.files import atomic, write_text

RELEASED_VOCABULARY = "sentencepiece.bpe.model"  # where transformers looks for it


def export_released(folder: WeightsFolder, output: Path, progress: Callable[[int], None] = lambda _: None) -> int:
    """Write `output` as a transformers-style folder; the number of entries. Raises WeightsError.

    What the model does not read (the tables of drops) is not there; the released code does not read it either. The file's
    metadata holds our configuration, so that the way back gives the same model.
    """
    plan = folder.plan
    renamer = Renamer(tables.RELEASED)
    theirs = {name: renamer.to_theirs(name) for name in plan.tensors}
    unnamed = [name for name, other in theirs.items() if other is None]
    if unnamed:
        raise WeightsError(
            f"{folder.path}: the released layout has no name for {len(unnamed)} entries ({', '.join(unnamed[:3])}, ...); "
            f"only models with a Hiera trunk can be exported"
        )
    ours = {other: name for name, other in theirs.items() if other is not None}
    shapes = {}
    for other, name in ours.items():
        tensor = plan.tensors[name]()
        shapes[other] = (tensor.dtype, tuple(tensor.shape))
    write_safetensors(
        output / WEIGHTS_FILE,
        shapes,
        lambda other: plan.tensors[ours[other]](),
        {"layout": "RS2-SAM2 as released", CONFIG_KEY: plan.config.to_json()},
        progress,
    )
    if folder.vocabulary is not None:
        with atomic(output / RELEASED_VOCABULARY) as file:
            file.write(folder.vocabulary.read_bytes())
    write_text(
        output / CONFIG_FILE, json.dumps({"model_type": "evf", "architectures": ["EvfSam2Model"]}, indent=2) + "\n"
    )
    return len(ours)
