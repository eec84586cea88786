"""Open a checkpoint, in whatever container it comes, without running anything that is in it.

A `Source` names its tensors and reads them one at a time, by memory map where the container allows.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rs2sam2.checkpoint.mapped import MappedSafetensors
from rs2sam2.errors import WeightsError
from rs2sam2.expected import expected

FOLDER_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""What a folder is opened by, in transformers' order: an index may be left over from another download."""
TORCH_MAGIC = (b"PK\x03\x04", b"\x80")
"""How a zip file starts, and a pickle of any protocol that torch ever wrote."""
TORCH_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt")
WEIGHT_SUFFIXES = (".safetensors", *TORCH_SUFFIXES)
_FORBIDDEN = re.compile(r"(?:GLOBAL|unrecognized function|unsupported class) ([\w.]+)")
"""In torch's message about a pickle that asks for more than tensors: what it asks for."""


class Source(Mapping[str, Tensor]):
    """Tensors by name, read when asked for."""

    def __init__(
        self,
        description: str,
        readers: dict[str, Callable[[], Tensor]],
        metadata: dict[str, str],
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.description = description
        self.metadata = metadata
        self.release = release  # let go of the file's pages that were read so far
        self._readers = readers

    def __getitem__(self, name: str) -> Tensor:
        return self._readers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    def __contains__(self, name: object) -> bool:
        return name in self._readers

    def strip(self, prefix: str) -> Source:
        """The same with `prefix` removed from the names that have it."""
        readers = {name.removeprefix(prefix): reader for name, reader in self._readers.items()}
        if len(readers) < len(self._readers):
            raise WeightsError(f"{self.description}: some names exist both with and without the prefix {prefix!r}")
        return Source(self.description, readers, self.metadata, self.release)


def open_source(path: Path) -> Source:
    """A checkpoint file, or a folder with one file or an index of shards. Raises WeightsError."""
    if path.is_file():
        return _open_index(path) if path.name.endswith(".index.json") else _open_file(path)
    if not path.is_dir():
        raise WeightsError(f"no weights at {path}; expected a checkpoint file or a folder with one")
    for name in FOLDER_FILES:
        if (path / name).is_file():
            return open_source(path / name)
    if list(path.glob("**/*zero_pp_rank*")):
        raise WeightsError(
            f"{path} holds DeepSpeed ZeRO shards; merge them first (python zero_to_fp32.py . pytorch_model.bin) and import that file"
        )
    if any(path.glob("*.onnx")):
        raise _exported(path)
    found = ", ".join(sorted(p.name for p in path.iterdir())[:8]) or "nothing"
    raise WeightsError(f"no weights in {path}: expected one of {', '.join(FOLDER_FILES)}, found {found}")


def _open_index(index: Path) -> Source:
    try:
        shards = json.loads(index.read_text())["weight_map"]
        names = {str(tensor): str(file) for tensor, file in shards.items()}
    except (ValueError, KeyError, AttributeError, TypeError):
        raise WeightsError(f"{index} is not an index of shards (JSON with a weight_map)") from None
    files = sorted(set(names.values()))
    unsafe = [file for file in files if Path(file).name != file]
    if unsafe:
        raise WeightsError(f"{index} points outside its folder ({unsafe[0]!r}); refused")
    missing = [file for file in files if not (index.parent / file).is_file()]
    if missing:
        raise WeightsError(
            f"{index.parent} lacks {len(missing)} of {len(files)} shards: {', '.join(missing[:4])}; download them again"
        )
    opened = {file: _open_file(index.parent / file) for file in files}
    absent = [tensor for tensor, file in names.items() if tensor not in opened[file]]
    if absent:
        raise WeightsError(
            f"{index} lists {absent[0]} in {names[absent[0]]}, which does not hold it; download the shards again"
        )
    # What a shard holds beyond the index is passed on, so that it is used, dropped for a reason or called unknown.
    readers = {tensor: reader for source in opened.values() for tensor, reader in source._readers.items()}
    readers |= {tensor: opened[file]._readers[tensor] for tensor, file in names.items()}

    def release() -> None:
        for source in opened.values():
            source.release()

    return Source(str(index.parent), readers, {}, release)


def _open_file(path: Path) -> Source:
    """By its first bytes, whatever it is called; by its name where they say nothing: it is damaged, then."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({_one_line(error)})") from None
    if head[5:] == b"\0\0\0{" or path.suffix == ".safetensors":  # a header's length in 8 bytes, and the header
        return _open_safetensors(path)
    if head.startswith(TORCH_MAGIC) or path.suffix in TORCH_SUFFIXES:
        return _open_torch(path)
    if path.suffix == ".onnx":
        raise _exported(path)
    raise WeightsError(
        f"{path}: unknown kind of checkpoint; expected one of safetensors or of torch ({', '.join(TORCH_SUFFIXES)})"
    )


def _exported(path: Path) -> WeightsError:
    return WeightsError(f"{path} is an exported model: 'segment' and 'bench' run it, with --backend onnxruntime")


def _open_safetensors(path: Path) -> Source:
    from safetensors import SafetensorError, safe_open

    try:
        file = safe_open(path, framework="pt")
        names, metadata = list(file.keys()), file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} is truncated or not a safetensors file ({_one_line(error)}); download it again"
        ) from None
    mapped = MappedSafetensors(path)
    readers = {name: _reader(mapped.tensor if name in mapped else file.get_tensor, name) for name in names}
    return Source(str(path), readers, metadata, mapped.release)


def _open_torch(path: Path) -> Source:
    try:
        content = _load_torch(path)
    except pickle.UnpicklingError as error:
        if asked := _FORBIDDEN.search(str(error)):
            raise WeightsError(
                f"{path} would run code when loaded (it asks for {asked[1]}); refused: ask for safetensors"
            ) from None
        raise _damaged(path, error) from None
    except Exception as error:  # of any kind: torch's readers trust what a file says of itself
        raise _damaged(path, error) from None
    # {"model": {...}} of SAM2 and BEiT-3, {"module": {...}} and {"state_dict": {...}} of training frameworks
    for wrapper in ("model", "module", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise WeightsError(f"{path} does not hold a table of named tensors")
    return Source(str(path), {str(name): _reader(content.__getitem__, name) for name in content}, {})


def _load_torch(path: Path) -> Any:
    import zipfile

    with expected(UserWarning):  # about pickle protocols; what is not plain is refused anyway
        # Files in torch's old format cannot be mapped; they are read whole.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))


def _damaged(path: Path, error: Exception) -> WeightsError:
    said = "its pickle is damaged" if isinstance(error, pickle.UnpicklingError | KeyError) else _one_line(error)
    return WeightsError(f"{path} is truncated or not a torch checkpoint ({said}); download it again")


def _reader(get: Callable[[Any], Tensor], name: Any) -> Callable[[], Tensor]:
    return lambda: get(name)


def _one_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
