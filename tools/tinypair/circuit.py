"""Attention heads that can copy from the first step on.

An answer takes up the names and things of its prompt. The circuit for that, one head that looks at
the token before and, a layer higher, one that finds where the present token was said and takes up
what followed it (induction heads: Olsson et al., arXiv 2209.11895), forms by itself only in far
longer trainings than an hour on two cores. So it is written into the weights at the start, held
while the layers around it settle, and left to the training afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tools.tinypair.model import Block, Model

_ANCHOR = 0
"""The direction in which all embeddings agree, which a head can look at whatever the token is."""
_ANCHOR_SIZE = 8.0
_NEAR = 8
"""The fastest turning pairs of a head, which tell one place from the next."""
_SLOW = 10
"""Pairs from this on turn so slowly that they compare what is said, not where."""
_LOOK, _MATCH, _NOTE, _COPY = 1.5, 3.0, 2.0, 8.0


class Circuit:
    """What the heads of the two lowest layers hold."""

    def __init__(self, model: Model, seed: int) -> None:
        config = model.config
        self.dim, self.size = config.dim, config.head_dim
        # A third of the heads of each layer, each with its own part of what a token is.
        self.count = max(1, config.heads // 3)
        rank = min(self.size, (self.dim - 1) // (2 * self.count))
        turns = config.rope_theta ** (-torch.arange(self.size // 2) / (self.size // 2))
        random = torch.Generator().manual_seed(seed)
        free = torch.randn(self.dim - 1, self.dim - 1, generator=random)
        basis, _ = torch.linalg.qr(free)
        basis = torch.cat((torch.zeros(self.dim - 1, 1), basis), dim=1)
        parts = basis.split(rank)
        # Directions for who was before, what is noted of it, and what is said in the end.
        self._before, self._noted = parts[: self.count], parts[self.count : 2 * self.count]
        self._said = basis[-self.count * rank :].split(rank)
        self._near = turns[:_NEAR]

    @torch.no_grad()
    def hold(self, model: Model) -> None:
        """Write the circuit into the model, again if need be."""
        model.embedding[:, _ANCHOR] = _ANCHOR_SIZE
        lower, upper = (_block(model, index) for index in range(2))
        for head in range(self.count):
            self._previous(lower, head)
            self._induction(upper, head)

    def _previous(self, block: Block, head: int) -> None:
        query, key, value, out = self._parts(block, head)
        query.zero_()
        key.zero_()
        half = self.size // 2
        query[:_NEAR, _ANCHOR] = _LOOK
        # Turned by one place, so that query and key agree where the key stands one place before.
        key[:_NEAR, _ANCHOR] = _LOOK * self._near.cos()
        key[half : half + _NEAR, _ANCHOR] = _LOOK * self._near.sin()
        _fill(value, self._before[head])
        _fill(out.T, _NOTE * self._noted[head])

    def _induction(self, block: Block, head: int) -> None:
        query, key, value, out = self._parts(block, head)
        query.zero_()
        key.zero_()
        half = self.size // 2
        slow = [*range(_SLOW, half), *range(half + _SLOW, self.size)]
        query[slow] = _MATCH * self._before[head][: len(slow)]
        key[slow] = _MATCH * self._noted[head][: len(slow)]
        _fill(value, self._said[head])
        _fill(out.T, _COPY * self._said[head])

    def _parts(self, block: Block, head: int) -> Sequence[Tensor]:
        place = slice(head * self.size, (head + 1) * self.size)
        query, key, value = (block.qkv[part * self.dim :][place] for part in range(3))
        return query, key, value, block.out[:, place]


def _fill(whole: Tensor, rows: Tensor) -> None:
    whole[: len(rows)] = rows
    whole[len(rows) :] = 0.0


def _block(model: Model, index: int) -> Block:
    block = model.blocks[index]
    assert isinstance(block, Block)
    return block
