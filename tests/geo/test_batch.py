"""Archives: one bad scene stops nothing, what is done is known, killed and resumed is the same, whatever does the work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from geo_scenes import discs, paint, predictor, vrt, write

from rs2sam2.cli import run
from rs2sam2.errors import UsageError
from rs2sam2.geo import archive
from rs2sam2.geo.engines import run_local
from rs2sam2.geo.options import SceneOptions

SIZE = (128, 160)
SUFFIXES = (".gpkg", ".tif")


@pytest.fixture
def scenes(tmp_path: Path) -> list[str]:
    folder = tmp_path / "scenes"
    folder.mkdir()
    return [str(write(folder / f"s{i}.tif", paint(SIZE, red=discs(SIZE, (20 + 20 * i, 60, 18))))) for i in range(4)]


def batch(**settings: object) -> archive.Batch:
    return archive.Batch(**({"phrases": ("red",), "load": predictor} | settings))  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def statuses(work: archive.Batch, jobs: list[archive.Job]) -> list[str]:
    return [outcome.status for outcome in run_local(work, jobs)]


def test_one_bad_scene_stops_nothing(tmp_path: Path, scenes: list[str]) -> None:
    Path(scenes[1]).write_bytes(Path(scenes[1]).read_bytes()[:300])
    write(Path(scenes[2]), np.zeros((*SIZE, 3), np.uint8), nodata=0)
    jobs = archive.plan([*scenes, str(tmp_path / "nowhere.tif")], tmp_path / "out", SUFFIXES)
    outcomes = list(run_local(batch(), jobs))
    assert [o.status for o in outcomes] == ["done", "failed", "failed", "done", "failed"]
    for outcome, said in zip(outcomes, ("", "s1.tif", "holds no data", "", "no raster at"), strict=True):
        assert said in (outcome.error or "")
    assert sorted(p.name for p in (tmp_path / "out").glob("*.*")) == ["s0.gpkg", "s0.tif", "s3.gpkg", "s3.tif"]
    records = [json.loads(job.record.read_text()) for job in jobs]
    assert [r["status"] for r in records] == [o.status for o in outcomes]


def test_what_is_done_is_done_once_and_again_only_when_something_changed(tmp_path: Path, scenes: list[str]) -> None:
    jobs = archive.plan(scenes, tmp_path / "out", SUFFIXES)
    assert statuses(batch(), jobs) == ["done"] * 4
    before = contents(tmp_path / "out")
    assert statuses(batch(), jobs) == ["done before"] * 4
    assert statuses(batch(options=SceneOptions(workers=1, batch_size=2)), jobs) == ["done before"] * 4  # speed alone
    jobs[0].outputs[0].unlink()
    jobs[1].record.write_text("{")
    write(Path(scenes[2]), paint(SIZE, red=discs(SIZE, (60, 60, 30))))
    assert statuses(batch(), jobs) == ["done", "done", "done", "done before"]
    after = contents(tmp_path / "out")
    assert {n for n in before if before[n] != after[n]} == {"s2.gpkg", "s2.tif", "manifest/s2.json"}
    assert statuses(batch(phrases=("blue",)), jobs) == ["done"] * 4
    assert statuses(batch(phrases=("blue",), dtype="mixed"), jobs) == ["done"] * 4
    with pytest.raises(UsageError, match="add --resume"):
        archive.check_fresh(jobs)


def test_a_mosaic_is_done_again_when_a_part_of_it_changes(tmp_path: Path, scenes: list[str]) -> None:
    bands = vrt(*(("Byte", "s0.tif", i) for i in (1, 2, 3)), size=SIZE)
    (tmp_path / "scenes" / "all.vrt").write_text(bands)
    jobs = archive.plan([str(tmp_path / "scenes" / "all.vrt")], tmp_path / "out", (".gpkg",))
    assert [statuses(batch(), jobs) for _ in range(2)] == [["done"], ["done before"]]
    write(Path(scenes[0]), paint(SIZE, blue=discs(SIZE, (30, 60, 18))))
    assert statuses(batch(), jobs) == ["done"]


def test_a_remote_scene_is_not_opened_to_see_what_it_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "open_raster", lambda source: pytest.fail(f"{source} was opened"))
    for source in ("https://example.org/s.tif", "/vsicurl/https://example.org/s.tif"):
        assert batch().key(archive.Job(source, (), Path("s.json")))


def test_a_name_that_is_no_utf8_stops_nothing(tmp_path: Path, scenes: list[str]) -> None:
    odd = tmp_path / "scenes" / os.fsdecode(b"caf\xe9.tif")
    odd.write_bytes(Path(scenes[0]).read_bytes())
    jobs = archive.plan([str(odd), scenes[1]], tmp_path / "out", (".gpkg",))
    first, second = run_local(batch(), jobs)
    assert first.status == "failed" and "rename it" in (first.error or "") and second.status == "done"


def test_names_do_not_depend_on_the_part_that_is_done(tmp_path: Path, scenes: list[str]) -> None:
    twin = tmp_path / "other" / "s0.tif"
    twin.parent.mkdir()
    twin.write_bytes(Path(scenes[0]).read_bytes())
    jobs = archive.plan([*scenes, str(twin)], tmp_path / "out", SUFFIXES)
    assert [j.outputs[0].name for j in jobs] == ["s0.gpkg", "s1.gpkg", "s2.gpkg", "s3.gpkg", "s0-2.gpkg"]
    parts = [archive.shard(jobs, f"{i}/3") for i in (1, 2, 3)]
    assert sorted((j for part in parts for j in part), key=jobs.index) == jobs
    for wrong in ("0/3", "4/3", "1", "a/b", "1/0"):
        with pytest.raises(UsageError, match="I/N"):
            archive.shard(jobs, wrong)
    with pytest.raises(UsageError, match="named twice"):
        archive.plan([scenes[0], scenes[0]], tmp_path / "out", SUFFIXES)
    assert archive.find_scenes([str(Path(scenes[0]).parent)]) == scenes


def test_shards_give_the_same_bytes(tmp_path: Path, scenes: list[str]) -> None:
    for name, parts in (("whole", ["1/1"]), ("parts", ["2/3", "3/3", "1/3"])):
        for part in parts:
            jobs = archive.shard(archive.plan(scenes, tmp_path / name, SUFFIXES), part)
            archive.check_fresh(jobs)  # the other shards' results are no obstacle
            assert set(statuses(batch(), jobs)) == {"done"}
    results = [
        {n: b for n, b in contents(tmp_path / name).items() if "manifest" not in n} for name in ("whole", "parts")
    ]
    assert results[0] == results[1] and len(results[0]) == 8


KILLED = """
import os, signal, sys
from pathlib import Path
from rs2sam2.geo import archive
from rs2sam2.geo.engines import run_local
from geo_scenes import ColorSegmenter
from rs2sam2.predictor import Predictor

