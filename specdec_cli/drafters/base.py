"""What the loop asks of a drafter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from specdec_cli.core.events import Round
from specdec_cli.core.types import NO_DRAFT, Draft


class Drafter(Protocol):
    """Proposes tokens; owns its own state and never touches the target's.

    A drafter is always handed *all* committed tokens and brings itself up to date by the common
    prefix with what its cache holds. Full acceptance (after which the draft model lacks its own
    last token), edits of a conversation and rounds drafted by someone else need no special case.
    """

    @property
    def name(self) -> str: ...

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        """A new answer begins after ``prompt``, which may share any prefix with the last one.

        Nothing is read yet, so that the first token need not wait for it.

        Args:
            cancelled: may be asked while drafting; the caller then discards the draft.
        """

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        """Propose at most ``limit`` tokens to follow ``tokens``."""

    def observe(self, outcome: Round) -> None:
        """Learn how a round ended, whoever drafted it."""


class NoDrafter:
    """Plain decoding: the same loop with nothing drafted."""

    name = "none"

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        pass

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:  # noqa: ARG002
        return NO_DRAFT

    def observe(self, outcome: Round) -> None:
        pass
