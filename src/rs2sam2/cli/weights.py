"""`rs2sam2 import-weights`, `export-weights` and `info`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from rs2sam2.cli.console import progress, say, say_json
from rs2sam2.config import BEiT3Config, RS2SAM2Config
from rs2sam2.errors import UsageError, VocabularyError, WeightsError

if TYPE_CHECKING:
    from rs2sam2.checkpoint.folder import WeightsFolder

Output = Annotated[Path, Parameter(name=["--output", "-o"])]


def import_weights(
    source: str,
    /,
    *,
    output: Output,
    beit3: Path | None = None,
    vocabulary: Path | None = None,
    revision: str | None = None,
    subfolder: str | None = None,
    image_size: int | None = None,
    beit3_image_size: int | None = None,
) -> None:
    """Turn published weights into a folder that rs2sam2 loads.

    The layout is recognised by its content: released RS2-SAM2 or EVF-SAM2 (folder, file or hub id), a merged DeepSpeed
    checkpoint, or SAM2 with --beit3, as the start of a training run.

    Parameters
    ----------
    source
        Folder, file or hub id of the weights.
    output
        Folder to write.
    beit3
        Official BEiT-3 weights, if SOURCE is SAM2 or SAM2.1.
    vocabulary
        BEiT-3's tokenizer file beit3.spm, if it does not lie beside the weights.
    revision
        Revision (branch, tag or commit) of a hub repository.
    subfolder
        Subfolder of the hub repository or folder, such as rrsisd or refseg.
    image_size
        Image size of the trunk, for a start from SAM2 and BEiT-3 (default: 1024).
    beit3_image_size
        Image size of BEiT-3's view, for such a start (default: 224); its position table is resized.
    """
    from rs2sam2.checkpoint.folder import convert, locate, open_folder
    from rs2sam2.checkpoint.layouts import is_beit3, is_sam2, start_plan
    from rs2sam2.checkpoint.source import open_source

    _refuse_weights(output)
    if beit3 is None and (image_size, beit3_image_size) != (None, None):
        raise UsageError(
            "--image-size and --beit3-image-size are for a start from SAM2 and BEiT-3; add --beit3 or leave them out"
        )
    path = locate(source, revision, subfolder)
    if beit3 is None:
        folder = open_folder(path)
        plan, beside = folder.plan, folder.vocabulary
    else:
        sam2_source, beit3_source = open_source(path), open_source(beit3)
        for given, right, kind in (
            (sam2_source, is_sam2(sam2_source), "SAM2"),
            (beit3_source, is_beit3(beit3_source), "BEiT-3"),
        ):
            if not right:
                raise WeightsError(
                    f"{given.description} is not {kind}; its entries look like {', '.join(list(given)[:3])}"
                )
        side = RS2SAM2Config.image_size if image_size is None else image_size
        view = BEiT3Config.image_size if beit3_image_size is None else beit3_image_size
        plan = start_plan(sam2_source, beit3_source, side, view)
        beside = next((p for p in (beit3.parent / "beit3.spm", path.parent / "beit3.spm") if p.is_file()), None)
    vocabulary = vocabulary or beside
    if vocabulary is None:
        raise VocabularyError(f"no vocabulary beside {path}; pass BEiT-3's with --vocabulary beit3.spm")
    _check_vocabulary(vocabulary, plan.config.beit3.vocabulary)
    total = 4 * sum(p.numel() for p in plan.model_on_meta().parameters())
    with progress("importing", total) as bar:
        convert(plan, output, vocabulary, lambda done: bar.update(bar.task_ids[0], completed=done))
    say(f"{plan.layout}: {len(plan.tensors)} entries used, {len(plan.fresh)} start fresh -> {output}")
    for reason, count in Counter(plan.dropped.values()).most_common():
        say(f"  {count} dropped: {reason}")


def export_weights(
    weights: str, /, *, output: Output, revision: str | None = None, subfolder: str | None = None
) -> None:
    """Write weights in the released layout (transformers-style folder), with every tensor unchanged.

    Parameters
    ----------
    weights
        Folder or hub id.
    output
        Folder to write.
    revision
        Revision (branch, tag or commit) of a hub repository.
    subfolder
        Subfolder of the hub repository or folder.
    """
    from rs2sam2.checkpoint.export import export_released
    from rs2sam2.checkpoint.folder import locate, open_folder

    _refuse_weights(output)
    folder = open_folder(locate(weights, revision, subfolder))
    total = 4 * sum(p.numel() for p in folder.plan.model_on_meta().parameters())
    with progress("exporting", total) as bar:
        count = export_released(folder, output, lambda done: bar.update(bar.task_ids[0], completed=done))
    say(f"{count} entries in the released layout -> {output}")


def info(
    weights: str = "nano",
    /,
    *,
    revision: str | None = None,
    subfolder: str | None = None,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Show configuration, parameters, size and provenance of weights.

    RS2-SAM2 weights are not loaded for this; object-first models such as nano, which are small, are.

    Parameters
    ----------
    weights
        Folder, hub id, or "nano", the bundled model.
    revision
        Revision (branch, tag or commit) of a hub repository.
    subfolder
        Subfolder of the hub repository or folder.
    json
        Print the facts as JSON.
    """
    from rs2sam2.checkpoint.folder import is_object_first, locate, open_folder

    path = locate(weights, revision, subfolder)
    facts = _object_first_facts(path) if is_object_first(path) else _facts(open_folder(path))
    if json:
        say_json(facts)
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            say(f"{key}:")
            for name, inner in value.items():
                say(f"  {name}: {inner}")
        else:
            say(f"{key}: {value}")


