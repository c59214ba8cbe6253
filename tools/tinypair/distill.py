"""Teaches the draft: the target answers training prompts, and the draft learns its odds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from tools.tinypair.config import SEED
from tools.tinypair.data import TAUGHT, Shards, leaning, tensors
from tools.tinypair.generate import KEPT, Answer, answer
from tools.tinypair.model import Model
from tools.tinypair.optim import Optimizers
from tools.tinypair.text.turns import Split
from tools.tinypair.tokenizer import Codec

Log = Callable[[str], None]
LESSON_BATCH = 192
READ_BATCH = 8
LENGTHS = (64, 128, 192, 256, 384, 512, 768)
"""Answers are trained on in rows of the shortest of these that holds them."""


@dataclass(frozen=True)
class Plan:
    answers: int
    steps: int
    readings: int = 896
    """So many rows of the text the target reads."""
    tokens: int = 1536
    """About how many tokens of answers are in one step."""
    rows: int = 9
    """So many rows that it read are in a step as well."""
    long_rows: int = 0
    """So many long rows of the text are in a step, so that far positions do not fall off."""
    lr: float = 0.006
    hard: float = 0.3
    """The share of the loss that asks for the said token; the rest asks for the target's odds."""


def prompts(codec: Codec, seed: int, split: Split, count: int) -> Iterator[tuple[str, list[int]]]:
    """So many prompts with their kinds, each up to one of the assistant's turns."""
    rng = random.Random(seed)
    source = leaning(seed, TAUGHT, split)
    for _ in range(count):
        conversation = next(source)
        turns = [
            place
            for place, message in enumerate(conversation.messages)
            if message.role == "assistant"
        ]
        yield conversation.kind, codec.prompt(conversation.messages[: rng.choice(turns)])


