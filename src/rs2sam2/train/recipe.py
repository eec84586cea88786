"""What a training run is: frozen dataclasses, read from YAML with overrides, that check themselves.

    recipe = load_recipe("nwpu-nano", ["--data.root=NWPU-Ref", "--epochs=2"])

A recipe in YAML names its learner; the keys that are not below belong to that learner's own options.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from rs2sam2.errors import UsageError
from rs2sam2.train.build import build, plain, require
from rs2sam2.train.learners import LEARNERS, options_of


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """AdamW. `lr` is a learning rate for each group of parameters; groups that are not named take that of `rest`."""

    lr: dict[str, float] = field(default_factory=lambda: {"rest": 5e-5})
    weight_decay: float = 0.01
    decay_all: bool = True
    """Whether norms, biases and embeddings decay, too (as the released scripts have it)."""
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    clip: float | None = None
    """Largest norm of the whole gradient; None leaves it as it is."""

    def __post_init__(self) -> None:
        require("rest" in self.lr, f"optimizer.lr {self.lr} needs a rate for the group 'rest'")
        require(all(rate >= 0 for rate in self.lr.values()), f"optimizer.lr {self.lr} must not be negative")
        require(self.weight_decay >= 0, f"optimizer.weight_decay {self.weight_decay} must not be negative")
        require(
            len(self.betas) == 2 and all(0 <= b < 1 for b in self.betas),
            f"optimizer.betas {self.betas} must be two numbers in [0, 1)",
        )
        require(self.eps >= 0, f"optimizer.eps {self.eps} must not be negative")
        require(self.clip is None or self.clip > 0, f"optimizer.clip {self.clip} must be above 0, or null")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What the learning rates are multiplied by, see `schedule.py`."""

    kind: Literal["step", "cosine", "linear", "constant", "hold"] = "step"
    drops: tuple[int, ...] = ()
    """Of `step`: epoch indices from which on the rate is `factor` times lower; negative ones count from the end."""
    factor: float = 0.1
    warmup: int = 0
    """Optimizer steps in which the rate grows from 0."""
    final: float = 0.0
    """Of `cosine`, `linear` and `hold`: the multiple at the end."""
    fall: float = 0.4
    """Of `hold`: the last share of the run, in which the rate falls like a cosine; before, it is held. A longer run can
    go on from a checkpoint made before the fall."""

    def __post_init__(self) -> None:
        require(
            self.kind in ("step", "cosine", "linear", "constant", "hold"),
            f"schedule.kind {self.kind!r} must be step, cosine, linear, constant or hold",
        )
        require(self.warmup >= 0, f"schedule.warmup {self.warmup} must not be negative")
        require(0 < self.factor <= 1, f"schedule.factor {self.factor} must be in (0, 1]")
        require(0 <= self.final <= 1, f"schedule.final {self.final} must be in [0, 1]")
        require(0 < self.fall <= 1, f"schedule.fall {self.fall} must be in (0, 1]")


PrecisionName = Literal["float32", "autocast", "bfloat16", "released"]


@dataclass(frozen=True, kw_only=True)
class Compute:
    """How the arithmetic is done; the result is meant to be the same."""

    device: str = "auto"
    precision: PrecisionName = "float32"
    """`autocast`: float32 weights, bfloat16 products. `bfloat16`: bfloat16 weights with a float32 master copy.
    `released`: as the released scripts, BEiT-3 in bfloat16 (with a master copy), the rest in float32."""
    checkpointing: bool = False
    """Compute the inside of each block again in the backward pass instead of keeping it."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """Over several processes: a whole model in each (DDP), or its parameters and their state shared out (FSDP2)."""
    channels_last: bool = False
    workers: int = 2
    """Processes that load data, for each process that trains."""
    threads: int | None = None

    def __post_init__(self) -> None:
        require(
            self.precision in ("float32", "autocast", "bfloat16", "released"),
            f"compute.precision {self.precision!r} must be float32, autocast, bfloat16 or released",
        )
        require(self.parallel in ("ddp", "fsdp"), f"compute.parallel {self.parallel!r} must be ddp or fsdp")
        require(self.workers >= 0, f"compute.workers {self.workers} must not be negative")
        require(
            self.threads is None or self.threads >= 1, f"compute.threads {self.threads} must be at least 1, or null"
        )


@dataclass(frozen=True, kw_only=True)
class Validation:
    """On the validation split after every `every`-th epoch and at the end."""

    every: int = 1
    limit: int | None = None
    """So many samples, evenly spaced; None takes all."""
    pictures: int = 8
    """Samples drawn with truth and prediction; 0 for none."""

    def __post_init__(self) -> None:
        require(self.every >= 1, f"validation.every {self.every} must be at least 1")
        require(self.limit is None or self.limit >= 1, f"validation.limit {self.limit} must be at least 1, or null")
        require(self.pictures >= 0, f"validation.pictures {self.pictures} must not be negative")


@dataclass(frozen=True, kw_only=True)
class Log:
    """Beside the progress line, `log.jsonl` and TensorBoard's event files, which are always written."""

    every: int = 20
    """Optimizer steps between two entries."""
    wandb: str | None = None
    """Project to report to; needs the package wandb."""
    trackio: str | None = None

    def __post_init__(self) -> None:
        require(self.every >= 1, f"log.every {self.every} must be at least 1")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole run. `options` are the learner's own (its model, data, losses)."""

    name: str = "recipe"
    learner: str = "rs2sam2"
    seed: int = 2401
    epochs: int = 40
    steps: int | None = None
    """End after so many optimizer steps, whatever `epochs` says."""
    batch: int = 8
    """Items (images) of an optimizer step, over all processes."""
    per_device: int = 1
    """Items a process computes at once; the rest of the batch is accumulated."""
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    ema: float | None = None
    """Decay of the running mean of the weights; the mean is what is validated and kept."""
    compute: Compute = field(default_factory=Compute)
    validation: Validation = field(default_factory=Validation)
    save_minutes: float = 15.0
    """Between two checkpoints inside an epoch; one is also written after every epoch."""
    log: Log = field(default_factory=Log)
    options: Any = None

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**32, f"seed {self.seed} must be at least 0 and below 2^32")
        require(self.epochs >= 1, f"epochs {self.epochs} must be at least 1")
        require(self.steps is None or self.steps >= 1, f"steps {self.steps} must be at least 1, or null")
        require(self.per_device >= 1, f"per_device {self.per_device} must be at least 1")
        require(
            self.batch >= 1 and self.batch % self.per_device == 0,
            f"batch {self.batch} must be a multiple of per_device {self.per_device}",
        )
        require(self.ema is None or 0 < self.ema < 1, f"ema {self.ema} must be in (0, 1), or null")
        require(self.save_minutes > 0, f"save_minutes {self.save_minutes} must be above 0")

    def to_dict(self) -> dict[str, Any]:
        """Plain containers; `recipe_from_dict` gives an equal recipe."""
        data: dict[str, Any] = plain(
            {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "options"}
        )
        own: dict[str, Any] = plain(self.options)
        return data | own


