"""`rs2sam2 train`: a recipe in, weights out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from rs2sam2.cli.console import say


def train(
    recipe: str | None = None,
    /,
    *overrides: Annotated[str, Parameter(allow_leading_hyphen=True)],
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    resume: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    show: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Train a model from a recipe; under torchrun, on several GPUs or machines.

    Without a recipe, the recipes in the package are listed. A run's folder gets last/ and best/ (weights for --weights), a
    checkpoint, log.jsonl, TensorBoard events, pictures and run.json. On SIGTERM and Ctrl-C, the run saves before it ends.

    Parameters
    ----------
    recipe
        Name of a recipe in the package, or a YAML file.
    overrides
        Entries of the recipe to change, as --key.key=value: --data.root=DIR --init.weights=DIR --epochs=5
    output
        Folder of the run (default: runs/RECIPE).
    resume
        Continue from the checkpoint in the folder, if there is one.
    show
        Print the recipe with its overrides and every default, instead of training.
    """
    from rs2sam2.train.recipe import load_recipe, recipes

    if recipe is None:
        for name, path in recipes().items():
            first = path.read_text(encoding="utf-8").splitlines()[0]
            say(f"{name:18} {first.removeprefix('# ')}")
        return
    loaded = load_recipe(recipe, overrides)
    if show:
        import yaml

        say(yaml.safe_dump(loaded.to_dict(), sort_keys=False).rstrip())
        return
    from rs2sam2.train.loop import train as run

    result = run(loaded, output or Path("runs") / loaded.name, resume=resume)
    values = result.state.values
    scored = f", val mIoU {values['mIoU']:.4f}, oIoU {values['oIoU']:.4f}" if values else ""
    kept = "best" if result.state.best >= 0 else "last"
    say(f"{result.state.step} steps{scored} -> {result.output / kept}")
