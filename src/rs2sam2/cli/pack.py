"""`rs2sam2 pack`: trained weights of an object-first model as they are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from rs2sam2.cli.console import check_writable, say
from rs2sam2.errors import UsageError, WeightsError


def pack(
    weights: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    precision: Literal["float16", "float32"] = "float16",
    calibrate: Annotated[tuple[Path, ...], Parameter(negative=(), show_default=False)] = (),
    split: str = "val",
    candidates: int | None = None,
    revision: str | None = None,
    subfolder: str | None = None,
) -> None:
    """Write an object-first model at half its size; with --calibrate, also calibrate its presence.

    Presence is fitted on every second image of each data set and measured on the others; use data sets the model was not
    trained on. The model computes in float32, whatever the precision on disk.

    Parameters
    ----------
    weights
        Folder (such as last/ of a training run), hub id, or "nano", the bundled model.
    output
        Folder to write.
    precision
        Precision of the numbers on disk.
    calibrate
        Referring data set that has phrases with and without a target; repeat for several, which weigh alike.
    split
        Split of these data sets.
    candidates
        Number of objects proposed in an image (default: as in WEIGHTS; more candidates find more and take longer).
    revision
        Revision (branch, tag or commit) of a hub repository.
    subfolder
        Subfolder of the hub repository or folder.
    """
    from dataclasses import replace

    import torch

    from rs2sam2.checkpoint.folder import CONFIG_FILE, VOCABULARY_FILE, is_object_first, locate
    from rs2sam2.data.language.plain import plain
    from rs2sam2.data.registry import open_dataset
    from rs2sam2.objects.files import load, metadata, save
    from rs2sam2.tokenizer import Tokenizer
    from rs2sam2.train.objects.calibration import calibrate_on
    from rs2sam2.train.validation import readable

    if (output / CONFIG_FILE).exists():
        raise UsageError(f"{output} already holds weights; choose another -o or remove that folder")
    check_writable(output, folder=True)
    path = locate(weights, revision, subfolder)
    if not is_object_first(path):
        raise WeightsError(f"{path} is no object-first model; export-weights is for RS2-SAM2")
    model = load(path)
    if candidates is not None:
        model.config = replace(model.config, candidates=candidates)
    vocabulary = path / VOCABULARY_FILE
    tokenizer = Tokenizer(vocabulary, model.config.vocabulary, model.config.max_tokens)
    notes = {k: v for k, v in metadata(path).items() if k not in ("format", "rs2sam2")}
    if calibrate:
        sets = []
        for folder in calibrate:
            samples, short_of = readable(
                open_dataset(folder).read(split),
                lambda phrase: tokenizer.reads(plain(phrase, model.config.taught)),
                f"{folder.name} {split}",
            )
            sets.append(samples)
            for note in short_of:
                say(note)
        measured = calibrate_on(model, tokenizer, sets)
        model.config = measured.line.of(model.config)
        notes["calibrated"] = ", ".join(f"{folder.name} {split}" for folder in calibrate)
        say(f"presence = sigmoid({model.config.presence_slope} * logit + {model.config.presence_offset})")
        for folder, found, refused in zip(calibrate, measured.target, measured.no_target, strict=True):
            say(
                f"{folder.name}, the other half: right on {found:.1%} with a target, {refused:.1%} without, at presence 0.5"
            )
    save(model, output, vocabulary, getattr(torch, precision), notes)
    size = sum(f.stat().st_size for f in output.iterdir()) / 1e6
    say(f"{sum(p.numel() for p in model.parameters()):,} parameters in {precision}, {size:.1f} MB -> {output}")
