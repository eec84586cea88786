"""`rs2sam2 batch`: the same phrases on many scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from rs2sam2.cli.console import progress, say, say_json, stderr
from rs2sam2.cli.scene import SceneFlags, check_uses
from rs2sam2.config import DTypeName
from rs2sam2.errors import PartialFailureError, UsageError


def batch(
    scenes: Annotated[list[str], Parameter(name="SCENE", consume_multiple=True, negative=())],
    /,
    *,
    phrase: Annotated[list[str], Parameter(name=["--phrase", "-p"], negative=())],
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    image_format: Annotated[tuple[str, ...], Parameter(name="--format", negative=(), show_default=",".join)] = (
        "gpkg",
    ),
    resume: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    shard: str | None = None,
    engine: Literal["local", "ray"] = "local",
    min_score: float | None = None,
    scene: Annotated[SceneFlags | None, Parameter(name="*")] = None,
    stac: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    weights: str = "nano",
    revision: str | None = None,
    subfolder: str | None = None,
    vocabulary: Path | None = None,
    device: str = "auto",
    dtype: DTypeName = "auto",
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Segment the same phrases in many scenes; one bad scene never stops the others.

    If some scenes fail, they are listed on stderr and the exit code is 4. The results of a scene appear together, once all
    are complete.

    Parameters
    ----------
    scenes
        Rasters, URLs, or folders of rasters.
    phrase
        What to look for; repeat -p for several phrases.
    output
        Folder for the results, which are named after the scenes, and for the manifest, which records what is done.
    image_format
        Format of the results: gpkg, geojson, parquet, tif or png; repeat the option for several.
    resume
        Continue in OUTPUT: do what is missing, failed, or was made from other input, options or weights.
    shard
        I/N: only every N-th scene from the I-th, I from 1, for job arrays such as SLURM's ($SLURM_ARRAY_TASK_ID/8).
    engine
        local: in this process. ray: on a Ray cluster (RAY_ADDRESS) or all cores of this machine.
    min_score
        A tile whose score is lower stays empty (default: the weights' own value, else 0.5).
    stac
        Write a STAC item beside each output.
    weights
        Folder, hub id, or "nano", the bundled model.
    revision
        Revision (branch, tag or commit) of a hub repository.
    subfolder
        Subfolder of the hub repository or folder, such as rrsisd.
    vocabulary
        The tokenizer's sentencepiece file, if none lies beside the weights.
    device
        Where to compute: auto, cpu, cuda, cuda:1 ...
    dtype
        auto: the fastest that keeps the mask on this machine. mixed: Hiera and BEiT-3's feed-forward layers for words in
        bfloat16, the rest in float32. The bundled model always computes in float32.
    dry_run
        Print what would be done, and do nothing.
    json
        Print the outcomes as JSON.
    """
    from dataclasses import asdict

    from rs2sam2.geo import archive
    from rs2sam2.geo.engines import ENGINES
    from rs2sam2.geo.identity import Weights
    from rs2sam2.geo.segment import check_phrases

    flags = scene or SceneFlags()
    check_phrases(phrase)
    suffixes = ["." + name.lower().lstrip(".") for part in image_format for name in part.split(",")]
    check_uses(flags, stac, suffixes)
    archive.check_apart(scenes, output, suffixes)
    jobs = archive.plan(archive.find_scenes(scenes), output, suffixes)
    jobs = archive.shard(jobs, shard) if shard is not None else jobs
    archive.check_fresh(jobs, resume)
    if flags.aoi is not None and not flags.aoi.is_file():
        raise UsageError(f"no area of interest at {flags.aoi}; give a GeoJSON, GeoPackage or any vector file")
    source = Weights(weights, revision, subfolder, None if vocabulary is None else str(vocabulary), device, dtype)
    work = archive.Batch(
        phrases=tuple(phrase), load=source, revision=source.identity(), dtype=dtype, options=flags.options(min_score),
        aoi=None if flags.aoi is None else str(flags.aoi.absolute()), stac=stac,
    )  # fmt: skip
    if dry_run:
        planned = [(job.source, [str(p) for p in job.outputs], work.done(job)) for job in jobs]
        if json:
            say_json([{"source": name, "outputs": files, "done_before": done} for name, files, done in planned])
            return
        for name, files, done in planned:
            say(f"{name} -> {', '.join(files)}" + (" (done before)" if done else ""))
        return
    outcomes = []
    with progress("scenes", len(jobs)) as bar:
        for outcome in ENGINES[engine](work, jobs):
            outcomes.append(outcome)
            bar.advance(bar.task_ids[0])
            if outcome.status == "failed":
                stderr.print(f"rs2sam2: {outcome.error}", markup=False, highlight=False, soft_wrap=True)
            elif not json and outcome.status == "done":
                say(f"{outcome.source}: {outcome.features:,} features -> {', '.join(outcome.outputs)}")
    failed = [o for o in outcomes if o.status == "failed"]
    before = sum(o.status == "done before" for o in outcomes)
    if json:
        say_json([asdict(o) for o in outcomes])
    else:
        say(f"{output}: {len(outcomes) - len(failed) - before} scenes done, {before} done before, {len(failed)} failed")
    if failed:
        raise PartialFailureError(
            f"{len(failed)} of {len(jobs)} scenes failed (listed above): {failed[0].source}; repair them and add --resume"
        )
