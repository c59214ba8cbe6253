"""Drafts that cost nothing to find, where they are worth more than a model's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

from specdec_cli.core.events import Round
from specdec_cli.core.length import Length
from specdec_cli.core.types import NO_DRAFT, Draft
from specdec_cli.drafters.base import Drafter


class HybridDrafter:
    """Per round, what a free drafter found, or what a drafter that works in steps proposes.

    Which of the two depends on the text so far and on what was measured, never on a token that is
    yet to be drawn, so that every round keeps the target's law, and so do all of them.

    Args:
        free: proposes whole drafts at once, for next to nothing, with chances of acceptance.
        length: cuts those drafts; none is left where the other drafter is expected to do better.
        steps: proposes the rest; without it the free drafter drafts alone.
    """

    name = "hybrid"

    def __init__(self, free: Drafter, length: Length, steps: Drafter | None = None) -> None:
        self._free = free
        self._length = length
        self._steps = steps

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        self._free.start(prompt, cancelled)
        if self._steps is not None:
            self._steps.start(prompt, cancelled)

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        reach = min(limit, self._length.reach(self._free.name))
        if reach:
            began = perf_counter()
            found = self._free.draft(tokens, reach)
            kept = self._length.cut(found.confidence, perf_counter() - began)
            if kept:
                return Draft(found.tokens[:kept], None, found.source, found.confidence[:kept])
        if self._steps is None:
            return NO_DRAFT
        reach = min(limit, self._length.reach(self._steps.name))
        return self._steps.draft(tokens, reach) if reach else NO_DRAFT

    def observe(self, outcome: Round) -> None:
        self._free.observe(outcome)
        if self._steps is not None:
            self._steps.observe(outcome)
