"""Plain decoding: the same loop with nothing drafted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from specdec_cli.core.events import Round
from specdec_cli.core.types import NO_DRAFT, Draft
from specdec_cli.drafters.base import Parts


def make(parts: Parts) -> NoDrafter:  # noqa: ARG001 - it needs none
    """The drafter of an answer."""
    return NoDrafter()


class NoDrafter:
    """Proposes nothing."""

    name = "none"

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        pass

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:  # noqa: ARG002
        return NO_DRAFT

    def observe(self, outcome: Round) -> None:
        pass

    def close(self) -> None:
        pass
