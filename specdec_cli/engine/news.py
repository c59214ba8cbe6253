"""Events between two rounds: drafting is parked or resumed, plain decoding changes its speed."""

from __future__ import annotations

from collections.abc import Iterator

from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.core.events import Baseline, Event, Resumed

_CHANGE = 0.02
"""Relative change of what a plain token takes that is worth an event."""


class News:
    """Notices that drafting was parked or resumed, and that plain decoding takes another time.

    Attributes:
        parked: whether drafting was parked when this round began.
    """

    def __init__(self, length: DraftLengthPolicy, costs: CostModel) -> None:
        self._length = length
        self._costs = costs
        self._token = 0.0
        self.parked = False

    def __iter__(self) -> Iterator[Event]:
        parked = self._length.parked
        if (parked is None) == self.parked:
            yield parked or Resumed()
        self.parked = parked is not None
        token = self._costs.token
        if abs(token - self._token) > _CHANGE * self._token:
            self._token = token
            yield Baseline(token)
