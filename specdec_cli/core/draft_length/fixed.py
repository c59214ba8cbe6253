"""Drafts of a fixed length, whatever they cost."""

from __future__ import annotations

from collections.abc import Sequence

from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.policy import Steps, require_bounds
from specdec_cli.core.events import Parked, Round

PLAIN_AGE = 128
"""Rounds of a fixed length, a few hundred tokens, after which plain decoding is measured again."""

_PLAIN_LOOKS = 8
"""If nothing is ever drafted, one round in so many is measured, after as many in a row."""


class FixedLength:
    """Always ``draft_max`` tokens, unless the drafter is unsure.

    Where the budget leaves room for fewer than ``draft_min``, nothing is drafted. Neither is it
    when plain decoding was last measured long ago: two plain rounds then measure it. This depends
    only on the number of rounds, so it is lossless and repeatable.

    Args:
        p_min: a token whose distribution has no probability as large as this is not drawn, and the
            draft ends, except within its first ``draft_min`` tokens; the very first one may always
            be refused, which leaves no draft.
        costs: told of all passes.

    Raises:
        ValueError: unless ``0 <= draft_min <= draft_max``.
    """

    parked: Parked | None = None

    def __init__(
        self,
        draft_min: int,
        draft_max: int,
        p_min: float = 0.0,
        costs: CostModel | None = None,
    ) -> None:
        require_bounds(draft_min, draft_max)
        self._costs = costs
        self.minimum = draft_min
        self._maximum = draft_max
        self.p_min = p_min
        self._k = 0
        self._rounds = 0

    @property
    def needs_confidence(self) -> bool:
        return self.p_min > 0.0

    def next(self, budget: int) -> int:
        k = min(self._maximum, max(budget, 0))
        old = self._costs is not None and self._costs.plain_age >= PLAIN_AGE
        self._k = k if k >= self.minimum and not old else 0
        return self._k

    def limit_for(self, source: str) -> int:  # noqa: ARG002
        return self._k

    def start(self, tokens: int, seconds: float) -> None:
        pass

    def reads(self, source: str, missed: int) -> bool:  # noqa: ARG002
        return True

    def begin(self, source: str) -> Steps:  # noqa: ARG002
        return _SureSteps(self.minimum, self.p_min)

    def trim(self, confidences: Sequence[float], seconds: float = 0.0) -> int:  # noqa: ARG002
        return len(confidences) if len(confidences) >= self.minimum else 0

    def rows(self, needed: int) -> int:
        return needed

    def observe(
        self,
        round: Round,
        confidence: Sequence[float] = (),  # noqa: ARG002
        acceptance: Sequence[float] = (),  # noqa: ARG002
        rows: int | None = None,
    ) -> None:
        self._rounds += 1
        if self._costs is not None and (self._maximum or _is_looked_at(self._rounds)):
            seconds, rows = round.verify_seconds, rows or round.drafted + 1
            self._costs.observe(rows, seconds, interrupted=round.interrupted)


def _is_looked_at(round: int) -> bool:
    """Whether a round of plain decoding is measured; they are all alike."""
    return round <= _PLAIN_LOOKS or round % _PLAIN_LOOKS == 0


class _SureSteps:
    """Goes on as long as the drafter is sure of its tokens."""

    def __init__(self, minimum: int, p_min: float) -> None:
        self._minimum = minimum
        self._p_min = p_min
        self.confidences: list[float] = []

    def accepts_token(self, confidence: float) -> bool:
        k = len(self.confidences)
        self.confidences.append(confidence)
        return confidence >= self._p_min or 0 < k < self._minimum

    def should_continue(self) -> bool:
        return True
