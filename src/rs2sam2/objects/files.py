"""A folder of an object-first model: config.json, model.safetensors, vocabulary.spm; read strictly, written whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from rs2sam2.checkpoint.files import write_safetensors
from rs2sam2.checkpoint.folder import CONFIG_FILE, VOCABULARY_FILE, WEIGHTS_FILE
from rs2sam2.errors import UsageError, WeightsError
from rs2sam2.files import atomic, write_text
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.model import ObjectFirst


def load(folder: Path, device: torch.device | str = "cpu") -> ObjectFirst:
    """The model of a folder, in float32 and evaluation mode.

    Raises WeightsError where a file is missing or damaged, or its entries are not exactly those of the configuration.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        config = ObjectFirstConfig.from_json((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"{folder / CONFIG_FILE} cannot be read ({error.strerror})") from None
    except UsageError as error:
        raise WeightsError(f"{folder / CONFIG_FILE}: {error}") from None
    path = folder / WEIGHTS_FILE
    try:
        state = load_file(path)
    except FileNotFoundError:
        raise WeightsError(f"no {path}; the folder is incomplete: copy or download it again") from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is damaged ({error}); copy or download it again") from None
    with torch.device("meta"), _Undrawn():
        model = ObjectFirst(config)
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    got = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if wanted != got:
        wrong = sorted(set(wanted.items()) ^ set(got.items()))
        raise WeightsError(
            f"{path} does not fit {CONFIG_FILE}: {len(wrong)} entries differ, such as {wrong[0][0]} {wrong[0][1]}"
        )
    model.load_state_dict({name: tensor.to(device, torch.float32) for name, tensor in state.items()}, assign=True)
    return model.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]


class _Undrawn(TorchFunctionMode):
    """Within it, `torch.nn.init` draws nothing: on the meta device torch would import its compiler to do so, for a second."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def metadata(folder: Path) -> dict[str, str]:
    """What the weights file says of itself: versions, data, training. WeightsError where it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS_FILE, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{folder / WEIGHTS_FILE} cannot be read ({error})") from None


def save(
    model: ObjectFirst,
    folder: Path,
    vocabulary: Path,
    dtype: torch.dtype = torch.float32,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write the folder; the configuration comes last, so that a folder that has one is complete."""
    from rs2sam2 import __version__

    state = model.state_dict()
    shapes = {name: (dtype, tuple(tensor.shape)) for name, tensor in state.items()}
    provenance = {"rs2sam2": __version__, **(metadata or {})}
    write_safetensors(folder / WEIGHTS_FILE, shapes, lambda name: state[name].to(dtype), provenance)
    target = folder / VOCABULARY_FILE
    if not (target.exists() and target.samefile(vocabulary)):
        with atomic(target) as file:
            file.write(vocabulary.read_bytes())
    write_text(folder / CONFIG_FILE, model.config.to_json())