def recipe_from_dict(data: dict[str, Any]) -> Recipe:
    """Raises UsageError for an unknown key, a value of a wrong type, or one that cannot be."""
    learner = data.get("learner", "rs2sam2")
    require(
        isinstance(learner, str) and learner in LEARNERS, f"learner {learner!r} must be one of {', '.join(LEARNERS)}"
    )
    options = options_of(learner)
    common = {f.name for f in dataclasses.fields(Recipe)} - {"options"}
    own = {f.name for f in dataclasses.fields(options)}
    for key in data:
        require(key in common | own, f"unknown key {key!r}; {_meant(key, common | own)}")
    parts = {key: value for key, value in data.items() if key in own}
    recipe: Recipe = build(Recipe, {k: v for k, v in data.items() if k in common}, "")
    return dataclasses.replace(recipe, options=build(options, parts, ""))


def load_recipe(recipe: str | Path, overrides: list[str] | tuple[str, ...] = ()) -> Recipe:
    """The recipe in a YAML file, or the one of that name in the package, with `--a.b=value` overrides.

    Raises UsageError.
    """
    import yaml

    path = find_recipe(recipe)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {path} is not YAML ({' '.join(str(error).split())})") from None
    require(isinstance(data, dict), f"recipe {path} must be a list of 'key: value', got {type(data).__name__}")
    data.setdefault("name", path.stem)
    for key, value in parse_overrides(overrides):
        _set(data, key, value)
    return recipe_from_dict(data)


def recipes() -> dict[str, Path]:
    """The recipes of the package, by name."""
    folder = Path(str(files("rs2sam2"))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_recipe(recipe: str | Path) -> Path:
    """A file, or the file of a recipe of the package. Raises UsageError naming those there are."""
    path = Path(recipe)
    if path.is_file():
        return path
    known, name = recipes(), path.name.removesuffix(".yaml")
    bare = path.name == str(recipe) or path.parent.name == "recipes"  # `recipes/x.yaml` works from anywhere
    if bare and name in known:
        return known[name]
    raise UsageError(f"no recipe {str(recipe)!r}: no such file, and the package has {', '.join(known)}")


def parse_overrides(tokens: list[str] | tuple[str, ...]) -> list[tuple[str, Any]]:
    """`--a.b=value` or `--a.b value`, values in YAML. Raises UsageError for anything else."""
    import yaml

    out: list[tuple[str, Any]] = []
    rest = list(tokens)
    while rest:
        token = rest.pop(0)
        require(
            token.startswith("--") and len(token) > 2,
            f"{token!r} is no override; write --key=value, such as --data.root=DIR",
        )
        key, equals, value = token[2:].partition("=")
        if not equals:
            require(bool(rest) and not rest[0].startswith("--"), f"--{key} needs a value: --{key}=VALUE")
            value = rest.pop(0)
        try:
            out.append((key.replace("-", "_"), yaml.safe_load(value)))
        except yaml.YAMLError:
            raise UsageError(f"--{key}={value}: not a value in YAML; quote it") from None
    return out


def _set(data: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for part in path:
        inner = data.get(part)
        if inner is None:
            inner = data[part] = {}
        require(isinstance(inner, dict), f"--{key}: {part} is {inner!r} and has no parts")
        data = inner
    data[last] = value


def _meant(key: object, known: set[str]) -> str:
    import difflib

    close = difflib.get_close_matches(str(key), known, 1)  # YAML takes `on:` and `2024:` for no text
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
