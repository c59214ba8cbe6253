"""Muon for the matrices of the layers, AdamW for embedding and norms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from tools.tinypair.model import Model

# Quintic iterations that bring singular values near 1, each tuned to its place (Polar Express).
_STEPS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
)

PART = 128
EMBEDDING = 10.0
"""Embeddings have size one, so their steps are larger than those of the norms."""


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrix to each of a batch of wide or square ones, roughly."""
    x: Tensor = matrices / (matrices.flatten(1).norm(dim=1)[:, None, None] * 1.02 + 1e-7)
    for a, b, c in _STEPS:
        gram = x @ x.mT
        mixer = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, mixer, x, beta=a)
    return x


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal. A matrix that joins several is treated by its parts."""

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.05
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                average = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(average, group["momentum"])
                parameter.mul_(1 - group["lr"] * group["decay"])
                parameter.add_(_orthogonal_parts(update), alpha=-group["lr"])


def _orthogonal_parts(update: Tensor) -> Tensor:
    """Orthogonalise in parts along the inner side (heads, hidden units): a third of the work."""
    tall = update if update.shape[0] > update.shape[1] else update.mT
    rows, columns = tall.shape
    part = next(size for size in range(PART, 0, -1) if rows % size == 0)
    done: Tensor = orthogonal(tall.reshape(rows // part, part, columns)).reshape(rows, columns)
    done = done * (0.2 * max(part, columns) ** 0.5)
    return done if tall is update else done.mT


class Optimizers:
    """Both optimisers under one schedule."""

    def __init__(self, model: Model, lr: float) -> None:
        matrices = [parameter for parameter in model.blocks.parameters() if parameter.ndim == 2]
        rest = [parameter for parameter in model.parameters() if parameter.ndim == 1]
        self.muon = Muon(matrices, lr)
        self.adam = torch.optim.AdamW(
            [{"params": [model.embedding], "times": EMBEDDING}, {"params": rest}],
            lr=lr,
            betas=(0.9, 0.98),
            # Pieces that hardly occur keep their place instead of drifting all the same way.
            eps=1e-6,
            weight_decay=0.0,
        )
        self.lr = lr

    @property
    def _each(self) -> tuple[torch.optim.Optimizer, ...]:
        return (self.muon, self.adam)

    def step(self, scale: float) -> None:
        for optimizer in self._each:
            for group in optimizer.param_groups:
                group["lr"] = self.lr * scale * group.get("times", 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def adopt(self, older: Optimizers) -> None:
        """Keep what the other gathered for the parameters both have."""
        for mine, theirs in zip(self._each, older._each, strict=True):
            known = {id(parameter) for group in mine.param_groups for parameter in group["params"]}
            for parameter, state in theirs.state.items():
                if id(parameter) in known:
                    mine.state[parameter] = state

    def state_dict(self) -> dict[str, Any]:
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
