"""The progress line of a run, on stderr: redrawn on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import torch

LINE_SECONDS = 30.0
"""Between two lines where stderr is no terminal."""


class ProgressLine:
    """Loss, rate, samples/s, memory and time left."""

    def __init__(self, total: int, epochs: int, device: torch.device, *, shown: bool) -> None:
        self.total, self.epochs, self.device = total, epochs, device
        self.shown = shown
        self.terminal = sys.stderr.isatty()
        self._last = 0.0
        self._width = 0
        self._steps: list[tuple[float, int]] = []  # when, items

    def step(self, *, step: int, epoch: int, losses: Mapping[str, float], rate: float, items: int) -> None:
        """After an optimizer step over `items` items."""
        now = time.monotonic()
        self._steps = [*self._steps[-50:], (now, items)]
        if not self.shown or (not self.terminal and now - self._last < LINE_SECONDS and step != self.total):
            return
        self._last = now
        speed = self.speed
        left = "" if speed is None else f", {_clock((self.total - step) * items / speed)} left"
        self._say(
            f"epoch {epoch + 1}/{self.epochs} step {step}/{self.total} loss {losses['loss_total']:.4f} rate {rate:.1e} "
            f"{'' if speed is None else f'{speed:.1f} samples/s '}{memory(self.device) / 1e9:.1f} GB{left}"
        )

    def note(self, text: str) -> None:
        """A line that stays."""
        if self.shown:
            if self.terminal and self._width:
                sys.stderr.write("\r" + " " * self._width + "\r")
                self._width = 0
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def pause(self) -> None:
        """Forget the speed so far: what comes is not training."""
        self._steps = []

    @property
    def speed(self) -> float | None:
        """Items a second over the last steps."""
        if len(self._steps) < 2 or self._steps[-1][0] <= self._steps[0][0]:
            return None
        return sum(items for _, items in self._steps[1:]) / (self._steps[-1][0] - self._steps[0][0])

    def _say(self, text: str) -> None:
        if self.terminal:
            sys.stderr.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()


def memory(device: torch.device) -> float:
    """Largest memory so far in bytes: of the GPU, or of this process."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
