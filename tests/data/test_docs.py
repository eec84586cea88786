"""What docs/data*.md tell people to write, type and expect is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from rs2sam2.cli import app
from rs2sam2.data import open_dataset
from rs2sam2.data.check import check_dataset

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.glob("data*.md"))


def test_the_smallest_data_set(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    for name, content in re.findall(r"^    mine/(\S+)\s+(\{.*\})$", (DOCS / "data.md").read_text(), re.MULTILINE):
        (tmp_path / name).write_text(content + "\n")
    Image.new("RGB", (80, 60), (9, 99, 9)).save(tmp_path / "1.jpg")
    data = open_dataset(tmp_path)
    assert [s.phrase for s in data.read("train")] == ["the ship on the left"]
    assert not check_dataset(data).broken
    assert data.read("train")[0].load_mask().sum() > 500


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_with_their_options(page: Path) -> None:
    found = re.findall(r"^(?:    |\| [^|]*\| `)?(rs2sam2 data [^`\n]*)", page.read_text(), re.MULTILINE)
    assert found
    for line in found:
        if "[" not in line and "DIR" not in line:  # a synopsis is not for typing
            app.parse_args(shlex.split(line, comments=True)[1:], exit_on_error=False, print_error=False)


def test_every_section_that_is_linked_to_is_there() -> None:
    for page in PAGES:
        for target, section in re.findall(r"\]\(([\w-]+\.md)?#([\w-]+)\)", page.read_text()):
            text = (DOCS / target if target else page).read_text()
            titles = [
                re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in re.findall(r"^#+ (.*)$", text, re.M)
            ]
            assert section in titles, f"{page.name}: {section}"