def write_lessons(
    target: Model, codec: Codec, folder: Path, count: int, log: Log, seconds: float
) -> None:
    """Let the target answer, half greedily, and keep its odds; stop early when time is over."""
    folder.mkdir(parents=True, exist_ok=True)
    chunk, began = LESSON_BATCH * 8, time.monotonic()
    for number in range(-(-count // chunk)):
        path = folder / f"{number:03d}.pt"
        if path.exists():
            continue
        if time.monotonic() - began > seconds:
            break
        asked = list(prompts(codec, SEED + 5_000 + number, "train", chunk))
        asked.sort(key=lambda each: (each[0], len(each[1])))
        answers: list[Answer] = []
        for start in range(0, chunk, LESSON_BATCH):
            some = [prompt for _, prompt in asked[start : start + LESSON_BATCH]]
            generator = torch.Generator().manual_seed(SEED + number * chunk + start)
            warmth = 0.0 if (start // LESSON_BATCH + number) % 2 == 0 else 0.8
            answers += answer(target, some, codec.end, 320, warmth, generator)
        torch.save([(a.prompt, a.said, a.likely.short(), a.logprobs.half()) for a in answers], path)
        said = sum(len(a.said) for a in answers)
        log(f"lesson {number}: {said} tokens, {time.monotonic() - began:.0f} s in all")


@dataclass(frozen=True)
class Readings:
    """Rows of the text, and at each place the target's likeliest tokens with their odds."""

    tokens: Tensor
    weights: Tensor
    likely: Tensor
    logprobs: Tensor

    def sample(self, rows: int, generator: torch.Generator) -> Readings:
        some = torch.randint(len(self.tokens), (rows,), generator=generator)
        return Readings(
            self.tokens[some], self.weights[some], self.likely[some], self.logprobs[some]
        )


@torch.inference_mode()
def read_text(target: Model, text: Shards, rows: int, log: Log) -> Readings:
    """Let the target read the text, which is much faster than letting it write."""
    parts: list[tuple[Tensor, ...]] = []
    for _ in range(rows // READ_BATCH):
        tokens, _, weights = tensors(text.take(READ_BATCH))
        best, which = functional.log_softmax(target(tokens), dim=-1).topk(KEPT, dim=-1)
        parts.append((tokens, weights, which.short(), best.half()))
        if len(parts) % 16 == 0:
            log(f"read {len(parts) * READ_BATCH} rows")
    return Readings(*(torch.cat(part) for part in zip(*parts, strict=True)))


def reading_loss(model: Model, given: Readings) -> Tensor:
    logprobs = functional.log_softmax(model(given.tokens), dim=-1)
    odds = functional.softmax(given.logprobs.float(), dim=-1)
    each = -(odds * logprobs.gather(-1, given.likely.long())).sum(-1)
    return (each * given.weights).sum() / given.weights.sum()


def read_lessons(folder: Path) -> list[Answer]:
    return [
        Answer(prompt, said, likely, logprobs)
        for path in sorted(folder.glob("*.pt"))
        for prompt, said, likely, logprobs in torch.load(path, weights_only=True)
    ]


@dataclass(frozen=True)
class Lesson:
    """A batch: tokens, which places speak, the target's likeliest tokens there and their odds."""

    tokens: Tensor
    said: Tensor
    speaks: Tensor
    likely: Tensor
    odds: Tensor


def lesson(answers: list[Answer], length: int) -> Lesson:
    shape = (len(answers), length)
    tokens, said = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    speaks = torch.zeros(shape)
    likely = torch.zeros((*shape, KEPT), dtype=torch.long)
    logprobs = torch.zeros((*shape, KEPT))
    for row, each in enumerate(answers):
        whole = torch.tensor(each.prompt + each.said[:-1])
        first = len(each.prompt) - 1
        last = first + len(each.said)
        tokens[row, : len(whole)] = whole
        said[row, first:last] = torch.tensor(each.said)
        speaks[row, first:last] = 1.0
        likely[row, first:last] = each.likely.long()
        logprobs[row, first:last] = each.logprobs.float()
    return Lesson(tokens, said, speaks, likely, functional.softmax(logprobs, dim=-1))


def lessons(answers: list[Answer], plan: Plan) -> Iterator[Lesson]:
    """Batches of answers of like length, shuffled, for ever."""
    rng = random.Random(SEED)
    shelves: dict[int, list[Answer]] = {length: [] for length in LENGTHS}
    for each in answers:
        size = len(each.prompt) + len(each.said) - 1
        fitting = next((length for length in LENGTHS if size <= length), None)
        if fitting is not None:
            shelves[fitting].append(each)
    while True:
        batches: list[tuple[int, list[Answer]]] = []
        for length, shelf in shelves.items():
            rng.shuffle(shelf)
            rows = max(1, plan.tokens // length)
            batches += [
                (length, shelf[start : start + rows])
                for start in range(0, len(shelf) - rows + 1, rows)
            ]
        rng.shuffle(batches)
        for length, batch in batches:
            yield lesson(batch, length)


def lesson_loss(model: Model, given: Lesson, hard: float) -> tuple[Tensor, float]:
    """Loss on what the target said, and how often the draft's first choice is the target's."""
    spoken = given.speaks.bool()
    logprobs = functional.log_softmax(model.logits(model.hidden(given.tokens)[spoken]), dim=-1)
    likely, odds, said = given.likely[spoken], given.odds[spoken], given.said[spoken]
    soft = -(odds * logprobs.gather(1, likely)).sum(-1).mean()
    sharp = functional.nll_loss(logprobs, said)
    agreed = (logprobs.argmax(-1) == likely[:, 0]).float().mean().item()
    return (1 - hard) * soft + hard * sharp, agreed


def train(
    model: Model,
    answers: list[Answer],
    readings: Readings,
    long: Shards,
    plan: Plan,
    log: Log,
    save: Callable[[], None],
) -> None:
    optimizers = Optimizers(model, plan.lr)
    source = lessons(answers, plan)
    generator = torch.Generator().manual_seed(SEED)
    began, total, agreed = time.monotonic(), 0.0, 0.0
    for step in range(plan.steps):
        loss, agreement = lesson_loss(model, next(source), plan.hard)
        read = reading_loss(model, readings.sample(plan.rows, generator))
        far = model.loss(*tensors(long.take(plan.long_rows))) if plan.long_rows else 0.0
        (loss + read + far).backward()  # type: ignore[no-untyped-call]
        optimizers.step(min(1.0, (step + 1) / 20, (plan.steps - step) / (0.6 * plan.steps)))
        total, agreed = total + loss.item(), agreed + agreement
        if (step + 1) % 50 == 0:
            log(
                f"distil {step + 1}/{plan.steps} loss {total / 50:.4f} agreement {agreed / 50:.4f} "
                f"read {read.item():.4f} {time.monotonic() - began:.0f} s"
            )
            total, agreed = 0.0, 0.0
            save()