what, count, out, *scenes = sys.argv[1:]
left = int(count)

def step(name):
    global left
    left -= name == what
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

class Counted(ColorSegmenter):
    def __call__(self, *arguments):
        step("tile")
        return super().__call__(*arguments)

replace = Path.replace
Path.replace = lambda self, target: step("rename") or replace(self, target)
work = archive.Batch(phrases=("red",), load=lambda: Predictor(Counted(max_batch=1), "colours"))
for outcome in run_local(work, archive.plan(scenes, Path(out), (".gpkg", ".tif"))):
    assert outcome.status == "done", outcome.error
"""


@pytest.mark.parametrize(
    ("what", "count", "in_place"),
    [
        (
            "tile",
            15,
            ["s0.gpkg", "s0.tif"],
        ),  # in the middle of the second scene, whose first output comes after tile 24
        ("rename", 5, ["s0.gpkg", "s0.tif", "s1.gpkg"]),  # each scene has three: its outputs, then its record
        ("rename", 6, ["s0.gpkg", "s0.tif", "s1.gpkg", "s1.tif"]),
    ],
)
def test_killed_at_any_point_and_resumed_is_as_if_nothing_had_been(
    tmp_path: Path, scenes: list[str], what: str, count: int, in_place: list[str]
) -> None:
    jobs = archive.plan(scenes, tmp_path / "undisturbed", SUFFIXES)
    assert set(statuses(batch(), jobs)) == {"done"}
    out = tmp_path / "killed"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, what, str(count), str(out), *scenes]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert sorted(p.name for p in out.glob("s*.*")) == in_place
    assert all((tmp_path / "undisturbed" / name).read_bytes() == (out / name).read_bytes() for name in in_place)
    assert list(out.rglob(".s*"))  # hidden, and nobody's file
    jobs = archive.plan(scenes, out, SUFFIXES)
    assert statuses(batch(), jobs) == ["done before", "done", "done", "done"]
    first, second = contents(tmp_path / "undisturbed"), contents(out)
    assert first.keys() == second.keys() and not list(out.rglob(".s*"))
    assert all(first[n] == second[n] for n in first if "manifest" not in n)


TERMINATED = """
import os, signal, sys
from geo_scenes import ColorSegmenter
from rs2sam2.cli import main
from rs2sam2.predictor import Predictor

