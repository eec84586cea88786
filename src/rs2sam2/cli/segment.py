"""`rs2sam2 segment`: phrases and images in, masks out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from rs2sam2.cli.console import check_writable, progress, say, say_json, stderr
from rs2sam2.cli.scene import SceneFlags, is_scene, segment_one_scene
from rs2sam2.config import BackendName, DTypeName
from rs2sam2.errors import NothingFoundError, PartialFailureError, RS2SAM2Error, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rs2sam2.predictor import Prediction, Predictor


def segment(
    images: Annotated[list[str], Parameter(name="IMAGE", consume_multiple=True, negative=())],
    /,
    *,
    phrase: Annotated[list[str], Parameter(name=["--phrase", "-p"], negative=())],
    output: Annotated[list[Path] | None, Parameter(name=["--output", "-o"], negative=())] = None,
    overlay: Path | None = None,
    min_score: float | None = None,
    scene: Annotated[SceneFlags | None, Parameter(name="*")] = None,
    stac: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    fail_empty: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    weights: str = "nano",
    revision: str | None = None,
    subfolder: str | None = None,
    vocabulary: Path | None = None,
    device: str = "auto",
    dtype: DTypeName = "auto",
    backend: BackendName = "torch",
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Segment what each phrase refers to in images, or in a scene of any size.

    Pictures (PNG, JPEG ...) are looked at whole; the result is a mask for each phrase. A scene (a GeoTIFF, any other raster
    that GDAL opens, a URL) is looked at tile by tile; the results are vectors and rasters in its own coordinates:
    rs2sam2 segment scene.tif -p "storage tanks" -o tanks.gpkg. If you give an output format or an option of scenes, a
    picture is treated as a scene, too.

    Parameters
    ----------
    images
        Image files (also grey, RGBA or 16-bit), or one scene.
    phrase
        What to look for; repeat -p for several phrases.
    output
        Pictures: a .png for the mask (white on black) of one phrase in one image; otherwise a folder, which gets a PNG for
        each image and phrase. Scene: .gpkg, .geojson, .parquet, .tif (COG) or .png (overlay), repeat -o for several; a
        folder gets a .gpkg.
    overlay
        The image with the masks drawn on it: a .png for one image, otherwise a folder.
    min_score
        Pictures: a phrase whose presence is lower gets an empty mask; 0 always gives the best guess, and weights without
        trained presence never answer "not here". Scene: a tile whose score is lower stays empty. Default: the weights' own
        value, else 0.5.
    stac
        Scene: write a STAC item beside each output.
    fail_empty
        Exit with 3 if nothing was found.
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
    backend
        Pictures: onnxruntime runs a folder that "rs2sam2 export" wrote.
    json
        Print the results as JSON.
    """
    from rs2sam2.predictor import Predictor

    if scene is not None or stac or is_scene(images, output or []):
        if backend != "torch":
            raise UsageError("--backend is for pictures; a scene is segmented by the torch backend")
        from rs2sam2.geo.identity import Weights

        source = Weights(weights, revision, subfolder, None if vocabulary is None else str(vocabulary), device, dtype)
        segment_one_scene(
            images, phrase, [*(output or []), *_scene_overlay(images[0], overlay)], scene or SceneFlags(), source,
            min_score=min_score, stac=stac, fail_empty=fail_empty, json=json,
        )  # fmt: skip
        return
    if min_score is not None and not 0 <= min_score <= 1:
        raise UsageError(f"--min-score {min_score:g} was given; scores lie between 0 and 1")
    if output and len(output) > 1:
        raise UsageError(f"{len(output)} outputs for pictures; name one .png or one folder with -o")
    if remote := [image for image in images if "://" in image]:
        raise UsageError(
            f"{remote[0]} is a URL, and pictures are files; download it, or ask for a scene: -o found.gpkg"
        )
    _segment_pictures(
        [Path(image) for image in images], phrase, output[0] if output else None, overlay,
        lambda: Predictor.load(
            weights, revision=revision, subfolder=subfolder, vocabulary=vocabulary, device=device, dtype=dtype,
            backend=backend,
        ),
        min_score=min_score, fail_empty=fail_empty, as_json=json,
    )  # fmt: skip


