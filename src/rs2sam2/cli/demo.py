"""`rs2sam2 demo`: phrases in the picture that comes with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from rs2sam2.cli.console import say
from rs2sam2.cli.segment import segment
from rs2sam2.files import atomic


def demo(*, output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("demo-output")) -> None:
    """Segment a few phrases in the bundled picture with the bundled model.

    Parameters
    ----------
    output
        Folder for the picture, the masks and the overlay.
    """
    folder = Path(str(files("rs2sam2"))) / "assets" / "demo"
    phrases = json.loads((folder / "phrases.json").read_text())
    picture = output / "scene.png"
    with atomic(picture) as file:
        file.write((folder / "scene.png").read_bytes())
    say(f"picture: {picture} (drawn by rs2sam2's own renderer, not a photograph)")
    segment([str(picture)], phrase=phrases, output=[output], overlay=output / "overlay.png")
    say(f"look at {output / 'overlay.png'}")
