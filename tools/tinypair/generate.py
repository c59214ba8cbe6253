"""Lets a model answer in batches, with a cache, and keeps what it thought likely at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tools.tinypair.model import Block, Model

KEPT = 16
"""How many of the likeliest tokens are kept for each position."""

STILL_GOING = 0.8
"""The batch is made smaller when less than this share of it is unfinished."""


@dataclass(frozen=True)
class Answer:
    """A prompt, what was said to it, and at each said token the likeliest ones with their odds."""

    prompt: list[int]
    said: list[int]
    likely: Tensor
    logprobs: Tensor


class Batch:
    """Answers under way; prompts are padded on the left, so all are written at the same place."""

    def __init__(self, model: Model, prompts: Sequence[list[int]], room: int) -> None:
        self.model = model
        longest = max(len(prompt) for prompt in prompts)
        total = longest + room
        padding = torch.tensor([longest - len(prompt) for prompt in prompts])
        self.tokens = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
        config = model.config
        shape = (len(prompts), config.heads, total, config.head_dim)
        self.keys = [torch.zeros(shape) for _ in model.blocks]
        self.values = [torch.zeros(shape) for _ in model.blocks]
        self.padding = padding
        self.used = 0

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits after the last of the given tokens, one column of the batch or many."""
        length = tokens.shape[1]
        places = torch.arange(self.used, self.used + length)
        positions = (places[None, :] - self.padding[:, None]).clamp(min=0)
        cos, sin = self.model.cos[positions][:, None], self.model.sin[positions][:, None]
        seen = torch.arange(self.used + length)
        visible = (seen[None, None, :] <= places[None, :, None]) & (
            seen[None, None, :] >= self.padding[:, None, None]
        )
        visible = visible | (seen[None, None, :] == places[None, :, None])
        x = functional.embedding(tokens, self.model.embedding)
        for index, block in enumerate(self.model.blocks):
            assert isinstance(block, Block)
            query, key, value = block.project(x, cos, sin)
            self.keys[index][:, :, self.used : self.used + length] = key
            self.values[index][:, :, self.used : self.used + length] = value
            mixed = functional.scaled_dot_product_attention(
                query,
                self.keys[index][:, :, : self.used + length],
                self.values[index][:, :, : self.used + length],
                attn_mask=visible[:, None],
            )
            x = block.finish(x, mixed)
        self.used += length
        return self.model.logits(x[:, -1])

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only."""
        self.keys = [each[rows] for each in self.keys]
        self.values = [each[rows] for each in self.values]
        self.padding = self.padding[rows]


@torch.inference_mode()
def answer(
    model: Model,
    prompts: Sequence[list[int]],
    end: int,
    room: int,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
) -> list[Answer]:
    """Answer all prompts, greedily at temperature 0. Finished rows leave once they are many."""
    batch = Batch(model, prompts, room)
    count = len(prompts)
    said = torch.full((count, room), end)
    likely = torch.zeros((count, room, KEPT), dtype=torch.long)
    logprobs = torch.zeros((count, room, KEPT))
    done = torch.zeros(count, dtype=torch.bool)
    rows = torch.arange(count)
    logits = batch.forward(batch.tokens)
    for step in range(room):
        best, which = functional.log_softmax(logits, dim=-1).topk(KEPT, dim=-1)
        chosen = which[:, :1]
        if temperature > 0:
            spread = functional.softmax(best / temperature, dim=-1)
            chosen = which.gather(1, torch.multinomial(spread, 1, generator=generator))
        said[rows, step], likely[rows, step], logprobs[rows, step] = chosen[:, 0], which, best
        done[rows] |= chosen[:, 0] == end
        going = ~done[rows]
        if not going.any():
            break
        if going.float().mean() < STILL_GOING:
            batch.keep(going)
            rows, chosen = rows[going], chosen[going]
        if step + 1 < room:
            logits = batch.forward(chosen)
    answers: list[Answer] = []
    for index, prompt in enumerate(prompts):
        ends = (said[index] == end).nonzero()
        size = int(ends[0]) + 1 if len(ends) else room
        answers.append(
            Answer(
                prompt,
                said[index, :size].tolist(),
                likely[index, :size].clone(),
                logprobs[index, :size].clone(),
            )
        )
    return answers
