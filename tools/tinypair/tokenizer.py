"""A byte-level BPE split like llama.cpp's `smollm`: single digits, then the GPT-2 pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tools.tinypair.config import SEPARATOR, SPECIALS, TURN_END, TURN_START, VOCABULARY
from tools.tinypair.text.turns import Conversation, Message


def train(texts: Iterable[str]) -> Tokenizer:
    """Learn the pieces; every byte is one of them, so no input is out of reach."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() != VOCABULARY:
        raise ValueError(f"the text yields only {tokenizer.get_vocab_size()} pieces")
    return tokenizer


def texts(conversations: Iterator[Conversation], count: int) -> Iterator[str]:
    """The message bodies of so many conversations."""
    for _ in range(count):
        for message in next(conversations).messages:
            yield message.content


@dataclass(frozen=True)
class Encoded:
    """A conversation as tokens, and which of them the assistant says, ends of turns included."""

    tokens: list[int]
    spoken: list[bool]


class Codec:
    """Conversations to tokens in ChatML, and back."""

    def __init__(self, path: Path) -> None:
        self.tokenizer: Tokenizer = Tokenizer.from_file(str(path))

    @cached_property
    def separator(self) -> int:
        return self._special(SEPARATOR)

    @cached_property
    def end(self) -> int:
        return self._special(TURN_END)

    @cached_property
    def _start(self) -> int:
        return self._special(TURN_START)

    @cached_property
    def _newline(self) -> list[int]:
        return self.encode("\n")

    def _special(self, token: str) -> int:
        number = self.tokenizer.token_to_id(token)
        if number is None:
            raise ValueError(f"the tokenizer lacks {token}")
        return int(number)

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text).ids)

    def decode(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=False))

    def prompt(self, messages: list[Message]) -> list[int]:
        """The messages and the opening of the assistant's turn."""
        tokens: list[int] = []
        for message in messages:
            tokens += [*self._turn(message), self.end, *self._newline]
        return [*tokens, self._start, *self.encode("assistant\n")]

    def conversation(self, conversation: Conversation) -> Encoded:
        tokens: list[int] = []
        spoken: list[bool] = []
        for message in conversation.messages:
            head = 1 + len(self.encode(message.role + "\n"))
            turn = [*self._turn(message), self.end]
            tokens += [*turn, *self._newline]
            spoken += [False] * head + [message.role == "assistant"] * (len(turn) - head)
            spoken += [False] * len(self._newline)
        return Encoded(tokens, spoken)

    def _turn(self, message: Message) -> list[int]:
        """Role and content are split as one text, as a chat template's output is."""
        return [self._start, *self.encode(f"{message.role}\n{message.content}")]
