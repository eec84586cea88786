"""`rs2sam2 bench`: how fast a model is on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from rs2sam2.cli.console import check_writable, progress, say
from rs2sam2.config import BackendName, DTypeName
from rs2sam2.errors import UsageError


def bench(
    weights: str | None = None,
    /,
    *,
    preset: str | None = None,
    dtype: Annotated[list[DTypeName] | None, Parameter(negative=())] = None,
    batch: Annotated[list[int] | None, Parameter(negative=())] = None,
    backend: BackendName = "torch",
    vocabulary: Path | None = None,
    device: str = "auto",
    runs: int = 3,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> None:
    """Measure seconds per phrase, TFLOP/s, their share of the machine's peak, and peak memory.

    rs2sam2 bench --preset large --dtype float32 --dtype mixed

    Parameters
    ----------
    weights
        Folder, hub id, or "nano", the bundled model (default).
    preset
        Instead of WEIGHTS: a configuration such as large, with random weights (4 GB of temporary disk).
    dtype
        Repeat for several rows. auto: what a predictor takes. mixed: Hiera and BEiT-3's feed-forward layers for words in
        bfloat16, the rest in float32. The bundled model always computes in float32.
    batch
        Images, with one phrase each, to compute at a time; repeat for several rows.
    backend
        onnxruntime runs a folder that "rs2sam2 export" wrote.
    vocabulary
        The tokenizer's sentencepiece file, if an exported folder holds none.
    device
        Where to compute: auto, cpu, cuda, cuda:1 ...
    runs
        Timed runs after a warm-up; the median is reported.
    output
        JSON file for the numbers and a description of the machine.
    """
    from tempfile import TemporaryDirectory

    from rs2sam2 import bench as benchmark

    if runs < 1:
        raise UsageError(f"--runs {runs} measure nothing; give at least 1")
    for images in batch or ():
        if images < 1:
            raise UsageError(f"--batch {images} holds no image; give at least 1")
    if weights is not None and preset is not None:
        raise UsageError(f"weights {weights} and --preset {preset} were given; give one of them")
    if output is not None:
        check_writable(output, folder=False)
    with TemporaryDirectory(prefix="rs2sam2-bench-") as temporary:
        if preset is not None:
            weights = f"{temporary}/{preset}"
            benchmark.random_weights(preset, Path(weights))
        cases = [
            benchmark.Case(weights or "nano", d, b, device, runs, backend, vocabulary)
            for d in dtype or ["auto"]
            for b in batch or [1]
        ]
        rows = []
        with progress("measuring", len(cases)) as bar:
            for rows_of_a_process in benchmark.run(cases):
                rows += rows_of_a_process
                bar.advance(bar.task_ids[0], len(rows_of_a_process))
    about = benchmark.machine(device)
    say(f"{about['device']}, {about['threads']} threads; torch {about['torch']}, Python {about['python']}")
    say(
        f"{'model':12} {'dtype':9} {'backend':12} {'batch':>5} {'s/phrase':>9} {'min-max':>14} {'next':>7} {'TFLOP':>6} "
        f"{'TFLOP/s':>8} {'peak':>6} {'share':>6} {'GB':>6}"
    )
    for r in rows:
        spread = f"{r.fastest:.3f}-{r.slowest:.3f}"
        flop, rate = ("-", "-") if r.tflop is None else (f"{r.tflop:.3f}", f"{r.tflop_per_s:.3f}")
        share = "-" if r.share_of_peak is None else f"{r.share_of_peak:.0%}"
        say(
            f"{r.model:12} {r.dtype:9} {r.backend:12} {r.batch:5} {r.seconds_per_phrase:9.3f} {spread:>14} {r.next_phrase:7.3f} "
            f"{flop:>6} {rate:>8} {r.peak_tflop_per_s:6.3f} {share:>6} {r.peak_gb:6.2f}"
        )
    if output is not None:
        benchmark.save(rows, about, output)
        say(f"numbers -> {output}")
