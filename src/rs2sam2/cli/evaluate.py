"""`rs2sam2 evaluate`, `score` and `compare`: how good are these masks, and which are better?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from rs2sam2.cli.console import progress, say, say_json
from rs2sam2.config import DTypeName

if TYPE_CHECKING:
    from rs2sam2.data.sample import Sample
    from rs2sam2.evaluate.assess import Advance
    from rs2sam2.evaluate.records import Record

Folder = Annotated[Path, Parameter(name=["--output", "-o"])]
Flag = Annotated[bool, Parameter(negative=())]
ProtocolName = Literal["all", "native", "released", "480"]


def evaluate(
    *,
    data: Path,
    weights: str = "nano",
    split: str | None = None,
    protocol: ProtocolName = "all",
    control: Literal["none", "shuffle"] = "none",
    robustness: int = 0,
    limit: int | None = None,
    min_score: float | None = None,
    output: Folder = Path("evaluation"),
    masks: Flag = False,
    no_oracles: Flag = False,
    resamples: int = 1000,
    revision: str | None = None,
    subfolder: str | None = None,
    vocabulary: Path | None = None,
    device: str = "auto",
    dtype: DTypeName = "auto",
    json: Flag = False,
) -> None:
    """Score a model on a split: a table, metrics.json, samples.jsonl and report.html. Also under torchrun.

    Parameters
    ----------
    data
        Folder of the data set (RRSIS-D, RefSegRS, RISBench or the open format).
    weights
        Folder, hub id, or "nano" (in the package).
    split
        Default: test, else val, else the last there is.
    protocol
        native (image size), released (1024 square), 480 (square) or all; breakdowns use the first.
    control
        shuffle: ask each phrase of another image too, to see how much of a score comes from looking.
    robustness
        Ask so many samples again under each change of the image: ground sampling distance, blur, JPEG, turns ...
    limit
        Only so many samples, spread evenly over the split.
    min_score
        A score below it means "not here" (default: what the weights say, else 0.5).
    output
        Folder for the results.
    masks
        Keep the masks in samples.jsonl (COCO run-length code at native size).
    no_oracles
        Leave out the diagnostics of where quality is lost.
    resamples
        Redrawn sets of images behind each 95 % interval.
    revision
        Of a hub id.
    subfolder
        Of a hub id or folder, such as rrsisd.
    vocabulary
        Sentencepiece file, where none lies beside the weights.
    device
        auto, cpu, cuda, cuda:1 ...; under torchrun, auto gives each rank its GPU.
    dtype
        auto: the fastest that keeps the mask on this machine; mixed: Hiera in bfloat16, the rest in float32.
    json
        Print metrics.json instead of the table.
    """
    from rs2sam2.data.registry import open_dataset
    from rs2sam2.evaluate.assess import EvaluateConfig, choose_samples, evaluate_model
    from rs2sam2.evaluate.output import open_output
    from rs2sam2.evaluate.ranks import joined, local_device
    from rs2sam2.predictor import Predictor

    config = EvaluateConfig(protocol, control == "shuffle", robustness, not no_oracles, min_score, resamples)
    open_output(output)
    found = open_dataset(data)
    samples = choose_samples(found, split, limit)
    with joined() as ranks:
        predictor = Predictor.load(
            weights,
            revision=revision,
            subfolder=subfolder,
            vocabulary=vocabulary,
            device=local_device(device),
            dtype=dtype,
        )
        with _following(ranks.first) as advance:
            records, metrics = evaluate_model(predictor, found, samples, config, ranks=ranks, advance=advance)
        if ranks.first:
            about = {"method": predictor.name or weights, "weights": weights}
            _finish(records, samples, metrics, about, data, limit, output, masks, json)


def score(
    predictions: Path,
    /,
    *,
    data: Path,
    split: str | None = None,
    protocol: ProtocolName = "all",
    missing: Literal["error", "empty"] = "error",
    limit: int | None = None,
    min_score: float | None = None,
    output: Folder = Path("evaluation"),
    resamples: int = 1000,
    json: Flag = False,
) -> None:
    """Score the masks of any other method in the same way.

    Parameters
    ----------
    predictions
        Folder of <id>.png masks, COCO run-length .json, or .jsonl (docs/evaluation.md).
    data
        Folder of the data set.
    split
        Default: test, else val, else the last there is.
    protocol
        native, released, 480 or all; breakdowns use the first.
    missing
        empty: a sample without a mask counts as an empty mask.
    limit
        Only so many samples, spread evenly over the split.
    min_score
        A score below it means "not here" (default 0.5); without scores an empty mask does.
    output
        Folder for the results.
    resamples
        Redrawn sets of images behind each 95 % interval.
    json
        Print metrics.json instead of the table.
    """
    from rs2sam2.data.registry import open_dataset
    from rs2sam2.evaluate.assess import EvaluateConfig, choose_samples, score_given
    from rs2sam2.evaluate.output import open_output
    from rs2sam2.evaluate.predictions import read_predictions

    config = EvaluateConfig(protocol, min_score=min_score, resamples=resamples)
    open_output(output)
    found = open_dataset(data)
    samples = choose_samples(found, split, limit)
    given = read_predictions(predictions, samples, missing_empty=missing == "empty")
    with _following(True) as advance:
        records, metrics = score_given(given, found, samples, config, advance=advance)
    about = {"method": str(predictions), "weights": None}
    _finish(records, samples, metrics, about, data, limit, output, False, json)


def compare(
    a: Path,
    b: Path,
    /,
    *,
    protocol: Literal["native", "released", "480"] | None = None,
    resamples: int = 1000,
    json: Flag = False,
) -> None:
    """Show by how much B differs from A on the same samples, with paired intervals, and the samples that changed most.

    Parameters
    ----------
    a
        Folder that evaluate or score wrote, or its samples.jsonl.
    b
        The other one.
    protocol
        Default: the first that both were scored under.
    resamples
        Redrawn sets of images behind each 95 % interval.
    json
        Print as JSON.
    """
    from rs2sam2.evaluate.compare import compare as compare_records
    from rs2sam2.evaluate.output import plain
    from rs2sam2.evaluate.records import read_records
    from rs2sam2.evaluate.text import comparison_text

    result = compare_records(read_records(a), read_records(b), protocol=protocol, resamples=resamples)
    if json:
        say_json(plain(result))
    else:
        say(comparison_text(result))


def _finish(
    records: list[Record],
    samples: list[Sample],
    metrics: dict[str, Any],
    about: dict[str, Any],
    data: Path,
    limit: int | None,
    output: Path,
    masks: bool,
    json: bool,
) -> None:
    """Write the three files, then say what is in them."""
    from rs2sam2 import __version__
    from rs2sam2.evaluate.output import plain, write_results
    from rs2sam2.evaluate.text import metrics_text

    split = samples[0].split
    metrics["about"] = about | {"data": str(data), "split": split, "limit": limit, "rs2sam2": __version__}
    paths = write_results(output, records, samples, metrics, masks=masks)
    if json:
        say_json(plain(metrics))
        return
    say(f"{about['method']} on {data}, {split}")
    say(metrics_text(metrics))
    say("\n" + "\n".join(f"-> {path}" for path in paths))


@contextmanager
def _following(visible: bool) -> Iterator[Advance]:
    """A progress bar that each stage takes over from the last."""
    if not visible or not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    with progress("evaluating", 1) as bar:
        yield lambda what, done, total: bar.update(bar.task_ids[0], description=what, completed=done, total=total)