def _segment_pictures(
    images: list[Path],
    phrase: list[str],
    output: Path | None,
    overlay: Path | None,
    load: Callable[[], Predictor],
    *,
    min_score: float | None,
    fail_empty: bool,
    as_json: bool,
) -> None:
    """Pictures that are looked at whole."""
    several = len(images) * len(phrase) > 1
    masks = _targets(images, phrase, output, "--output", several)
    overlays = _targets(images, [""], overlay, "--overlay", len(images) > 1)
    _check_apart(images, masks, overlays)
    for target in (output, overlay):
        if target is not None:
            check_writable(target, folder=target.suffix.lower() != ".png" or target.is_dir())
    missing = [image for image in images if not image.is_file()]
    if len(missing) == len(images):  # said before the weights are loaded
        from rs2sam2.processor import no_image

        raise UsageError(no_image(missing[0]))
    from rs2sam2.segmenter import least_score

    predictor = load()
    for text in phrase:
        predictor.segmenter.check(text)
    least = least_score(predictor.segmenter) if min_score is None else min_score
    records: list[dict[str, Any]] = []
    scores: list[str] = []
    failures: list[str] = []
    with progress("segmenting", len(images)) as bar:
        for i, image in enumerate(images):
            try:
                results = predictor.predict(image, phrase)
                for j, result in enumerate(results):
                    path = masks[i * len(phrase) + j] if masks else None
                    if path is not None:
                        _write_mask(result, least, path)
                    records.append(_record(image, result, least, path))
                    scores.append(result.score_text(least))
                if overlays:
                    _write_overlay(image, results, least, overlays[i])
            except RS2SAM2Error as error:
                if len(images) == 1:
                    raise
                failures.append(str(error))
                stderr.print(f"rs2sam2: {error}", markup=False, highlight=False, soft_wrap=True)
            bar.advance(bar.task_ids[0])
    _report(records, scores, as_json=as_json, overlays=[str(o) for o in overlays])
    if failures:
        raise PartialFailureError(f"{len(failures)} of {len(images)} images failed: {failures[0]}")
    if fail_empty and all(r["box"] is None for r in records):
        raise NothingFoundError(f"nothing was found for {', '.join(map(repr, phrase))} in {len(images)} image(s)")


def _targets(images: list[Path], phrases: list[str], target: Path | None, option: str, several: bool) -> list[Path]:
    """One output file per image and phrase; empty where nothing is to be written."""
    if target is None:
        return []
    if target.suffix.lower() == ".png" and not target.is_dir():
        if several:
            raise UsageError(f"{option} {target} is one file for {len(images) * len(phrases)} results; name a folder")
        return [target]
    if target.suffix and not target.is_dir():
        raise UsageError(f"{option} {target}: masks are written as .png, or name a folder")
    paths: list[Path] = []
    for image in images:
        for phrase in phrases:
            stem = image.stem + (f"__{slug(phrase)}" if phrase else "")
            path, n = target / f"{stem}.png", 2
            while path in paths:  # images of one name in several folders, phrases of one slug
                path, n = target / f"{stem}-{n}.png", n + 1
            paths.append(path)
    return paths


def _check_apart(images: list[Path], masks: list[Path], overlays: list[Path]) -> None:
    """UsageError where a result would replace an image or another result."""
    read, written = {image.resolve() for image in images}, {mask.resolve() for mask in masks}
    for path in (*masks, *overlays):
        if path.resolve() in read:
            raise UsageError(f"{path} is read here, and would be lost if it were written; choose another output")
    for path in overlays:
        if path.resolve() in written:
            raise UsageError(f"{path} is named for a mask and for an overlay; choose another --overlay")


def _scene_overlay(source: str, overlay: Path | None) -> list[Path]:
    """Where a scene's overlay is written: in a folder, it is named after the scene."""
    from rs2sam2.geo.raster import name_of

    if overlay is not None and (not overlay.suffix or overlay.is_dir()):
        return [overlay / f"{Path(name_of(source)).stem}.png"]
    return [] if overlay is None else [overlay]


def slug(phrase: str) -> str:
    """A phrase as part of a file name, 60 bytes at most: names have a limit, and letters may take three."""
    words = re.sub(r"\W+", "-", phrase.lower()).encode()[:60].decode(errors="ignore")
    return words.strip("-") or "phrase"


def _write_mask(result: Prediction, least: float, path: Path) -> None:
    import numpy as np
    from PIL import Image

    from rs2sam2.files import atomic

    with atomic(path) as file:
        Image.fromarray((result.mask & result.is_here(least)).astype(np.uint8) * 255).save(file, "PNG")


def _write_overlay(image: Path, results: list[Prediction], least: float, path: Path) -> None:
    from rs2sam2.files import atomic
    from rs2sam2.overlay import draw_overlay
    from rs2sam2.processor import read_image

    with atomic(path) as file:
        draw_overlay(read_image(image), results, least).save(file, "PNG")


def _record(image: Path, result: Prediction, least: float, path: Path | None) -> dict[str, Any]:
    here = result.is_here(least)
    return {
        "image": str(image),
        "phrase": result.phrase,
        "score": round(result.score, 4),
        "presence": None if result.presence is None else round(result.presence, 4),
        "here": here,
        "box": result.box if here else None,
        "pixels": int(result.mask.sum()) if here else 0,
        "size": list(result.mask.shape),
        "mask": None if path is None else str(path),
    }


def _report(records: list[dict[str, Any]], scores: list[str], *, as_json: bool, overlays: list[str]) -> None:
    if as_json:
        say_json(records)
        return
    for r, score in zip(records, scores, strict=True):
        where = "box {},{},{},{}".format(*r["box"]) if r["box"] else "empty mask" if r["here"] else "not here"
        say(f"{r['image']}: {r['phrase']!r} score {score}, {where}" + (f" -> {r['mask']}" if r["mask"] else ""))
    for path in overlays:
        if Path(path).exists():
            say(f"overlay -> {path}")
