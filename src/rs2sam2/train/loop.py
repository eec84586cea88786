"""The training loop. It knows batches, losses, steps and files, and asks a learner for everything else.

for each epoch:  for each step: losses, gradients, AdamW;   then validation, checkpoint, weights
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rs2sam2.errors import DataError, RS2SAM2Error, UsageError
from rs2sam2.train import checkpointing, rng
from rs2sam2.train.checkpointing import detached, part, write_json
from rs2sam2.train.distributed import World, fill, gradients_shared, join, spread
from rs2sam2.train.ema import EMA
from rs2sam2.train.interrupt import Interrupt
from rs2sam2.train.journal import Journal
from rs2sam2.train.learners import learner_class
from rs2sam2.train.optimizer import MasterOptimizer
from rs2sam2.train.pictures import draw_sheet
from rs2sam2.train.precision import arithmetic, recompute, rounded
from rs2sam2.train.progress import ProgressLine, memory
from rs2sam2.train.provenance import describe_run
from rs2sam2.train.recipe import Recipe
from rs2sam2.train.resume import State, check_same, differences, without_start
from rs2sam2.train.sampling import accumulated, load, steps_per_epoch
from rs2sam2.train.schedule import always, multiple, never
from rs2sam2.train.validation import Scored, thin, validate

CHECKPOINT = "checkpoint.safetensors"
RUN = "run.json"


class TrainingStoppedError(RS2SAM2Error):
    """The run cannot go on; its last good checkpoint is intact."""

    exit_code = 4


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    output: Path
    state: State


def train(recipe: Recipe, output: Path, *, resume: bool = False) -> Result:
    """Train as the recipe says, in the folder `output`; `resume` goes on from its checkpoint, where there is one.

    Raises UsageError where `output` already holds a run and `resume` is not set, or cannot be written; TrainingStoppedError where the loss
    is no longer a number; KeyboardInterrupt or SystemExit(143) after saving, when interrupted or terminated.
    """
    with join(recipe.compute.device) as world, Interrupt() as interrupt, rng.in_fixed_order(world.device):
        return Trainer(recipe, output, world, interrupt, resume=resume).run()


class Trainer:
    """One run in one process."""

    def __init__(self, recipe: Recipe, output: Path, world: World, interrupt: Interrupt, *, resume: bool) -> None:
        self.recipe, self.output, self.world, self.interrupt = recipe, output, world, interrupt
        self.checkpoint = output / CHECKPOINT
        checkpointing.check_writable(output)
        if self.checkpoint.exists() and not resume:
            raise UsageError(f"{output} already holds a run; go on with --resume, or choose another --output")
        self.accumulate = accumulated(recipe, world)
        if recipe.compute.threads:
            torch.set_num_threads(recipe.compute.threads)
        rng.seed(recipe.seed)
        start = without_start(recipe, output / "last") if self.checkpoint.exists() else recipe
        self.learner = learner_class(recipe.learner)(start, world.device)
        self.data = self.learner.training_data()
        self.fingerprint = self.learner.fingerprint()
        self.samples = thin(self.learner.validation_data(), recipe.validation.limit)
        self.per_epoch = steps_per_epoch(len(self.data), recipe.batch)
        self.total = min(recipe.epochs * self.per_epoch, recipe.steps or math.inf)
        low = [self.learner.module] if recipe.compute.precision == "bfloat16" else self.learner.shards()
        exact = rounded(self.learner.module, low)
        if recipe.compute.channels_last:
            self.learner.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if recipe.compute.checkpointing:
            recompute(self.learner.blocks())
        self.module = spread(self.learner, world, recipe.compute.parallel)
        self.optimizer = MasterOptimizer(self.learner.groups(), recipe.optimizer, exact)
        self.frozen = {name: t for name, t in exact.items() if name not in self.optimizer.weights}
        """As it came, of what was rounded: it is kept so."""
        self.ema = None if recipe.ema is None else EMA(self.optimizer.weights, recipe.ema)
        self.state = State()
        self.line = ProgressLine(int(self.total), recipe.epochs, world.device, shown=world.first)
        if self.checkpoint.exists():
            self._restore()
        self.journal: Journal | None = None
        if world.first:
            self._open()
        self.started = self.saved = time.monotonic()
        self.saved_step = self.state.step

    # The run.

    def run(self) -> Result:
        """Train to the end. See `train`."""
        try:
            while self.state.step < self.total or not self.state.finished:
                if self.state.step < self.total:
                    self._epoch()
                ended = self.state.step >= self.total
                if self.samples and (ended or (self.state.epoch + 1) % self.recipe.validation.every == 0):
                    self._validate()
                self._write_weights("last")
                if self.state.position >= self.per_epoch:
                    self.state.epoch, self.state.position = self.state.epoch + 1, 0
                self.state.finished = ended
                self._save()
        except DataError:
            self._save_steps()
            raise
        finally:
            if self.journal is not None:
                self.journal.close()
        return Result(self.output, self.state)

    def _epoch(self) -> None:
        state, sums, count = self.state, {}, 0  # type: ignore[var-annotated]
        for batches in load(self.learner, self.data, self.recipe, self.world, state.epoch, state.position):
            losses = self._step(batches)
            state.step += 1
            state.position += 1
            sums = {name: sums.get(name, 0.0) + value for name, value in losses.items()}
            count += 1
            rates = dict(self.optimizer.rates_now())
            self.line.step(
                step=state.step, epoch=state.epoch, losses=losses, rate=max(rates.values()), items=self.recipe.batch
            )
            if self.journal is not None and (state.step % self.recipe.log.every == 0 or state.step == self.total):
                values = {name: value / count for name, value in sums.items()}
                values |= {f"rate_{name}": rate for name, rate in rates.items()}
                values["memory_gb"] = memory(self.world.device) / 1e9
                if self.line.speed is not None:
                    values["samples_per_second"] = self.line.speed
                self.journal.numbers("train", state.step, values)
                sums, count = {}, 0
            self._pause()
            if state.step >= self.total:
                break

    def _step(self, batches: Sequence[Any]) -> dict[str, float]:
        """One optimizer step over this process's micro-batches; the losses' means over all of them."""
        self.module.train()
        sums: dict[str, float] = {}
        for i, batch in enumerate(batches):
            # copies of bfloat16 weights collect after each backward pass, so each must be shared then
            last = i == len(batches) - 1 or self.optimizer.has_copies
            with gradients_shared(self.module, last):
                with arithmetic(self.recipe.compute.precision, self.world.device):
                    losses: dict[str, Tensor] = self.module(batch.to(self.world.device))
                (losses["loss_total"] / self.accumulate).backward()
            self.optimizer.collect()
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) / self.accumulate
        names = sorted(sums)
        means = dict(zip(names, self.world.mean([sums[n] for n in names]), strict=True))
        norm = self.optimizer.norm(self.recipe.optimizer.clip)
        if not math.isfinite(means["loss_total"]) or not math.isfinite(norm):
            raise TrainingStoppedError(self._not_a_number(means, norm))
        step = self.state.step
        self.optimizer.step(multiple(self.recipe.schedule, step, int(self.total), self.per_epoch, self.recipe.epochs))
        if self.ema is not None:
            self.ema.update(self.optimizer.weights)
        return {**means, "gradient_norm": norm}

    def _not_a_number(self, means: dict[str, float], norm: float) -> str:
        wrong = [name for name, value in {**means, "the gradient": norm}.items() if not math.isfinite(value)]
        kept = f"{self.checkpoint} is intact" if self.checkpoint.exists() else "nothing was saved yet"
        return (
            f"step {self.state.step + 1}: {', '.join(wrong)} is no longer a number; {kept}; go on with --resume and a lower "
            "--optimizer.lr.rest, --optimizer.clip=1 or --compute.precision=float32"
        )

    def _pause(self) -> None:
        """After a step: save where it is time, leave where it was asked."""
        due = time.monotonic() - self.saved > 60 * self.recipe.save_minutes
        said = self.world.gather((self.interrupt.signal, due))  # clocks and signals differ, but all must do the same
        wanted = max(number for number, _ in said)
        if wanted:
            self._save()
            self.line.note(f"stopped at step {self.state.step}, saved; go on with --resume")
            self.interrupt.leave(wanted)
        if any(late for _, late in said):
            self._save()

    def _save_steps(self) -> None:
        """A file of the data cannot be read: save what was learned since the last checkpoint.

        Saving takes all processes; where there are several, the others wait for this one elsewhere.
        """
        if self.world.size == 1 and self.state.step > self.saved_step:
            self._save(mended=True)
            self.line.note(f"saved at step {self.state.step}; mend the data, then go on with --resume")

    # Validation.

    def _validate(self) -> None:
        state = self.state
        if state.validated == state.step:
            return
        self.line.pause()
        self.module.eval()
        scored = validate(
            self.samples,
            self.learner.segmenter(self._weights()),
            self.world,
            pictures=self.recipe.validation.pictures,
            stopped=lambda: bool(self.interrupt.signal),
        )
        if scored is None:
            self._pause_in_validation()
            return
        state.validated, state.values = state.step, scored.values
        self._tell(scored)
        if scored.total > state.best:
            state.best, state.best_step = scored.total, state.step
            self._write_weights("best")

    def _pause_in_validation(self) -> None:
        """Some process was told to stop: all do, and the validation is made again when the run goes on."""
        signal = max(self.world.gather(self.interrupt.signal))
        self._save()
        self.line.note(f"stopped while validating at step {self.state.step}, saved; go on with --resume")
        self.interrupt.leave(signal)

    def _tell(self, scored: Scored) -> None:
        values = scored.values
        shown = ", ".join(
            f"{name} {values[name]:.4f}" for name in ("mIoU", "oIoU", "Pr@0.5", "presence") if name in values
        )
        self.line.note(f"epoch {self.state.epoch + 1} step {self.state.step} val: {shown}")
        if self.journal is not None:
            self.journal.numbers("val", self.state.step, values)
            if scored.shown:
                self.journal.picture("val", draw_sheet(scored.shown), self.state.step)

    # Files.

    def _weights(self) -> dict[str, Tensor]:
        """The module's whole state in float32: the running mean where there is one, else what was never rounded."""
        state = dict(self.learner.module.state_dict())
        state |= {name: t.to(self.world.device) for name, t in self.frozen.items()}
        mean = self.ema.mean if self.ema is not None and self.ema.updates else self.optimizer.weights
        return detached(state | {name: mean[name] for name in self.optimizer.weights})

    def _write_weights(self, name: str) -> None:
        weights = self._weights()
        failure = None
        if self.world.first:
            try:
                self.learner.save(self.output / name, weights)
            except RS2SAM2Error as error:
                failure = UsageError(f"{error}; mend that, then go on with --resume")
        self.world.agree(failure)

    def _save(self, *, mended: bool = False) -> None:
        """Save. `mended`: files of the data may change before the run goes on."""
        tensors = {f"model/{name}": t for name, t in (self.learner.module.state_dict() | self.frozen).items()}
        tensors |= {f"optimizer/{name}": t for name, t in self.optimizer.tensors().items()}
        if self.ema is not None:
            tensors |= {f"ema/{name}": t for name, t in self.ema.mean.items()}
        random_states, random_rest = rng.states()
        for rank, states in enumerate(self.world.gather(random_states)):
            tensors |= {f"rng/{rank}/{name}": t for name, t in states.items()}
        now = time.monotonic()
        self.state.seconds += now - self.started
        self.started = now
        state = {
            "state": dataclasses.asdict(self.state),
            "ema_updates": 0 if self.ema is None else self.ema.updates,
            "rng": self.world.gather(random_rest),
            "recipe": self.recipe.to_dict(),
            "items": len(self.data),
        }
        if not mended:
            state["data"] = self.fingerprint
        checkpointing.save_checkpoint(self.checkpoint, tensors, state, self.world)
        self.saved, self.saved_step = time.monotonic(), self.state.step

    def _restore(self) -> None:
        tensors, saved = checkpointing.load_checkpoint(self.checkpoint)
        check_same(self.checkpoint, saved, self.recipe, len(self.data), self.fingerprint)
        for key, before, now in differences(saved["recipe"], self.recipe.to_dict()):
            self.line.note(f"recipe changed since the checkpoint: {key} was {before}, is {now}")
        model = self.learner.module.state_dict()
        kept = part(tensors, "model")
        if set(kept) != set(model) or any(tuple(kept[n].shape) != tuple(t.shape) for n, t in model.items()):
            raise UsageError(f"{self.checkpoint} is of another model than the recipe's; choose another --output")
        kept |= part(tensors, "optimizer/master")  # of which the model's own are rounded
        for name, tensor in model.items():
            fill(tensor, kept[name])
        self.frozen = {name: kept[name].to(torch.float32, copy=True) for name in self.frozen}  # the file is let go
        self.optimizer.restore(part(tensors, "optimizer"), kept)
        if self.ema is not None:
            means = part(tensors, "ema")
            if means:
                for name, mean in self.ema.mean.items():
                    if name in means:
                        fill(mean, means[name])
                    else:  # was frozen so far: its mean starts here
                        mean.copy_(self.optimizer.weights[name].detach())
                self.ema.updates = saved["ema_updates"]
            else:  # switched on for the rest of the run: the mean starts here
                self.ema = EMA(self.optimizer.weights, self.ema.decay)
        self.state = State(**saved["state"])
        self.state.finished = self.state.finished and self.state.step >= self.total  # it may go on for longer now
        if self.world.rank < len(saved["rng"]):
            rng.restore(part(tensors, f"rng/{self.world.rank}"), saved["rng"][self.world.rank])
        self.line.note(f"going on from step {self.state.step} of {self.total}")

    def _open(self) -> None:
        """Files of the run, written by the first process."""
        checkpointing.prepare(self.output)
        counts = self.optimizer.counts()
        facts = describe_run(self.recipe, self.world, counts, self.fingerprint)
        write_json(self.output / RUN, facts | {"steps": int(self.total), "started_at_step": self.state.step})
        self.journal = Journal(self.output, self.recipe, self.state.step)
        for note in self.learner.notes:
            self.line.note(note)
        trained = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        self.line.note(f"{self.recipe.name}: {len(self.data)} items, {int(self.total)} steps; parameters: {trained}")
        for epoch in never(self.recipe.schedule, self.recipe.epochs):
            self.line.note(f"schedule: the drop at epoch {epoch} never comes in {self.recipe.epochs} epochs")
        for epoch in always(self.recipe.schedule, self.recipe.epochs):
            self.line.note(
                f"schedule: the drop at epoch {epoch} is in force from the start in {self.recipe.epochs} epochs"
            )
