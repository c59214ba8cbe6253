"""What a small model implements to draft token by token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from specdec_cli.core.types import Logits


class Stepper(Protocol):
    """A small model that follows a sequence of tokens; what a new kind of model implements.

    Both methods return logits of shape (n_vocab,). They are valid, and may be overwritten, until
    the next call.
    """

    def sync(self, tokens: Sequence[int]) -> Logits:
        """Follow the committed tokens, whatever came before; return the logits after the last."""

    def step(self, token: int) -> Logits:
        """Add a drafted token, which the next ``sync`` may undo; return the logits after it."""


class Cache(Protocol):
    """Implemented by a model with a cache, which takes long to read a long text.

    Attributes:
        n_ctx: how many tokens it can hold.
    """

    n_ctx: int

    def restart(self, prompt: Sequence[int]) -> None:
        """A new answer begins; nothing is read yet, so that the first token need not wait."""

    def missing(self, tokens: Sequence[int]) -> int:
        """How many of the tokens ``sync`` would have to read."""

    def read(self, tokens: Sequence[int], cancelled: Callable[[], bool]) -> None:
        """Read tokens in large batches, so that ``sync`` has none to read.

        Raises:
            Cancelled: ``cancelled`` answered True.
        """
