"""Trains a model on the shards, in phases of growing depth, at a rate that holds and then falls."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tools.tinypair.circuit import Circuit
from tools.tinypair.config import SEED, ModelConfig
from tools.tinypair.data import Rows, Shards, tensors
from tools.tinypair.model import Model
from tools.tinypair.optim import Optimizers


@dataclass(frozen=True)
class Phase:
    """So many steps at one depth and one row length."""

    steps: int
    layers: int
    rows: int
    length: int = 512


@dataclass(frozen=True)
class Plan:
    config: ModelConfig
    phases: Sequence[Phase]
    lr: float
    warmup: int = 40
    decay: float = 0.35
    """The last part of all steps, in which the rate falls."""
    held: int = 0
    """So many steps keep the copying circuit as it was written."""

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    def phase(self, step: int) -> Phase:
        for phase in self.phases:
            if step < phase.steps:
                return phase
            step -= phase.steps
        return self.phases[-1]

    def rate(self, step: int) -> float:
        falling = (self.steps - step) / (self.decay * self.steps)
        return min(1.0, (step + 1) / self.warmup, falling)


class Trainer:
    """One model's training, saved now and then and taken up again where it was."""

    def __init__(
        self,
        plan: Plan,
        shards: Path,
        checkpoint: Path,
        heldout: dict[str, Rows],
        log: Callable[[str], None],
    ) -> None:
        torch.manual_seed(SEED)
        self.plan = plan
        self.checkpoint = checkpoint
        self.heldout = heldout
        self.log = log
        self.step = 0
        self.model = Model(plan.config, plan.phase(0).layers)
        self.circuit = Circuit(self.model, SEED)
        self.circuit.hold(self.model)
        self.optimizers = Optimizers(self.model, plan.lr)
        self.shards = {phase.length: Shards(shards, phase.length) for phase in plan.phases}
        self._loss = torch.compile(self.model.loss, dynamic=False)
        self._stop = False
        if checkpoint.exists():
            self._resume()

    def run(self, save_every: int = 100, measure_every: int = 200) -> Model:
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_stop", True))
        began, seen, total = time.monotonic(), 0, 0.0
        while self.step < self.plan.steps and not self._stop:
            phase = self.plan.phase(self.step)
            if len(self.model.blocks) < phase.layers:
                self._grow(phase.layers)
            total += self._train(phase)
            self.step += 1
            seen += phase.rows * phase.length
            if self.step % 10 == 0:
                rate = seen / (time.monotonic() - began)
                self.log(
                    f"step {self.step}/{self.plan.steps} loss {total / 10:.4f} {rate:.0f} tokens/s"
                )
                total, seen, began = 0.0, 0, time.monotonic()
            if self.step % save_every == 0 or self.step == self.plan.steps:
                self.save()
            if self.step % measure_every == 0 or self.step == self.plan.steps:
                self.log(f"held-out {format_losses(measure(self.model, self.heldout))}")
                began, seen, total = time.monotonic(), 0, 0.0
        self.save()
        return self.model

    def _train(self, phase: Phase) -> float:
        rows = self.shards[phase.length].take(phase.rows)
        loss: Tensor = self._loss(*tensors(rows))
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizers.step(self.plan.rate(self.step))
        if self.step < self.plan.held:
            self.circuit.hold(self.model)
        return loss.item()

    def _grow(self, layers: int) -> None:
        self.model.grow(layers)
        older, self.optimizers = self.optimizers, Optimizers(self.model, self.plan.lr)
        self.optimizers.adopt(older)
        self._loss = torch.compile(self.model.loss, dynamic=False)
        self.log(f"step {self.step}: {layers} layers")

    def save(self) -> None:
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "step": self.step,
            "layers": len(self.model.blocks),
            "model": self.model.state_dict(),
            "optimizers": self.optimizers.state_dict(),
            "shards": {length: shards.state() for length, shards in self.shards.items()},
        }
        partial = self.checkpoint.with_suffix(".part")
        torch.save(state, partial)
        partial.rename(self.checkpoint)

    def _resume(self) -> None:
        state: dict[str, Any] = torch.load(self.checkpoint, weights_only=True)
        self.step = state["step"]
        self.model = Model(self.plan.config, state["layers"])
        self.model.load_state_dict(state["model"])
        self.optimizers = Optimizers(self.model, self.plan.lr)
        self.optimizers.load_state_dict(state["optimizers"])
        for length, place in state["shards"].items():
            if length in self.shards:
                self.shards[length].restore(place)
        self._loss = torch.compile(self.model.loss, dynamic=False)
        self.log(f"resumed at step {self.step}")


def load(config: ModelConfig, checkpoint: Path) -> Model:
    state = torch.load(checkpoint, weights_only=True)
    model = Model(config, state["layers"])
    model.load_state_dict(state["model"])
    return model.eval()


@torch.no_grad()
def measure(model: Model, heldout: dict[str, Rows]) -> dict[str, float]:
    """Held-out loss of the assistant's tokens, by kind."""
    losses: dict[str, float] = {}
    for kind, rows in heldout.items():
        tokens, following, weights = tensors(rows)
        losses[kind] = model.loss(tokens, following, torch.where(weights >= 1.0, 1.0, 0.0)).item()
    return losses


def format_losses(losses: dict[str, float]) -> str:
    mean = sum(losses.values()) / len(losses)
    return " ".join(f"{kind} {loss:.4f}" for kind, loss in losses.items()) + f" mean {mean:.4f}"
