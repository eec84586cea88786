"""Weights as users meet them: a folder or hub id in, a model out; a model in, a folder out.

A folder of ours holds `config.json`, `model.safetensors` and, for models that come with one, `vocabulary.spm`.
Folders in the released layout are recognised too and renamed while loading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor, nn

from rs2sam2.checkpoint.files import write_safetensors
from rs2sam2.checkpoint.layouts import CONFIG_KEY, Plan, is_beit3, is_released, is_sam2, native_plan, released_plan
from rs2sam2.checkpoint.source import open_source
from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import UsageError, VocabularyError, WeightsError
from rs2sam2.files import atomic, write_text
from rs2sam2.model.rs2sam2 import RS2SAM2

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
VOCABULARY_FILE = "vocabulary.spm"
VOCABULARY_NAMES = (
    VOCABULARY_FILE,
    "sentencepiece.bpe.model",
    "beit3.spm",
    "spiece.model",
    "tokenizer.model",
    "beit3_64k.model",
)
"""Names under which sentencepiece vocabularies lie beside weights, ours first."""
BUNDLED = "nano"
"""Name of the weights inside the package."""
HUB_PATTERNS = ("*.json", "*.safetensors", "*.bin", "*.spm", "*.model")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class WeightsFolder:
    """A folder of weights on this machine, opened but not yet read."""

    path: Path
    plan: Plan
    metadata: dict[str, str]
    vocabulary: Path | None


def locate(weights: str | Path, revision: str | None = None, subfolder: str | None = None) -> Path:
    """The local folder or file of `weights`: `nano`, a path, or a hub id (downloaded once, then cached).

    The text `nano` is always the bundled weights; a folder of that name is `./nano`. For an object-first model's file it is
    the folder, which alone says what it is. HF_HUB_OFFLINE, HF_HOME, HF_TOKEN and HF_ENDPOINT are honoured. Raises WeightsError,
    and UsageError for a revision of what is no hub id.
    """
    path = Path(weights).expanduser()
    # before paths: what happens to lie in the current folder must not replace the default
    if weights == BUNDLED or (str(weights) == BUNDLED and not path.exists()):
        if revision or subfolder:
            raise UsageError(f"{BUNDLED!r} is part of the package: it has no revision or subfolder; leave them out")
        bundled = Path(str(files("rs2sam2"))) / "assets" / BUNDLED
        if not (bundled / WEIGHTS_FILE).is_file():
            raise WeightsError(f"the bundled weights are missing from {bundled}; reinstall rs2sam2")
        return bundled
    if path.exists():
        if revision:
            raise UsageError(f"{path} is on this machine, where no revision {revision!r} is kept; leave it out")
        folder = path / subfolder if subfolder else path
        if not folder.exists():
            raise WeightsError(f"no folder {subfolder!r} in {path}")
        return folder.parent if folder.name == WEIGHTS_FILE and is_object_first(folder.parent) else folder
    if not _HUB_ID.fullmatch(str(weights)):
        raise WeightsError(
            f"no weights at {weights}; give a folder, a file, a hub id such as ReeF2025/RS2-SAM2, or {BUNDLED!r}"
        )
    folder = _download(str(weights), revision, subfolder)
    folder = folder / subfolder if subfolder else folder
    if not folder.is_dir():
        raise WeightsError(f"{weights} has no folder {subfolder!r} at revision {revision or 'main'}")
    return folder


def _download(weights: str, revision: str | None, subfolder: str | None) -> Path:
    """The local copy of a hub repository. Raises WeightsError."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    patterns = [f"{subfolder}/{p}" for p in HUB_PATTERNS] if subfolder else list(HUB_PATTERNS)
    try:
        return Path(snapshot_download(weights, revision=revision, allow_patterns=patterns))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        if constants.HF_HUB_OFFLINE:
            raise WeightsError(
                f"{weights} is not on this machine (the hub's cache is {constants.HF_HUB_CACHE}) and HF_HUB_OFFLINE is set; "
                "unset it to download, or give a local folder"
            ) from None
        why = _one_line(error)
    except HfHubHTTPError as error:
        raise WeightsError(
            f"{weights}: the hub refused it ({_one_line(error)}); check the id, --revision and HF_TOKEN"
        ) from None
    except (OSError, HFValidationError) as error:
        why = _one_line(error)
    raise WeightsError(f"{weights} is not on this machine and the hub cannot be reached ({why}); give a local folder")


