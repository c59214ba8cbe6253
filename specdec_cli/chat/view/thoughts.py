"""Separates a model's thinking, between ``<think>`` and ``</think>``, from its answer."""

from __future__ import annotations

from typing import Literal

Kind = Literal["tag", "thought", "answer"]
Piece = tuple[Kind, str]

_OPEN, _CLOSE = "<think>", "</think>"


class Thoughts:
    """Splits text as it streams; tags may be split across chunks.

    An answer may begin with thinking blocks, one after the other. Later on the tag is only text: an
    answer *about* the tag must not vanish into a folded block. What may still become a tag is held
    back, so the pieces are complete once ``end`` was called; joined, they are the text.

    Args:
        inside: the prompt has opened a block already.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self._state: Literal["before", "inside", "after"] = "inside" if inside else "before"
        self._held = ""

    @property
    def inside(self) -> bool:
        """Whether a block is open."""
        return self._state == "inside"

    @property
    def answering(self) -> bool:
        """Whether the answer proper has begun, so that nothing more is held or split."""
        return self._state == "after"

    def feed(self, text: str) -> list[Piece]:
        """Return the pieces that are certain after this chunk."""
        if self._state == "after":
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
        """Look for an opening tag; the text that remains."""
        begun = text.lstrip()
        if begun.startswith(_OPEN):
            end = len(text) - len(begun) + len(_OPEN)
            pieces.append(("tag", text[:end]))
            self._state = "inside"
            return text[end:]
        if self._state == "before" and _OPEN.startswith(begun):
            self._held = text
        else:
            pieces.append(("answer", text))
            self._state = "after"
        return ""

    def _inside(self, text: str, pieces: list[Piece]) -> str:
        """Look for a closing tag; the text that remains."""
        at = text.find(_CLOSE)
        if at < 0:
            at = len(text) - _beginning(text)
            self._held, rest = text[at:], ""
        else:
            rest = text[at + len(_CLOSE) :]
            self._state = "before"
        if at:
            pieces.append(("thought", text[:at]))
        if not self.inside:
            pieces.append(("tag", _CLOSE))
        return rest


def _beginning(text: str) -> int:
    """Return how many of the last characters may be the beginning of a closing tag."""
    return next((n for n in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:n])), 0)
