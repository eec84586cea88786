"""Where a batch is worked on: here, or on a Ray cluster. Both do the same jobs with the same code."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, cast

from rs2sam2.errors import UsageError
from rs2sam2.geo.archive import Batch, Job, Outcome

EngineName = Literal["local", "ray"]
Engine = Callable[[Batch, Sequence[Job]], Iterator[Outcome]]


def run_local(batch: Batch, jobs: Sequence[Job]) -> Iterator[Outcome]:
    """One scene after the other in this process; the model is loaded when the first one needs it."""
    predictor = None
    for job in jobs:
        if batch.done(job):
            yield Outcome(job.source, "done before", tuple(map(str, job.outputs)))
            continue
        predictor = predictor or batch.load()
        yield batch.run(job, predictor)


def run_ray(batch: Batch, jobs: Sequence[Job]) -> Iterator[Outcome]:
    """Scenes spread over the workers of a Ray cluster (or of one started here), which share the folders.

    Each worker loads the model once. ``RAY_ADDRESS`` says where the cluster is. Outcomes come as they are done. Raises
    UsageError without Ray.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        raise UsageError("--engine ray needs Ray; type: pip install 'rs2sam2[ray]'") from None
    todo = []
    for job in jobs:
        if batch.done(job):
            yield Outcome(job.source, "done before", tuple(map(str, job.outputs)))
        else:
            todo.append(job)
    if not todo:
        return
    started = not ray.is_initialized()
    if started:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call,unused-ignore]
        gpus = int(resources.get("GPU", 0))
        workers = max(1, min(len(todo), gpus or int(resources.get("CPU", 1))))
        rows = [
            {"source": job.source, "outputs": [str(p) for p in job.outputs], "record": str(job.record)} for job in todo
        ]
        data = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            cast(Any, _Worker), fn_constructor_args=(batch,), concurrency=workers, num_gpus=1 if gpus else 0
        )
        for row in data.iter_rows():
            yield Outcome(**{**row, "outputs": tuple(row["outputs"])})
    finally:
        if started:
            ray.shutdown()


class _Worker:
    """An actor that does one scene after the other."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.predictor = batch, batch.load()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A job in, its outcome out."""
        job = Job(row["source"], tuple(map(Path, row["outputs"])), Path(row["record"]))
        return {**asdict(self.batch.run(job, self.predictor)), "outputs": row["outputs"]}


ENGINES: dict[EngineName, Engine] = {"local": run_local, "ray": run_ray}
