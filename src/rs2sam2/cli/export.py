"""`rs2sam2 export`: a model as a file that other programs run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from rs2sam2.cli.console import check_writable, say
from rs2sam2.errors import UsageError


def export(
    weights: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    file_format: Annotated[Literal["onnx", "torch-export"], Parameter(name="--format")] = "onnx",
    vocabulary: Path | None = None,
    revision: str | None = None,
    subfolder: str | None = None,
) -> None:
    """Write RS2-SAM2 as a graph for other programs (ONNX, torch.export) and check it against the model.

    The graph takes image, token ids and padding, and gives mask logits; phrases may have any length. What --format onnx
    writes is run by "rs2sam2 segment --backend onnxruntime --weights DIR".

    Parameters
    ----------
    weights
        Folder or hub id of RS2-SAM2 weights.
    output
        Folder to write: the graph, config.json and the vocabulary.
    file_format
        onnx: model.onnx (needs the extra "onnx"). torch-export: model.pt2, for torch.export.load.
    vocabulary
        The tokenizer's sentencepiece file, if none lies beside the weights.
    revision
        Revision (branch, tag or commit) of a hub repository.
    subfolder
        Subfolder of the hub repository or folder.
    """
    from rs2sam2.checkpoint.folder import CONFIG_FILE, is_object_first, load_model, locate, open_folder
    from rs2sam2.checkpoint.source import WEIGHT_SUFFIXES
    from rs2sam2.portable.export import export as write
    from rs2sam2.portable.graph import FILES
    from rs2sam2.tokenizer import Tokenizer

    # an earlier export has none and may be written again
    if any(p.suffix in WEIGHT_SUFFIXES for p in output.glob("*")):
        raise UsageError(f"{output} already holds weights; choose another -o or remove that folder")
    path = locate(weights, revision, subfolder)
    if is_object_first(path):
        raise UsageError(f"{path} is an object-first model, and only RS2-SAM2 can be exported; give weights of that")
    check_writable(output, folder=True)
    folder = open_folder(path)
    config, there = folder.plan.config, output / CONFIG_FILE
    if there.exists() and there.read_bytes() != config.to_json().encode():
        raise UsageError(f"{there} describes another model; choose another -o or remove that folder")
    vocabulary = vocabulary or folder.vocabulary
    if vocabulary is None:
        say(f"no vocabulary beside {path}, so none in {output}: name it with --vocabulary here or where that is used")
    else:
        Tokenizer(vocabulary, config.beit3.vocabulary)  # refuses another model's
    difference = write(load_model(folder.plan), vocabulary, output, file_format)
    say(f"{output / FILES[file_format]}: mask logits within {difference:.1e} of the model's")
