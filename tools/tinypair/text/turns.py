"""What every kind of text is made of: messages, conversations, and the request for one."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

Role = Literal["system", "user", "assistant"]
Split = Literal["train", "heldout"]
Exchange = tuple[str, str]
"""One user prompt and the answer to it."""


@dataclass(frozen=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True)
class Conversation:
    kind: str
    messages: list[Message]


@dataclass(frozen=True)
class Request:
    """What a kind is asked for: how many exchanges at most, and whether to be brief."""

    rng: Random
    turns: int = 1
    brief: bool = False

    def pick(self, options: tuple[str, ...] | list[str]) -> str:
        return options[int(self.rng.random() * len(options))]

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability
