"""Free drafts where they are worth more than a model's, else the model's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.core.events import Round
from specdec_cli.core.types import NO_DRAFT, Draft
from specdec_cli.drafters import model, ngram
from specdec_cli.drafters.base import Drafter, Parts


def make(parts: Parts) -> HybridDrafter:
    """The drafter of an answer."""
    return HybridDrafter(ngram.make(parts), model.make(parts), parts.length)


class HybridDrafter:
    """Per round, what a free drafter found, or what a drafter that works in steps proposes.

    The choice depends on the text so far and on measurements, never on a token yet to be drawn, so
    every round keeps the target's distribution.

    Args:
        free: asked first; it proposes nothing where the other is expected to do better.
        steps: proposes the rest.
        length: how far it may go.
    """

    name = "hybrid"

    def __init__(self, free: Drafter, steps: Drafter, length: DraftLengthPolicy) -> None:
        self._free = free
        self._steps = steps
        self._length = length

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        self._free.start(prompt, cancelled)
        self._steps.start(prompt, cancelled)

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        found = self._free.draft(tokens, limit)
        if found.tokens:
            return found
        most = min(limit, self._length.limit_for(self._steps.name))
        return self._steps.draft(tokens, most) if most else NO_DRAFT

    def observe(self, outcome: Round) -> None:
        self._free.observe(outcome)
        self._steps.observe(outcome)

    def close(self) -> None:
        self._free.close()
        self._steps.close()
