"""The shape of the house: imports go one way, importing does nothing, files stay readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "rs2sam2"
LAYERS = [
    {"errors"},
    {"config", "files", "drawing", "depth", "expected", "process_group"},
    {"presets"},
    {"model", "tokenizer", "losses", "metrics"},
    {"processor", "checkpoint", "data"},
    {"segmenter"},
    {"objects", "portable"},
    {"predictor"},
    {"overlay", "evaluate", "train", "bench"},
    {"geo"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
FILES = sorted(p for p in SOURCE.rglob("*.py") if p.parent != SOURCE or p.stem not in ("__init__", "__main__"))


def imports_at_import_time(file: Path) -> set[str]:
    """Parts of this package that a module imports as soon as it is imported."""
    found = set()

    def visit(nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rs2sam2."):
                found.add((node.module or "").split(".")[1])
            elif isinstance(node, ast.Import):
                found.update(a.name.split(".")[1] for a in node.names if a.name.startswith("rs2sam2."))
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                continue
            elif isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With):
                visit(node.body)

    visit(ast.parse(file.read_text()).body)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_one_way(file: Path) -> None:
    part = file.relative_to(SOURCE).parts[0].removesuffix(".py")
    for other in imports_at_import_time(file):
        assert other == part or LEVEL[other] < LEVEL[part], f"{part} imports {other}"


def test_importing_does_nothing_slow() -> None:
    script = "import sys, rs2sam2, rs2sam2.config, rs2sam2.cli; print([m for m in ('torch', 'numpy', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_exist() -> None:
    import rs2sam2

    assert sorted(set(rs2sam2.__all__)) == sorted(rs2sam2.__all__)
    for name in rs2sam2.__all__:
        assert getattr(rs2sam2, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        rs2sam2.nothing  # noqa: B018


def test_files_stay_readable() -> None:
    long = {str(f.relative_to(SOURCE)): n for f in FILES if (n := len(f.read_text().splitlines())) > 450}
    assert not long, long