def open_folder(path: Path) -> WeightsFolder:
    """Recognise the layout by content and check it completely. Raises WeightsError."""
    if is_object_first(path):
        raise WeightsError(
            f"{path} is an object-first model, not RS2-SAM2: it is used as it is, with --weights {path} or "
            f"Predictor.load({str(path)!r})"
        )
    source = open_source(path)
    folder = path if path.is_dir() else path.parent
    config_file = folder / CONFIG_FILE
    if is_released(source):
        plan = released_plan(source)
    elif is_sam2(source) or is_beit3(source):
        kind = "SAM2" if is_sam2(source) else "BEiT-3"
        raise WeightsError(
            f"{path} is {kind} alone, half of a model: make a start for training with "
            f"'rs2sam2 import-weights SAM2.pt --beit3 BEIT3.pth --vocabulary beit3.spm -o DIR'"
        )
    elif _is_ours(config_file):
        try:
            config = RS2SAM2Config.from_json(config_file.read_text())
        except UsageError as error:
            raise WeightsError(f"{config_file}: {error}") from None
        plan = native_plan(source, config)
    else:
        has = f"a {CONFIG_FILE} without format 'rs2sam2'" if config_file.is_file() else f"no {CONFIG_FILE}"
        raise WeightsError(
            f"{path} is neither ours ({has} beside it) nor RS2-SAM2, EVF-SAM2, SAM2 or BEiT-3; "
            f"its entries look like {', '.join(list(source)[:3])}"
        )
    vocabulary = next((folder / n for n in VOCABULARY_NAMES if (folder / n).is_file()), None)
    provenance = {key: value for key, value in source.metadata.items() if key != CONFIG_KEY}
    return WeightsFolder(path, plan, provenance, vocabulary)


def load_model(
    plan: Plan, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32, seed: int = 0
) -> RS2SAM2:
    """Fill a model, one tensor at a time; float32 tensors of a safetensors file stay mapped. Fresh parts are seeded."""
    model = plan.model_on_meta()
    if plan.fresh:
        torch.manual_seed(seed)
        _make_fresh(model, set(plan.fresh))
    values = dict(model.state_dict())
    for name, read in plan.tensors.items():
        # the random matrix of the position codes is not a weight: rounded, it would shift positions
        kind = torch.float32 if name == "prompt_encoder.gaussian" else dtype
        values[name] = read().to(device=device, dtype=kind)
        plan.release()
    for name in plan.fresh:
        values[name] = values[name].to(device=device, dtype=dtype)
    model.load_state_dict(values, strict=True, assign=True)
    return model.eval()


def _make_fresh(model: RS2SAM2, fresh: set[str]) -> None:
    """Real, initialised storage for the named parameters alone."""
    for prefix, module in model.named_modules():
        own = [f"{prefix}.{name}" for name, _ in module.named_parameters(recurse=False)]
        if own and set(own) <= fresh:
            module.to_empty(device="cpu", recurse=False)
            if isinstance(module, nn.Linear):
                module.reset_parameters()
    model.reset_parameters()


def save_folder(
    model: RS2SAM2,
    folder: Path,
    vocabulary: Path | None,
    metadata: dict[str, str] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a folder of ours. The configuration comes last, so that a folder that has one is complete.

    Raises VocabularyError, before anything is written, where there is no such vocabulary.
    """
    if vocabulary is not None and not vocabulary.is_file():
        raise VocabularyError(
            f"no vocabulary at {vocabulary}; give the sentencepiece file that the model was trained with"
        )
    state = model.state_dict()
    kinds = {n: dtype if dtype is not None and n != "prompt_encoder.gaussian" else t.dtype for n, t in state.items()}
    shapes = {name: (kinds[name], tuple(tensor.shape)) for name, tensor in state.items()}
    write_safetensors(folder / WEIGHTS_FILE, shapes, lambda name: state[name].to(kinds[name]), _provenance(metadata))
    _finish(folder, model.config, vocabulary)


def convert(plan: Plan, folder: Path, vocabulary: Path | None, progress: Callable[[int], None], seed: int = 0) -> None:
    """Write a plan as a folder of ours, tensor by tensor, each bit as it was."""
    fresh: dict[str, Tensor] = {}
    if plan.fresh:
        model = plan.model_on_meta()
        torch.manual_seed(seed)
        _make_fresh(model, set(plan.fresh))
        fresh = {name: model.state_dict()[name] for name in plan.fresh}
    order = list(plan.model_on_meta().state_dict())
    read: dict[str, Callable[[], Tensor]] = {
        **plan.tensors,
        **{name: partial(fresh.__getitem__, name) for name in fresh},
    }
    shapes = {name: (read[name]().dtype, tuple(read[name]().shape)) for name in order}
    metadata = {"layout": plan.layout, "origin": plan.origin, "fresh": str(len(plan.fresh))}
    write_safetensors(folder / WEIGHTS_FILE, shapes, lambda name: read[name](), _provenance(metadata), progress)
    _finish(folder, plan.config, vocabulary)


def _finish(folder: Path, config: RS2SAM2Config, vocabulary: Path | None) -> None:
    target = folder / VOCABULARY_FILE
    if vocabulary is not None and not (target.exists() and target.samefile(vocabulary)):
        with atomic(target) as file:
            file.write(vocabulary.read_bytes())
    write_text(folder / CONFIG_FILE, config.to_json())


def _provenance(metadata: dict[str, str] | None) -> dict[str, str]:
    from rs2sam2 import __version__

    return {"rs2sam2": __version__, **(metadata or {})}


def is_object_first(path: Path) -> bool:
    """Whether a folder of ours holds a model of the object-first family (`rs2sam2.objects`) and not RS2-SAM2."""
    return _head(path / CONFIG_FILE).get("family") == "object-first" and _is_ours(path / CONFIG_FILE)


def _is_ours(config_file: Path) -> bool:
    return _head(config_file).get("format") == "rs2sam2"


def _head(config_file: Path) -> dict[str, object]:
    try:
        content = json.loads(config_file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _one_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:140]
