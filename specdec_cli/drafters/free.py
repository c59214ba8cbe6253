"""Whole drafts that cost next to nothing to find, cut to what is worth verifying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.core.events import Round
from specdec_cli.core.types import NO_DRAFT, Draft
from specdec_cli.drafters.base import Drafter


class FreeDrafter:
    """Cuts the drafts of a drafter that finds them whole.

    Args:
        free: its drafts have no ``q``, and for each token the probability of acceptance if those
            before it are accepted.
        length: trims them, to nothing where a drafter that works in steps is expected to do better.
    """

    def __init__(self, free: Drafter, length: DraftLengthPolicy) -> None:
        self._free = free
        self._length = length
        self.name = free.name

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        self._free.start(prompt, cancelled)

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        most = min(limit, self._length.limit_for(self.name))
        if not most:
            return NO_DRAFT
        began = perf_counter()
        found = self._free.draft(tokens, most)
        kept = self._length.trim(found.confidence, perf_counter() - began)
        if not kept:
            return NO_DRAFT
        return Draft(found.tokens[:kept], None, found.source, found.confidence[:kept])

    def observe(self, outcome: Round) -> None:
        self._free.observe(outcome)

    def close(self) -> None:
        self._free.close()
