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
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
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
    """Score a model on a split of a data set; also under torchrun.

    Prints a table and writes metrics.json, samples.jsonl and report.html.

    Parameters
    ----------
    data
        Folder of the data set (RRSIS-D, RefSegRS, RISBench or the open format).
    weights
        Folder, hub id, or "nano", the bundled model.
    split
        Split to score (default: test, else val, else the last one).
    protocol
        Size at which masks are compared: native (image size), released (1024 square), 480 (square) or all. Breakdowns use
        the first.
    control
        shuffle: also ask each phrase of another image, to see how much of the score comes from looking.
    robustness
        Number of samples to repeat under each change of image or phrase: ground sampling distance, blur, JPEG, turns ...
    limit
        Number of samples to score, spread evenly over the split (default: all).
    min_score
        A lower score means "not here" (default: the weights' own value, else 0.5).
    output
        Folder for the results.
    masks
        Keep the masks in samples.jsonl (COCO run-length code, at native size).
    no_oracles
        Leave out the diagnostics that show where quality is lost.
    resamples
        Number of redrawn sets of images behind each 95 % interval.
    revision
        Revision (branch, tag or commit) of a hub repository.
    subfolder
        Subfolder of the hub repository or folder, such as rrsisd.
    vocabulary
        The tokenizer's sentencepiece file, if none lies beside the weights.
    device
        Where to compute: auto, cpu, cuda, cuda:1 ...; under torchrun, auto gives each rank its own GPU.
    dtype
        auto: the fastest that keeps the mask on this machine. mixed: Hiera and BEiT-3's feed-forward layers for words in
        bfloat16, the rest in float32. The bundled model always computes in float32.
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
    """Score the masks of any other method in the same way as evaluate does.

    Parameters
    ----------
    predictions
        Folder of masks named ID.png, or a .json (COCO run-length code) or .jsonl file (docs/evaluation.md).
    data
        Folder of the data set.
    split
        Split to score (default: test, else val, else the last one).
    protocol
        Size at which masks are compared: native (image size), released (1024 square), 480 (square) or all. Breakdowns use
        the first.
    missing
        What to do about a sample without a mask. error: stop. empty: count it as an empty mask.
    limit
        Number of samples to score, spread evenly over the split (default: all).
    min_score
        A lower score means "not here" (default: 0.5); where there are no scores, only an empty mask does.
    output
        Folder for the results.
    resamples
        Number of redrawn sets of images behind each 95 % interval.
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
    """Show how the scores of B differ from those of A on the same samples, and which samples changed most.

    Intervals are paired: both results are redrawn with the same images.

    Parameters
    ----------
    a
        Folder that evaluate or score wrote, or the samples.jsonl in it.
    b
        The folder or file to compare with A.
    protocol
        Protocol to compare under (default: the first that both were scored under).
    resamples
        Number of redrawn sets of images behind each 95 % interval.
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
