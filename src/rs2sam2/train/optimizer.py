"""AdamW over a learner's groups, with float32 master copies of bfloat16 weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from rs2sam2.errors import UsageError
from rs2sam2.train.distributed import fill, whole
from rs2sam2.train.learner import Group
from rs2sam2.train.recipe import Optimizer

_TABLE = re.compile(r"embedding|positions|token|memory|no_mask|not_a_point|points\.")
"""Names of tables and tokens, which like norms and biases do not decay where `decay_all` is off."""


class MasterOptimizer:
    """Steps on float32 weights; a parameter of another dtype gets a float32 copy that it is rounded from.

    A bfloat16 weight has 8 bits of mantissa: an update of less than 1/256 of it would be lost without the copy.
    """

    def __init__(self, groups: Sequence[Group], settings: Optimizer, exact: Mapping[str, Tensor] | None = None) -> None:
        """`exact`: what parameters were before they were rounded, by name; their copies start from it.

        Raises UsageError where a rate is given for a group that does not exist."""
        unknown = sorted(set(settings.lr) - {"rest"} - {group.name for group in groups})
        if unknown:
            raise UsageError(
                f"recipe: optimizer.lr names {', '.join(unknown)}; the groups are {', '.join(g.name for g in groups)}, rest"
            )
        self.parameters: dict[str, nn.Parameter] = {}
        self.weights: dict[str, nn.Parameter] = {}
        """What is stepped: the parameter itself, or its float32 copy."""
        self.rates: dict[str, float] = {}
        self._groups: list[tuple[str, float]] = []
        listed = []
        for group in groups:
            if not group.parameters:  # all of it is frozen; its rate waits
                continue
            rate = settings.lr.get(group.name, settings.lr["rest"])
            self.rates[group.name] = rate
            for decays in (True, False):
                names = [n for n, p in group.parameters.items() if (settings.decay_all or _decays(n, p)) == decays]
                if not names:
                    continue
                for name in names:
                    parameter = group.parameters[name]
                    self.parameters[name] = parameter
                    same = parameter.dtype == torch.float32
                    self.weights[name] = parameter if same else nn.Parameter(parameter.detach().float())
                    if exact is not None and name in exact:
                        fill(self.weights[name], exact[name])
                decay = settings.weight_decay if decays else 0.0
                listed.append({"params": [self.weights[n] for n in names], "lr": rate, "weight_decay": decay})
                self._groups.append((group.name, rate))
        if not listed:
            raise UsageError("recipe: nothing is trainable; freeze less")
        self.adamw = torch.optim.AdamW(listed, betas=settings.betas, eps=settings.eps)

    @property
    def has_copies(self) -> bool:
        """Whether some weights are copies; their gradients must then be collected after every backward pass."""
        return any(self.weights[n] is not p for n, p in self.parameters.items())

    def collect(self) -> None:
        """Add the gradients of bfloat16 parameters to those of their float32 copies."""
        for name, parameter in self.parameters.items():
            weight = self.weights[name]
            if weight is not parameter and parameter.grad is not None:
                gradient = parameter.grad.float()
                weight.grad = gradient if weight.grad is None else weight.grad + gradient
                parameter.grad = None

    def norm(self, clip: float | None) -> float:
        """The whole gradient's norm; afterwards it is at most `clip`."""
        weights = [w for w in self.weights.values() if w.grad is not None]
        if not weights:
            return 0.0
        norm = whole(nn.utils.get_total_norm([w.grad for w in weights if w.grad is not None]))
        if clip is not None:
            nn.utils.clip_grads_with_norm_(weights, clip, norm)
        return float(norm)

    @torch.no_grad()
    def step(self, multiple: float) -> None:
        """One step with all rates times `multiple`; gradients are dropped."""
        for options, (_, rate) in zip(self.adamw.param_groups, self._groups, strict=True):
            options["lr"] = rate * multiple
        self.adamw.step()
        self.adamw.zero_grad(set_to_none=True)
        for name, parameter in self.parameters.items():
            if self.weights[name] is not parameter:
                parameter.copy_(self.weights[name])
                parameter.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs, by name; sharded tensors as they are."""
        out: dict[str, Tensor] = {}
        for name, weight in self.weights.items():
            if weight is not self.parameters[name]:
                out[f"master/{name}"] = weight.detach()
            for key, value in self.adamw.state.get(weight, {}).items():
                out[f"adamw/{key}/{name}"] = value
        return out

    @torch.no_grad()
    def restore(self, saved: Mapping[str, Tensor], exact: Mapping[str, Tensor]) -> None:
        """Inverse of `tensors`. `exact`: all weights as exactly as they were saved, by name."""
        for name, weight in self.weights.items():
            fill(weight, exact[name])
            for key in ("step", "exp_avg", "exp_avg_sq"):
                value = saved.get(f"adamw/{key}/{name}")
                if value is not None:  # a parameter without a gradient so far has no state
                    state = self.adamw.state[weight]
                    state[key] = value.clone() if key == "step" else torch.zeros_like(weight)
                    if key != "step":
                        fill(state[key], value)

    def counts(self) -> dict[str, int]:
        """Numbers of trainable parameters, by group."""
        out = dict.fromkeys(self.rates, 0)
        for options, (name, _) in zip(self.adamw.param_groups, self._groups, strict=True):
            out[name] += sum(p.numel() for p in options["params"])
        return out

    def rates_now(self) -> Iterator[tuple[str, float]]:
        """Group and its learning rate in the last step."""
        seen = dict(zip((n for n, _ in self._groups), (o["lr"] for o in self.adamw.param_groups), strict=True))
        yield from seen.items()


def _decays(name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim > 1 and not _TABLE.search(name)
