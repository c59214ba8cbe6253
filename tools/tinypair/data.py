"""Packs conversations into shards: rows of tokens, the top bit marking what the assistant says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tools.tinypair.config import SEED
from tools.tinypair.text.corpus import KINDS, conversations
from tools.tinypair.text.turns import Conversation, Split
from tools.tinypair.tokenizer import Codec

Rows = NDArray[np.uint16]
SPOKEN = 0x8000
"""Set on the tokens of the assistant's turns; a vocabulary of 3072 leaves the bit free."""
LISTENED_WEIGHT = 0.1
"""What the loss of a token weighs that the assistant does not say."""
COPIED_WEIGHT = 3.0
"""What a token weighs that the assistant takes up from the prompt, a name for instance: there are
few of them, and an answer that misses them is about something else."""
COMMON = 600
"""Pieces below this are bytes and the most frequent merges, which are in any prompt."""
SEPARATOR_ID = 0
"""The tokenizer is trained with its special tokens first."""
LATE = {"code": 24, "facts": 35, "stories": 22, "tech": 15, "smalltalk": 4}
"""Facts are short, so towards the end there are more of them."""
TAUGHT = {"code": 34, "facts": 38, "stories": 4, "tech": 20, "smalltalk": 4}
"""What the draft learns: a small model cannot know everything, and what it knows of code pays most.
Of stories it knows the language and little of how they go on, as drafts of real pairs do."""
EARLY = 5
"""So many shards have the corpus's own mixture."""


def flagged(codec: Codec, conversation: Conversation) -> list[int]:
    encoded = codec.conversation(conversation)
    marked = [
        token | SPOKEN if spoken else token
        for token, spoken in zip(encoded.tokens, encoded.spoken, strict=True)
    ]
    return [*marked, codec.separator]


def pack(codec: Codec, source: Iterator[Conversation], length: int) -> Iterator[list[int]]:
    """Rows of length + 1 tokens; each begins with a conversation, the last one in it is cut."""
    while True:
        row: list[int] = []
        while len(row) <= length:
            row += flagged(codec, next(source))
        yield row[: length + 1]


def leaning(seed: int, shares: dict[str, int], split: Split = "train") -> Iterator[Conversation]:
    """Conversations with these shares of the kinds."""
    rng = Random(seed)
    sources = {kind: conversations(seed, split, kind) for kind in shares}
    while True:
        yield next(sources[rng.choices(list(shares), list(shares.values()))[0]])


def write_shard(
    codec: Codec, path: Path, source: Iterator[Conversation], rows: int, length: int
) -> None:
    packed = pack(codec, source, length)
    shard = np.array([next(packed) for _ in range(rows)], dtype=np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.save(file, shard)
    partial.rename(path)


def for_target(seed: int, late: bool) -> Iterator[Conversation]:
    return leaning(seed, LATE) if late else conversations(seed, "train")


def for_draft(seed: int, late: bool) -> Iterator[Conversation]:
    return leaning(seed, TAUGHT)


def write_shards(
    codec: Codec,
    folder: Path,
    source: Callable[[int, bool], Iterator[Conversation]],
    count: int,
    rows: int,
    length: int,
) -> None:
    """As many shards as asked for; those already there stay."""
    for number in range(count):
        path = shard_path(folder, length, number)
        if not path.exists():
            seed = SEED * 1_000_000 + length * 1_000 + number
            late = number >= EARLY or length > 512
            write_shard(codec, path, source(seed, late), rows, length)


def shard_path(folder: Path, length: int, number: int) -> Path:
    return folder / f"rows-{length}" / f"{number:04d}.npy"


def heldout_rows(codec: Codec, rows: int, length: int) -> dict[str, Rows]:
    """For each kind, rows of conversations that are never trained on."""
    packed: dict[str, Rows] = {}
    for kind in KINDS:
        source = pack(codec, conversations(SEED, "heldout", kind), length)
        packed[kind] = np.array([next(source) for _ in range(rows)], dtype=np.uint16)
    return packed


class Shards:
    """The rows of the shards in order, each read once."""

    def __init__(self, folder: Path, length: int, first: int = 0, patience: float = 600.0) -> None:
        self.folder = folder
        self.length = length
        self.patience = patience
        self.number = first
        self.row = 0
        self._open: Rows | None = None

    def state(self) -> dict[str, int]:
        return {"number": self.number, "row": self.row}

    def restore(self, state: dict[str, int]) -> None:
        self.number, self.row, self._open = state["number"], state["row"], None

    def take(self, count: int) -> Rows:
        taken: list[Rows] = []
        while count:
            shard = self._shard()
            some = shard[self.row : self.row + count]
            taken.append(some)
            self.row += len(some)
            count -= len(some)
            if self.row >= len(shard):
                self.number, self.row, self._open = self.number + 1, 0, None
        return np.concatenate(taken)

    def _shard(self) -> Rows:
        if self._open is None:
            path = shard_path(self.folder, self.length, self.number)
            waited = 0.0
            while not path.exists():
                if waited >= self.patience:
                    raise FileNotFoundError(path)
                time.sleep(1.0)
                waited += 1.0
            self._open = np.load(path)
        return self._open


def copied(rows: Rows) -> NDArray[np.bool_]:
    """Where the assistant says a piece, not a common one, that the person said before it."""
    found = np.zeros(rows.shape, dtype=np.bool_)
    for row, marks in zip(rows.tolist(), found, strict=True):
        heard: set[int] = set()
        for i, token in enumerate(row):
            if token == SEPARATOR_ID:
                heard.clear()
            elif token < SPOKEN:
                heard.add(token)
            elif token - SPOKEN in heard and token - SPOKEN >= COMMON:
                marks[i] = True
    return found


def tensors(rows: Rows) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs, what should follow each, and what each of those weighs in the loss."""
    whole: NDArray[Any] = rows.astype(np.int64)
    tokens = torch.from_numpy(whole & (SPOKEN - 1))
    spoken = torch.from_numpy((whole & SPOKEN) != 0)
    weights = torch.where(spoken[:, 1:], 1.0, LISTENED_WEIGHT)
    weights[torch.from_numpy(copied(rows))[:, 1:]] = COPIED_WEIGHT
    return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous(), weights
