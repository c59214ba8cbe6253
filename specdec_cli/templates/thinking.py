"""Separates what a model thinks from its answer, by the marks of its family.

Most families put thoughts between two tags, as texts or as control tokens. gpt-oss writes messages,
each into a channel: what goes into the channel ``final`` is the answer, and all else is thought
(OpenAI, *Harmony response format*).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from specdec_cli.core.events import TextPart

Piece = tuple[TextPart, str]

_THINK = ("<think>", "</think>")
_OTHERS = (
    ("[THINK]", "[/THINK]"),  # Mistral
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("◁think▷", "◁/think▷"),  # Kimi
)
_HARMONY = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|constrain|>")
_HEADER = re.compile(
    r"\s*(?:<\|start\|>assistant)?\s*<\|channel\|>\s*(\w*)(?:(?!<\|message\|>).){0,200}<\|message\|>",
    re.DOTALL,
)
_HEADERS = ("<|start|>assistant<|channel|>", "<|channel|>")
_LONGEST_HEADER = 256
_FINAL = "final"
_SEEN = 12
"""Last tokens of a prompt that may open a thinking block."""


class MarkVocabulary(Protocol):
    """What is asked of a vocabulary."""

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]: ...

    def piece(self, token: int) -> bytes: ...

    def text(self, token: int) -> str: ...


@dataclass(frozen=True, slots=True)
class ThinkingFormat:
    """How a model marks its thoughts.

    Args:
        pairs: what opens and closes a block.
        harmony: it writes into channels.
        silent: marks that are control tokens, which have no text otherwise, with their text.
    """

    pairs: tuple[tuple[str, str], ...] = (_THINK,)
    harmony: bool = False
    silent: Mapping[int, bytes] | None = None

    @classmethod
    def of(cls, vocab: MarkVocabulary) -> ThinkingFormat:
        """The format whose marks a vocabulary has as tokens; ``<think>`` may be text as well."""

        def token(mark: str) -> int | None:
            found = vocab.tokenize(mark, add_special=False, parse_special=True)
            return found[0] if len(found) == 1 else None

        known = {pair: tuple(map(token, map(_mark, pair))) for pair in (_THINK, *_OTHERS)}
        pairs = [pair for pair in _OTHERS if None not in known[pair]]
        channels = {mark: token(mark) for mark in _HARMONY}
        harmony = all(channels[mark] is not None for mark in _HARMONY[:4])
        tokens = {token: mark for pair in (_THINK, *pairs)
                  for mark, token in zip(map(_mark, pair), known[pair], strict=True)}  # fmt: skip
        if harmony:
            tokens |= {token: mark for mark, token in channels.items()}
        silent = {
            token: mark.encode()
            for token, mark in tokens.items()
            if token is not None and not vocab.piece(token)
        }
        return cls((_THINK, *pairs), harmony, silent)

    @property
    def in_text(self) -> bool:
        """Whether marks are texts, so that templates expect them in earlier answers.

        llama.cpp writes the marks of channels as text, which gpt-oss's template refuses.
        """
        return not self.silent and not self.harmony

    def begin(self, vocab: MarkVocabulary, prompt: list[int]) -> Thoughts:
        """What separates the answer to a prompt, which may have opened a block itself."""
        end = "".join([vocab.text(token) for token in prompt[-_SEEN:]]).rstrip()
        close = next((close for opened, close in self.pairs if end.endswith(opened)), None)
        return Thoughts(self, inside=close)


class Thoughts:
    """Splits text as it streams; marks may be split across chunks.

    An answer may begin with thinking blocks, one after the other. Later on a mark is only text: an
    answer *about* a tag must not vanish. What may still become a mark is held back, so the pieces
    are complete once ``end`` was called; joined, they are the text.

    Args:
        inside: the mark that closes a block which is open already.
    """

    def __init__(
        self, form: ThinkingFormat = ThinkingFormat(), *, inside: str | None = None
    ) -> None:
        self._form = form
        self._close = inside or ""
        self._answering = False
        self._held = ""

    @property
    def inside(self) -> bool:
        """Whether a block is open."""
        return bool(self._close)

    @property
    def answering(self) -> bool:
        """Whether the answer proper has begun, so that nothing more is held or split."""
        return self._answering

    @property
    def silent(self) -> Mapping[int, bytes]:
        """Control tokens that are marks as long as no answer has begun, with their texts."""
        return {} if self._answering else self._form.silent or {}

    def feed(self, text: str) -> list[Piece]:
        """Return the pieces that are certain after this chunk."""
        if self._answering:
            return [("answer", text)] if text else []
        text = self._held + text
        self._held = ""
        pieces: list[Piece] = []
        while text:
            text = self._inside(text, pieces) if self.inside else self._outside(text, pieces)
        return pieces

    def end(self) -> list[Piece]:
        """Return what was held back."""
        held, self._held = self._held, ""
        return [("thought" if self.inside else "answer", held)] if held else []

    def _outside(self, text: str, pieces: list[Piece]) -> str:
        """Look for what opens a block, or the answer; the text that remains."""
        if self._answering:
            pieces.append(("answer", text))
            return ""
        begun = text.lstrip()
        for opened, close in self._form.pairs:
            if begun.startswith(opened):
                end = len(text) - len(begun) + len(opened)
                pieces.append(("mark", text[:end]))
                self._close = close
                return text[end:]
        if self._form.harmony and (header := _HEADER.match(text)):
            pieces.append(("mark", header[0]))
            self._answering = header[1] == _FINAL
            self._close = "" if self._answering else "<|end|>"
            return text[header.end() :]
        if self._may_open(begun):
            self._held = text
        else:
            pieces.append(("answer", text))
            self._answering = True
        return ""

    def _may_open(self, begun: str) -> bool:
        """Whether more text may make this a mark."""
        if any(opened.startswith(begun) for opened, _ in self._form.pairs):
            return True
        if not self._form.harmony or len(begun) > _LONGEST_HEADER:
            return False
        return any(each.startswith(begun) or begun.startswith(each) for each in _HEADERS)

    def _inside(self, text: str, pieces: list[Piece]) -> str:
        """Look for what closes the block; the text that remains."""
        at, close = text.find(self._close), self._close
        if at < 0:
            at = len(text) - _beginning(text, close)
            self._held, rest = text[at:], ""
        else:
            rest = text[at + len(close) :]
            self._close = ""
        if at:
            pieces.append(("thought", text[:at]))
        if not self.inside:
            pieces.append(("mark", close))
        return rest


def _mark(text: str) -> str:
    """The token that a mark begins with: of Gemma's a word follows."""
    return text.removesuffix("thought")


def _beginning(text: str, mark: str) -> int:
    """Return how many of the last characters may be the beginning of a mark."""
    return next((n for n in range(len(mark) - 1, 0, -1) if text.endswith(mark[:n])), 0)