def _refuse_weights(output: Path) -> None:
    """Neither a folder of ours nor a download is written over. Raises UsageError."""
    from rs2sam2.checkpoint.folder import CONFIG_FILE, WEIGHTS_FILE

    if any((output / name).exists() for name in (CONFIG_FILE, WEIGHTS_FILE)):
        raise UsageError(f"{output} already holds weights; choose another -o or move them away")


def _object_first_facts(path: Path) -> dict[str, Any]:
    import dataclasses

    from rs2sam2.objects.files import load, metadata

    model = load(path)
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    return {
        "path": str(path),
        "layout": "object-first model of this package (not RS2-SAM2)",
        "parameters": f"{sum(parts.values()):,}",
        "size on disk": f"{sum(f.stat().st_size for f in path.iterdir() if f.is_file()) / 1e6:.1f} MB",
        "parts": {name: f"{count:,}" for name, count in parts.items()},
        "provenance": {k: v for k, v in metadata(path).items() if k != "format"},
        "configuration": dataclasses.asdict(model.config),
    }


def _facts(folder: WeightsFolder) -> dict[str, Any]:
    plan = folder.plan
    model = plan.model_on_meta()
    files = [folder.path] if folder.path.is_file() else [p for p in folder.path.rglob("*") if p.is_file()]
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    return {
        "path": str(folder.path),
        "layout": plan.layout,
        "parameters": f"{sum(p.numel() for p in model.parameters()):,}",
        "size on disk": f"{sum(f.stat().st_size for f in files) / 1e6:.1f} MB",
        "stored as": ", ".join(sorted({str(read().dtype).removeprefix("torch.") for read in plan.tensors.values()})),
        "vocabulary": _vocabulary_fact(folder),
        "parameters per part": {name: f"{count:,}" for name, count in parts.items()},
        "dropped": dict(Counter(plan.dropped.values())) or "nothing",
        "provenance": {k: v for k, v in folder.metadata.items() if k != "format"} or "not recorded",
        "configuration": {k: v for k, v in plan.config.to_dict().items() if k not in ("format", "version")},
    }


def _vocabulary_fact(folder: WeightsFolder) -> str:
    if folder.vocabulary is None:
        return "none beside the weights"
    try:
        _check_vocabulary(folder.vocabulary, folder.plan.config.beit3.vocabulary)
    except VocabularyError as error:
        return f"unusable: {error}"
    return str(folder.vocabulary)


def _check_vocabulary(path: Path, rows: int) -> None:
    from rs2sam2.tokenizer import Tokenizer

    Tokenizer(path, rows)
