"""Dataclasses from plain containers, strictly: every key known, every value of its field's type."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal, get_args, get_origin

from rs2sam2.errors import UsageError


def require(condition: bool, message: str) -> None:
    """Raise UsageError where a recipe is not as it must be."""
    if not condition:
        raise UsageError(f"recipe: {message}")


def build(kind: type[Any], data: Any, prefix: str) -> Any:
    """Dataclass `kind` from a dict; missing keys take their defaults. Raises UsageError naming the key."""
    name = prefix.rstrip(".") or "the recipe"
    require(isinstance(data, dict), f"{name} must be a list of 'key: value', got {data!r}")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind) if f.init}
    unknown = [str(key) for key in data if key not in fields]
    require(
        not unknown, f"unknown {', '.join(prefix + k for k in unknown)}; known: {', '.join(prefix + k for k in fields)}"
    )
    required = [
        f.name
        for f in fields.values()
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and f.name not in data
    ]
    require(
        not required,
        f"missing {', '.join(prefix + k for k in required)}; set it in the file or with --{prefix}{(required or [''])[0]}=...",
    )
    return kind(**{key: _value(hints[key], value, prefix + key) for key, value in data.items()})


def _value(kind: Any, value: Any, name: str) -> Any:
    """`value` as the type `kind`; a number in text ("5e-5", which YAML 1.1 does not take for one) becomes a number."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None:
            require(type(None) in parts, f"{name} must not be null")
            return None
        return _value(next(p for p in parts if p is not type(None)), value, name)
    if dataclasses.is_dataclass(kind):
        return build(typing.cast(type[Any], kind), {} if value is None else value, f"{name}.")
    if origin is Literal:
        require(value in parts, f"{name} {value!r} must be one of {', '.join(map(repr, parts))}")
        return value
    if origin is tuple:
        require(isinstance(value, list | tuple), f"{name} must be a list, got {value!r}")
        kinds = [parts[0]] * len(value) if parts[-1] is Ellipsis else list(parts)
        require(len(kinds) == len(value), f"{name} must have {len(kinds)} entries, got {value!r}")
        return tuple(_value(k, v, name) for k, v in zip(kinds, value, strict=True))
    if origin is dict:
        require(isinstance(value, dict), f"{name} must be a list of 'key: value', got {value!r}")
        return {str(k): _value(parts[1], v, f"{name}.{k}") for k, v in value.items()}
    if kind is float:
        try:
            require(not isinstance(value, bool), f"{name} must be a number, got {value!r}")
            return float(value)
        except (TypeError, ValueError):
            raise UsageError(f"recipe: {name} must be a number, got {value!r}") from None
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)  # a folder may be called 2024
    require(type(value) is kind, f"{name} must be of type {kind.__name__}, got {value!r}")
    return value


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with entries replaced, nested ones too; an entry of another `kind` is replaced whole."""
    out = dict(base)
    for key, value in changes.items():
        old = out.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and value.get("kind", old.get("kind")) == old.get("kind"):
            value = merged(old, value)
        out[key] = value
    return out


def plain(value: Any) -> Any:
    """Dataclasses as dicts, tuples as lists: ready for JSON and YAML."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value
