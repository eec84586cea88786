"""How fast a model is on this machine: seconds, arithmetic, memory, beside what the machine's matrix products reach.

Median of several runs after a warm-up. On a CPU each row is measured in a process of its own, and peak memory is that of the
process, torch included; on a GPU it is that of torch's allocator.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import json
import multiprocessing
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rs2sam2.checkpoint.folder import convert, is_object_first, load_model, locate, open_folder
from rs2sam2.checkpoint.layouts import Plan
from rs2sam2.config import BackendName, DTypeName, RS2SAM2Config
from rs2sam2.errors import UsageError
from rs2sam2.model.packing import make_ready
from rs2sam2.model.recording import SEEN, RecordedAnswers
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.predictor import DTYPES, Predictor, pick_device, pick_dtype
from rs2sam2.presets import preset

TOKENS = 7
PEAK_SIDE = {"cpu": 2048, "cuda": 8192}
"""Rows and columns of the matrices whose product is the machine's peak."""
PHRASES = ("the large airplane on the left of the runway", "the storage tank next to the pier")


@dataclass(frozen=True)
class Case:
    """One row to measure."""

    weights: str  # folder of weights
    dtype: DTypeName
    batch: int
    device: str
    runs: int
    backend: BackendName = "torch"
    vocabulary: Path | None = None


@dataclass(frozen=True)
class Row:
    """What was measured."""

    model: str
    dtype: str
    backend: str
    batch: int
    seconds_per_phrase: float  # about images not seen before
    fastest: float
    slowest: float
    next_phrase: float  # seconds, about an image that was seen
    tflop: float | None  # per phrase; None where it depends on the picture
    tflop_per_s: float | None
    peak_tflop_per_s: float  # of matrix products in the dtype of most of the work, measured in the same process
    share_of_peak: float | None
    peak_gb: float  # 1e9 bytes


