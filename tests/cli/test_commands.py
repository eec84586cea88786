"""Commands as users type them: what they write, print and return."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rs2sam2.cli import run


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def segment(*arguments: object) -> int:
    return run(["segment", *map(str, arguments), "--device", "cpu"])


def test_one_mask(toy_folder: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, overlay = tmp_path / "deep" / "mask.png", tmp_path / "overlay.png"
    assert segment(picture, "-p", "the ship", "-o", out, "--overlay", overlay, "--weights", toy_folder) == 0
    with Image.open(out) as image:
        mask = np.asarray(image)
    assert mask.shape == (40, 56) and set(np.unique(mask)) <= {0, 255}
    assert size(overlay)[0] >= 56
    printed = capsys.readouterr()
    assert "'the ship' score" in printed.out and str(out) in printed.out and not printed.err


def test_several_images_and_phrases_as_json(
    toy_folder: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "other" / "picture.png"  # the same name in another folder
    twin.parent.mkdir()
    twin.write_bytes(picture.read_bytes())
    out = tmp_path / "masks"
    arguments = [picture, twin, "-p", "the ship", "-p", "The ship!", "-o", out, "--weights", toy_folder, "--json"]
    assert segment(*arguments) == 0
    records = json.loads(capsys.readouterr().out)
    assert len(records) == 4 and len({r["mask"] for r in records}) == 4
    assert all(Path(r["mask"]).exists() and r["presence"] is None and r["size"] == [40, 56] for r in records)
    assert len(list(out.iterdir())) == 4


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16"])
def test_grey_transparent_and_sixteen_bit_images(toy_folder: Path, tmp_path: Path, mode: str) -> None:
    grey = np.arange(400, dtype=np.uint16).reshape(20, 20)
    image = Image.fromarray(grey * 100) if mode == "I;16" else Image.fromarray(grey.astype(np.uint8)).convert(mode)
    image.save(tmp_path / "x.png")
    assert segment(tmp_path / "x.png", "-p", "tank", "-o", tmp_path / "m.png", "--weights", toy_folder) == 0


def test_one_pixel(toy_folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "x.png")
    out = tmp_path / "m.png"
    assert (
        segment(tmp_path / "x.png", "-p", "tank", "-o", out, "--overlay", tmp_path / "o.png", "--weights", toy_folder)
        == 0
    )
    assert size(out) == (1, 1)


def test_bad_input_is_one_line_the_right_code_and_nothing_written(
    toy_folder: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.png"
    text.write_text("no image")
    cut = tmp_path / "cut"
    cut.mkdir()
    for file in toy_folder.iterdir():
        (cut / file.name).write_bytes(file.read_bytes())
    (cut / "model.safetensors").write_bytes((toy_folder / "model.safetensors").read_bytes()[:5000])
    out = tmp_path / "out.png"
    file_as_folder = tmp_path / "text.png" / "out.png"
    cases: list[tuple[list[object], int, str]] = [
        ([tmp_path / "nowhere.png", "-p", "ship"], 2, "no image at"),
        ([text, "-p", "ship"], 2, "not an image"),
        ([tmp_path, "-p", "ship"], 2, "folder"),
        ([picture, "-p", " "], 2, "empty"),
        ([picture, "-p", "ship " * 50], 2, "at most"),
        ([picture, "-p", "ship", "--weights", cut], 5, "truncated"),
        ([picture, "-p", "ship", "--weights", tmp_path / "no"], 5, "no weights at"),
        ([picture, "-p", "ship", "--vocabulary", text], 5, "not a readable"),
        ([picture, "-p", "ship", "--dtype", "int4"], 2, "dtype"),
        ([picture, "-p", "ship", "--colour", "red"], 2, "colour"),
        ([picture], 2, "phrase"),
        ([picture, "-p", "a", "-p", "b"], 2, "name a folder"),
        ([picture, "-p", "ship", "-o", picture], 2, "is read here"),
        ([picture, "-p", "ship", "--overlay", picture.parent], 2, "is read here"),
        ([picture, "-p", "ship", "--overlay", out], 2, "a mask and for an overlay"),
        (["https://example.org/a.png", "-p", "ship"], 2, "is a URL"),
    ]
    if not torch.cuda.is_available():
        cases.append(([picture, "-p", "ship", "--device", "cuda"], 2, "0 GPUs"))
    for arguments, code, message in cases:
        target = [] if "-o" in arguments else ["-o", out]
        weights = [] if "--weights" in arguments else ["--weights", toy_folder]
        assert run(["segment", *map(str, [*arguments, *target, *weights])]) == code, arguments
        printed = capsys.readouterr()
        assert printed.err.count("\n") == 1 and message in printed.err and not printed.out, printed.err
        assert not out.exists()
    assert segment(picture, "-p", "ship", "-o", file_as_folder, "--weights", toy_folder) == 2
    assert "not a folder" in capsys.readouterr().err
    assert segment(picture, "-p", "ship", "-o", tmp_path / "mask.jpg", "--weights", toy_folder) == 2
    assert "written as .png" in capsys.readouterr().err


def test_names_as_long_as_they_may_be(toy_folder: Path, picture: Path, tmp_path: Path) -> None:
    assert segment(picture, "-p", "ship", "-o", tmp_path / f"{'n' * 239}.png", "--weights", toy_folder) == 0
    long = tmp_path / f"{'n' * 160}.png"
    long.write_bytes(picture.read_bytes())
    assert segment(long, "-p", "\u8239" * 60, "-o", tmp_path / "out", "--weights", toy_folder) == 0
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "locked/a.png"), "locked/a.png: Permission denied"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, said: str
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr("rs2sam2.cli.app", refuse)
    assert run(["doctor"]) == 2
    assert capsys.readouterr().err == f"rs2sam2: {said}\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(toy_folder: Path, picture: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert segment(picture, "-p", "ship", "-o", locked / "m.png", "--weights", toy_folder) == 2


def test_a_failed_image_does_not_stop_the_others(
    toy_folder: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nowhere.png"
    assert segment(missing, picture, "-p", "ship", "-o", tmp_path / "out", "--weights", toy_folder) == 4
    printed = capsys.readouterr()
    assert "no image at" in printed.err and "1 of 2 images failed" in printed.err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["picture__ship.png"]


def test_info(toy_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", str(toy_folder)]) == 0
    assert "configuration:" in capsys.readouterr().out
    assert run(["info", str(toy_folder), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["layout"] == "rs2sam2" and facts["configuration"]["name"] == "toy" and facts["provenance"]["rs2sam2"]
    (toy_folder / "vocabulary.spm").write_bytes(b"cut")
    assert run(["info", str(toy_folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["vocabulary"].startswith("unusable: ")
    assert run(["info", "no/where/at-all"]) == 5


def test_import_refuses_to_overwrite(toy_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import-weights", "nano", "-o", str(toy_folder)]) == 2
    assert "already holds weights" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["import-weights", "export-weights"])
def test_downloaded_weights_are_not_written_over(
    toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    download = tmp_path / "model.safetensors"
    download.write_text("whole")
    assert run([command, str(toy_folder), "-o", str(tmp_path)]) == 2
    assert "already holds weights" in capsys.readouterr().err and download.read_text() == "whole"


@pytest.mark.parametrize("option", ["--image-size", "--beit3-image-size"])
def test_sizes_are_for_a_start_alone(
    toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert run(["import-weights", str(toy_folder), option, "512", "-o", str(tmp_path / "o")]) == 2
    said = capsys.readouterr().err
    assert "add --beit3 or leave them out" in said and said.count("\n") == 1 and not (tmp_path / "o").exists()


def test_export_refuses_to_overwrite_weights(
    toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"config.json": "{}", "model.safetensors": "", "vocabulary.spm": "other"}
    for name, text in other.items():
        (tmp_path / name).write_text(text)
    assert run(["export", str(toy_folder), "--format", "torch-export", "-o", str(tmp_path)]) == 2
    assert "already holds weights" in capsys.readouterr().err
    assert {p.name: p.read_text() for p in tmp_path.iterdir() if p.is_file()} == other


def test_import_refuses_a_truncated_vocabulary(
    toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vocabulary = tmp_path / "cut.spm"
    vocabulary.write_bytes((toy_folder / "vocabulary.spm").read_bytes()[:500])
    assert run(["import-weights", str(toy_folder), "--vocabulary", str(vocabulary), "-o", str(tmp_path / "o")]) == 5
    assert "download it again" in capsys.readouterr().err and not (tmp_path / "o").exists()


def test_import_cannot_write(toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run(["import-weights", str(toy_folder), "-o", str(tmp_path / "file" / "o")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "torch" in out and "bundled" in out and "problem" in out
    assert run(["doctor", "--json"]) == 0
    packages = json.loads(capsys.readouterr().out)["packages"]
    assert {"rs2sam2", "torch", "rasterio", "shapely", "torchvision"} <= packages.keys() and "pytest" not in packages


def test_doctor_notices_a_broken_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torchvision.py").write_text("raise ImportError('built for another torch')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run(["doctor"]) == 0  # rs2sam2 itself works
    assert "problem: torchvision is installed and cannot be imported" in capsys.readouterr().out


def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "-o", str(tmp_path / "demo")]) == 0
    said = capsys.readouterr().out
    assert "overlay.png" in said and said.count("not here") == 1  # the phrase that means nothing in the picture
    assert size(tmp_path / "demo" / "overlay.png")[0] >= 500
    assert len(list((tmp_path / "demo").glob("scene__*.png"))) >= 3


def test_what_is_not_here_has_an_empty_mask_unless_the_best_guess_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = files("rs2sam2") / "assets" / "demo" / "scene.png"
    mask = tmp_path / "mask.png"

    def asked(phrase: str, *more: str) -> tuple[dict[str, object], int]:
        assert segment(scene, "-p", phrase, "-o", mask, "--json", *more) == 0
        with Image.open(mask) as image:
            return json.loads(capsys.readouterr().out)[0], int(np.asarray(image).max())

    record, brightest = asked("the bridge")
    assert record["here"] is False and record["box"] is None and record["pixels"] == brightest == 0
    record, brightest = asked("the bridge", "--min-score", "0")
    assert record["here"] is True and brightest == (255 if record["box"] else 0)
    record, brightest = asked("all buildings")
    assert record["here"] is True and record["box"] is not None and brightest == 255
    assert segment(scene, "-p", "the bridge", "-o", mask, "--fail-empty") == 3
    assert segment(scene, "-p", "the bridge", "-o", mask, "--min-score", "2") == 2
    assert "between 0 and 1" in capsys.readouterr().err


def test_help_version_and_typing_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0 and "segment" in capsys.readouterr().out
    assert run(["segment", "--help"]) == 0 and "--overlay" in capsys.readouterr().out
    assert run(["--version"]) == 0
    capsys.readouterr()
    assert run(["segmentt"]) == 2
    assert "segment" in capsys.readouterr().err


def test_ctrl_c_and_a_closed_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import rs2sam2.cli as cli

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    assert run([]) == 130
    assert "interrupted" in capsys.readouterr().err
    script = "from rs2sam2.cli import run; raise SystemExit(run(['info', 'nano']))"
    command = f'{sys.executable} -c "{script}" | head -1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def command(option: str, stdout: int | None) -> tuple[int, bytes]:
    """The command as a process, with stdout buffered as on most machines, or closed: its exit code and stderr."""
    told = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    line = f"{sys.executable} -m rs2sam2.cli {option}" + (" >&-" if stdout is None else "")
    done = subprocess.run(["bash", "-c", line], stdout=stdout, stderr=subprocess.PIPE, env=told, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("option", ["info", "--help"])
def test_output_that_nobody_reads(option: str) -> None:
    read, write = os.pipe()
    os.close(read)
    assert command(option, write) == command(option, None) == (0, b"")
    os.close(write)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_output_on_a_full_disk() -> None:
    with Path("/dev/full").open("wb") as full:
        assert command("info", full.fileno()) == (
            2,
            b"rs2sam2: cannot write the result: No space left on device\n",
        )


def test_names_that_stdout_cannot_hold(
    toy_folder: Path, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["\xfcn\xef.png", "bad\udcff.png"]
    for name in names:
        (tmp_path / name).write_bytes(picture.read_bytes())
    for encoding in ("ascii", "utf-8"):
        kept = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(kept, encoding))
        for more in (["--json"], []):
            asked = [tmp_path / name for name in names]
            assert segment(*asked, "-p", "ship", "-o", tmp_path / "o", "--weights", toy_folder, *more) == 0
            if more:
                assert [Path(r["image"]).name for r in json.loads(kept.getvalue())] == names
                sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # as `main` does


def test_the_command_escapes_names_that_stdout_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    import rs2sam2.cli as cli

    kept = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(kept, "utf-8"))
    monkeypatch.setattr(cli, "app", lambda _: cli.console.say("bad\udcff.png"))
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    assert kept.getvalue() == rb"bad\udcff.png" + os.linesep.encode()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "x.safetensors"])
def test_export_refuses_folders_of_other_weights(
    toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).touch()
    assert run(["export", str(toy_folder), "--format", "torch-export", "-o", str(out)]) == 2
    assert "already holds weights" in capsys.readouterr().err and [p.name for p in out.iterdir()] == [name]


def test_export_keeps_another_models_configuration(
    toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "out" / "config.json"
    config.parent.mkdir()
    config.write_text("{}")
    assert run(["export", str(toy_folder), "--format", "torch-export", "-o", str(config.parent)]) == 2
    assert "describes another model" in capsys.readouterr().err and config.read_text() == "{}"


def test_export_reads_the_vocabulary_first(
    toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path | None] = []

    def write(_: object, vocabulary: Path | None, *__: object) -> float:
        written.append(vocabulary)
        return 0.0

    monkeypatch.setattr("rs2sam2.portable.export.export", write)
    nano = files("rs2sam2") / "assets" / "nano" / "vocabulary.spm"
    for other, said in ((tmp_path / "no.spm", "no vocabulary at"), (nano, "belongs to another model")):
        assert run(["export", str(toy_folder), "--vocabulary", str(other), "-o", str(tmp_path / "o")]) == 5
        assert said in capsys.readouterr().err and not written
    (toy_folder / "vocabulary.spm").unlink()
    assert run(["export", str(toy_folder), "-o", str(tmp_path / "o")]) == 0
    assert "no vocabulary beside" in capsys.readouterr().out and written == [None]
