"""Which parameter belongs to which part of the figure: what recipes freeze, and what shares a learning rate."""

from __future__ import annotations

import re

COMPONENTS = {
    "adapters": r"trunk\.text_adapters\.|trunk\..*\.(text|mlp)_adapter\.",
    "gate": r"text_gate\.",
    "mask_prompt": r"mask_prompt\.",
    "stem": r"trunk\.(stem|groups\.[01]|patch_embedding|position_embedding|window_embedding)\b",
    "trunk": r"trunk\.",
    "neck": r"neck\.|no_memory$",
    "text": r"beit3\.",
    "heads": r"(sparse_projection|text_projection|text_weight)\.",
    "decoder": r"(mask_decoder|prompt_encoder)\.",
}
"""Component -> pattern of its parameters' names; the first that fits counts. `trunk` is what stem and adapters leave."""

GROUPS = {
    "fusion": ("adapters", "gate", "mask_prompt"),
    "trunk": ("stem", "trunk", "neck"),
    "text": ("text",),
    "rest": ("heads", "decoder"),
}
"""Groups of the learning rates. The released scripts have two rates: one for `fusion`, one for all else."""

RELEASED_FREEZE = ("stem", "trunk", "neck")
"""What the released scripts do not train: Hiera but for its adapters, the neck and SAM2's no-memory embedding."""

_PATTERNS = {name: re.compile(pattern) for name, pattern in COMPONENTS.items()}
_GROUP_OF = {component: group for group, components in GROUPS.items() for component in components}


def component(name: str) -> str:
    """The component of a parameter of `RS2SAM2` or of the learner's module (which puts `model.` before it)."""
    name = name.removeprefix("model.")
    return next(key for key, pattern in _PATTERNS.items() if pattern.match(name))


def group(name: str) -> str:
    """The group of a parameter, likewise."""
    return _GROUP_OF[component(name)]