def measure(cases: Sequence[Case]) -> list[Row]:
    """Measure rows that differ in nothing but the batch, in this process."""
    case = cases[0]
    place = pick_device(case.device)
    folder = locate(case.weights)
    if is_object_first(folder) or case.backend != "torch":
        return [_measure_predictor(c, place) for c in cases]
    if case.vocabulary is not None:
        raise UsageError(
            f"--vocabulary {case.vocabulary} is not read: RS2-SAM2 is timed on token ids drawn at random; leave it out"
        )
    opened = open_folder(folder)
    config = opened.plan.config
    name: DTypeName = pick_dtype(place, config) if case.dtype == "auto" else case.dtype
    dtype, trunk_dtype = DTYPES[name]
    model = load_model(opened.plan, place, dtype if place.type == "cuda" else torch.float32)
    make_ready(model, dtype, trunk_dtype, opened.plan.release)
    answer = RecordedAnswers(model) if place.type == "cuda" else model.answer
    tflop = _tflop(config)

    def row(case: Case) -> Row:
        if place.type == "cuda":
            torch.cuda.reset_peak_memory_stats(place)
        image, beit3, ids = example_inputs(config, case.batch, place)
        with torch.inference_mode():
            seconds = _time(lambda: answer(model.look(image, beit3), ids), case.runs, place)
            parts = model.look(image[:1], None if beit3 is None else beit3[:1])
            following = _time(lambda: answer(parts, ids[:1]), max(1, case.runs // 2), place)
        return _row(case, config.name, name, seconds, following, tflop, place, trunk_dtype, _peak_memory(place))

    return [row(c) for c in cases]


def _measure_predictor(case: Case, place: torch.device) -> Row:
    """A model of which no more is known than that it predicts."""
    predictor = Predictor.load(
        case.weights,
        vocabulary=case.vocabulary,
        device=case.device if case.backend == "torch" else "auto",
        dtype=case.dtype,  # refused unless it is float32
        backend=case.backend,
    )
    size = getattr(predictor.segmenter, "image_size", 512)
    pictures = [np.random.default_rng(seed).integers(0, 255, (size, size, 3), np.uint8) for seed in range(case.batch)]
    once = _time(lambda: predictor.predict_batch(pictures, [PHRASES[0]] * case.batch), case.runs, place)
    twice = _time(lambda: predictor.predict_batch(pictures, [PHRASES] * case.batch), case.runs, place)
    following = [max(0.0, statistics.median(twice) - statistics.median(once)) / case.batch]
    return _row(case, predictor.name, "float32", once, following, None, place, torch.float32, _peak_memory(place))


def _row(
    case: Case, model: str, dtype: str, seconds: list[float], following: list[float], tflop: float | None,
    place: torch.device, most: torch.dtype, peak_gb: float,
) -> Row:  # fmt: skip
    each = statistics.median(seconds) / case.batch
    peak = matrix_peak(place, most)
    rate = None if tflop is None else tflop / each
    return Row(
        model, dtype, case.backend, case.batch, each, min(seconds) / case.batch,
        max(seconds) / case.batch, statistics.median(following), tflop, rate, peak, None if rate is None else rate / peak,
        peak_gb,
    )  # fmt: skip


def matrix_peak(place: torch.device, dtype: torch.dtype) -> float:
    """TFLOP/s of the product of two large square matrices."""
    n = PEAK_SIDE[place.type]
    a = torch.randn(n, n, device=place).to(dtype)
    linear = nn.Linear(n, n, bias=True, device=place, dtype=dtype).requires_grad_(False)
    run: Callable[[], Any] = partial(linear, a)
    if place.type == "cpu":
        from rs2sam2.model.packing import PackedLinear, can_pack

        run = partial(PackedLinear(linear, dtype), a) if can_pack() else run
    with torch.inference_mode():
        return 2 * n**3 / min(_time(run, 5, place)) / 1e12


def _time(run: Callable[[], object], runs: int, place: torch.device) -> list[float]:
    synchronise: Callable[[], None] = partial(torch.cuda.synchronize, place) if place.type == "cuda" else _nothing
    for _ in range(SEEN + 1 if place.type == "cuda" else 1):  # a GPU records what came often enough
        run()
    seconds = []
    for _ in range(runs):
        synchronise()
        start = time.perf_counter()
        run()
        synchronise()
        seconds.append(time.perf_counter() - start)
    return seconds


def _nothing() -> None:
    """There is nothing to wait for on a CPU."""


def example_inputs(config: RS2SAM2Config, batch: int, place: torch.device) -> tuple[Tensor, Tensor | None, Tensor]:
    """Random views of `batch` images and a phrase of TOKENS tokens for each."""
    image = torch.randn(batch, 3, config.image_size, config.image_size, device=place)
    side = config.beit3.image_size
    beit3 = None if config.beit3.patches == "trunk" else torch.randn(batch, 3, side, side, device=place)
    return image, beit3, torch.arange(TOKENS, device=place).expand(batch, -1) + 10


def _tflop(config: RS2SAM2Config) -> float:
    """Of one phrase about one image, counted by torch without computing anything; attention included."""
    from torch.utils.flop_counter import FlopCounterMode

    config = dataclasses.replace(config, hide_unknown=False)  # whether a word is unknown is not known without computing
    with torch.device("meta"):
        model = RS2SAM2(config).eval()
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            model(*example_inputs(config, 1, torch.device("meta")))
    return float(counter.get_total_flops()) / 1e12


def _peak_memory(place: torch.device) -> float:
    if place.type == "cuda":
        return torch.cuda.max_memory_allocated(place) / 1e9
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


def random_weights(name: str, folder: Path) -> None:
    """Weights of a preset, drawn at random, as a folder: loading and memory are those of real ones."""
    config = preset(name)
    with torch.device("meta"):
        state = RS2SAM2(config).state_dict()
    plan = Plan(config, "random", f"preset {name}", {n: partial(_draw, n, t.shape) for n, t in state.items()})
    convert(plan, folder, None, lambda _: None)


def _draw(name: str, shape: torch.Size) -> Tensor:
    if len(shape) == 1:
        return torch.ones(shape) if name.endswith("weight") else torch.zeros(shape)
    return torch.randn(shape).mul_(0.02)


def run(cases: list[Case]) -> Iterator[list[Row]]:
    """The rows, process after process: one for each, on a GPU one for all of a model. Raises UsageError where one was stopped."""
    context = multiprocessing.get_context("spawn")
    for group in _groups(cases):
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            try:
                yield pool.submit(measure, group).result()
            except concurrent.futures.process.BrokenProcessPool:
                case = group[0]
                raise UsageError(
                    f"measuring {case.weights} in {case.dtype}, batch {case.batch}, was stopped: too little memory?"
                ) from None


def _groups(cases: list[Case]) -> list[list[Case]]:
    """Rows for one process: peak memory of a CPU is that of the process."""
    if pick_device(cases[0].device).type == "cpu":
        return [[case] for case in cases]
    return [list(group) for _, group in itertools.groupby(cases, lambda case: dataclasses.replace(case, batch=0))]


def machine(device: str) -> dict[str, object]:
    """What the numbers were measured on."""
    place = pick_device(device)
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else _cpu()
    return {
        "device": name, "threads": torch.get_num_threads(), "torch": torch.__version__,
        "python": platform.python_version(), "platform": platform.platform(),
    }  # fmt: skip


def save(rows: list[Row], about: dict[str, object], path: Path) -> None:
    """As JSON."""
    from rs2sam2.files import write_text

    write_text(path, json.dumps({"machine": about, "rows": [dataclasses.asdict(r) for r in rows]}, indent=2) + "\n")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    can: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return name + "".join(f", {flag}" for flag in ("avx512_bf16", "amx_bf16") if can.get(flag))
