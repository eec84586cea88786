"""The README is a test: its example runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from rs2sam2.checkpoint.folder import locate

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
SCENE = locate("nano").parent / "demo" / "scene.png"


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    shutil.copy(SCENE, tmp_path / "image.png")
    monkeypatch.chdir(tmp_path)
    exec(compile(code[1], "README.md", "exec"), {})
    assert "(768, 768)" in capsys.readouterr().out


def test_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shlex

    from rs2sam2.cli import run

    line = next(
        line for line in README.splitlines() if line.strip().startswith("rs2sam2 segment demo-output/scene.png")
    )
    monkeypatch.chdir(tmp_path)
    assert run(["demo", "-o", "demo-output"]) == 0
    assert run(shlex.split(line)[1:]) == 0
    assert (tmp_path / "mask.png").exists() and (tmp_path / "overlay.png").exists()


DOCUMENTS = ["README.md", "CHANGELOG.md", *(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))]


def anchors(text: str) -> set[str]:
    """Of the headings of a Markdown file, as the hosts of repositories make them."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    file = ROOT / document
    for target in re.findall(r"\]\(([^)]+)\)", file.read_text()):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        goal = file.parent / path if path else file
        assert goal.exists(), target
        assert not anchor or anchor in anchors(goal.read_text()), target


def test_every_command_is_known() -> None:
    from rs2sam2.cli import app

    for command in re.findall(r"`rs2sam2 ([a-z-]+)", README):
        assert command in app, command