class Terminating(ColorSegmenter):
    def __call__(self, *arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return super().__call__(*arguments)

Predictor.load = lambda *_, **__: Predictor(Terminating(max_batch=1), "colours")
main()
"""


def test_terminated_leaves_nothing(tmp_path: Path, scenes: list[str]) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-c", TERMINATED, "segment", scenes[0], "-p", "red"]
    command += ["-o", str(out / "a.gpkg"), "-o", str(out / "a.tif")]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 143 and "rs2sam2: terminated" in done.stderr and "Traceback" not in done.stderr
    assert list(out.iterdir()) == []


def test_a_record_that_cannot_be_written_stops_nothing(tmp_path: Path, scenes: list[str]) -> None:
    jobs = archive.plan(scenes, tmp_path / "out", SUFFIXES)
    jobs[1].record.mkdir(parents=True)  # in its place
    outcomes = list(run_local(batch(), jobs))
    assert [o.status for o in outcomes] == ["done", "failed", "done", "done"]
    assert "was not written" in (outcomes[1].error or "")


def test_what_cannot_be_meant_is_said_before_the_work(tmp_path: Path, scenes: list[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file; name a folder"):
        archive.plan(scenes, tmp_path / "file", SUFFIXES)
    with pytest.raises(UsageError, match="would be lost"):
        archive.plan(scenes, Path(scenes[0]).parent, SUFFIXES)
    archive.check_apart([str(tmp_path)], tmp_path, (".gpkg",))
    with pytest.raises(UsageError, match="taken for scenes"):
        archive.check_apart([str(tmp_path)], tmp_path, SUFFIXES)
    for phrases, said in (((), "no phrase"), ((" ",), "an empty phrase"), (("red", "red"), "given twice")):
        with pytest.raises(UsageError, match=said):
            batch(phrases=phrases)


def test_a_folder_with_results_of_another_scene_of_that_name_is_refused(tmp_path: Path, scenes: list[str]) -> None:
    out = tmp_path / "out"
    jobs = archive.plan(scenes[:1], out, SUFFIXES)
    archive.check_fresh(jobs, resume=False)
    statuses(batch(), jobs)
    archive.check_fresh(jobs, resume=True)
    with pytest.raises(UsageError, match="add --resume"):
        archive.check_fresh(jobs, resume=False)
    other = tmp_path / "other" / "s0.tif"
    other.parent.mkdir()
    write(other, paint(SIZE))
    for resume in (False, True):
        with pytest.raises(UsageError, match=f"holds results of {scenes[0]} by the name that those of {other} would"):
            archive.check_fresh(archive.plan([str(other)], out, SUFFIXES), resume)
    Path(scenes[0]).rename(other)  # the same one, moved
    archive.check_fresh(archive.plan([str(other)], out, SUFFIXES), resume=True)
    respelled = Path(scenes[0]).parent / ".." / Path(scenes[0]).parent.name / Path(scenes[0]).name
    write(respelled, paint(SIZE))  # changed since, and spelled otherwise
    archive.check_fresh(archive.plan([str(respelled)], out, SUFFIXES), resume=True)


def render(folder: Path, count: int) -> list[str]:
    from rs2sam2.data.synthetic.geotiff import write_geotiff

    folder.mkdir()
    return [
        str(write_geotiff(folder / f"s{i}.tif", (200, 240), gsd=1.5, seed=i, overviews=False).path)
        for i in range(count)
    ]


def test_the_command_with_the_bundled_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "scenes", tmp_path / "out"
    names = render(folder, 2)
    (folder / "bad.tif").write_text("no raster")
    command = [
        "batch",
        str(folder),
        "-p",
        "all storage tanks",
        "-o",
        str(out),
        "--format",
        "geojson",
        "--device",
        "cpu",
    ]
    assert run([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.count(" -> ") == 3 and not out.exists()
    assert run([*command, "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned[1] == {"source": names[0], "outputs": [str(out / "s0.geojson")], "done_before": False}
    assert run(command) == 4
    printed = capsys.readouterr()
    assert "2 scenes done, 0 done before, 1 failed" in printed.out
    assert "bad.tif cannot be opened" in printed.err and "1 of 3 scenes failed" in printed.err
    assert run(command) == 2 and "--resume" in capsys.readouterr().err
    (folder / "bad.tif").write_bytes(Path(names[0]).read_bytes())
    assert run([*command, "--resume", "--json"]) == 0
    assert [o["status"] for o in json.loads(capsys.readouterr().out)] == ["done", "done before", "done before"]
    assert run([*command, "--resume", "--shard", "3/2"]) == 2 and "I/N" in capsys.readouterr().err


def test_ray_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray.data", reason="Ray is an extra: pip install 'rs2sam2[ray]'")
    names = render(tmp_path / "scenes", 3)
    script = "import sys; from rs2sam2.cli import run; sys.exit(run(sys.argv[1:]))"
    common = ["batch", *names, "-p", "all storage tanks", "-p", "the largest building", "--min-score", "0.1"]
    common += ["--format", "gpkg,geojson", "--device", "cpu"]
    for engine in ("local", "ray"):
        done = subprocess.run(  # a process of its own: Ray warns, forks and stays
            [sys.executable, "-c", script, *common, "-o", str(tmp_path / engine), "--engine", engine],
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
    results = [{n: b for n, b in contents(tmp_path / e).items() if "manifest" not in n} for e in ("local", "ray")]
    assert results[0] == results[1] and len(results[0]) == 6
