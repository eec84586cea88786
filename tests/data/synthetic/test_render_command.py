import json
from pathlib import Path

import pytest

from rs2sam2.cli import run
from rs2sam2.cli.render import render
from rs2sam2.data.synthetic import SCENES


def test_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "set"
    assert run(f"data render --scene roads --count 2 --size 64 --gsd 1 --seed 3 -o {out}".split()) == 0
    assert "2 pictures" in capsys.readouterr().out
    assert len(json.loads((out / "instances.json").read_text())["images"]) == 2


def test_geotiff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rasterio", reason="GeoTIFF needs rasterio")
    path, truth = tmp_path / "scene.tif", tmp_path / "truth.geojson"
    command = f"data render --geotiff 64 80 --crs EPSG:32633 --gsd 2 -o {path} --truth {truth} --category road"
    assert run(command.split()) == 0
    assert "64 x 80 pixels" in capsys.readouterr().out
    assert {f["properties"]["category"] for f in json.loads(truth.read_text())["features"]} == {"road"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--scene moon", "choose one of"),
        *[
            (f"--geotiff 64 --{option} -o x.tif", f"--{option.split()[0]} does not go with --geotiff")
            for option in ("scene roads", "count 2", "size 64", "format jpg")
        ],
        *[
            (f"--count 1 --{option}", f"--{option.split()[0]} belongs to --geotiff; leave it out")
            for option in ("crs EPSG:4326", "origin 1 2", "rotation 0", "compress none", "workers 2")
        ],
        ("--geotiff 1 2 3 -o x.tif", "3 were given"),
        ("--truth x.json", "belongs to --geotiff"),
        ("-o x.tif", "say how large: --geotiff"),
    ],
)
def test_usage_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str, said: str) -> None:
    arguments = options.split()
    if "-o" not in arguments:
        arguments += ["-o", str(tmp_path / "set")]
    assert run(["data", "render", *arguments]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1


def test_the_help_names_every_kind_of_scene() -> None:
    assert f"{', '.join(list(SCENES)[:-1])} or {list(SCENES)[-1]};" in " ".join((render.__doc__ or "").split())
