"""Free drafts: how far to trust their confidences, and how much of a draft to take."""

from __future__ import annotations

from collections.abc import Sequence

from specdec_cli.core.draft_length.lookup_throttle import LookupThrottle
from specdec_cli.core.draft_length.planner import Planner
from specdec_cli.core.events import Round

_TRUST_WEIGHT = 4.0
"""Prior: tokens of free drafts accepted as predicted."""

_KEPT, _KEPT_IDLE = 0.98, 0.998
"""Decay of predicted and accepted counts, by token and by idle round."""


class FreeDrafts:
    """Weighs drafts that cost nothing to find.

    Such a draft comes with probabilities of acceptance. They are scaled by how often they came true
    recently, since the best of many tends to be overrated.

    Args:
        planner: knows what rows cost.
        minimum: tokens of the shortest draft.

    Attributes:
        lookups: how often to look for one.
    """

    def __init__(self, planner: Planner, minimum: int) -> None:
        self._planner = planner
        self._minimum = minimum
        self.throttle = LookupThrottle()
        # Tokens that were expected to be accepted, and that were.
        self._promised = self._kept = 0.0

    def worth(self, confidences: Sequence[float], longest: int, rival: float) -> int:
        """How much of a draft to take.

        Args:
            confidences: probabilities of acceptance, each given that those before were accepted.
            longest: tokens that may be taken.
            rival: tokens that drafting in steps is expected to add to this round; a free draft has
                to add as many.
        """
        curve, rate, chance = self._planner.curve, self._planner.rate, 1.0
        trust = min((self._kept + _TRUST_WEIGHT) / (self._promised + _TRUST_WEIGHT), 1.0)
        total, best, length = rate * curve[0], 0.0, 0
        for k, confidence in enumerate(confidences[:longest], 1):
            chance *= confidence * trust
            total += chance
            gain = total - rate * curve[k]
            if gain > best and k >= self._minimum:
                best, length = gain, k
        return length if best >= rival else 0

    def idle(self) -> None:
        """A round in which nothing was found."""
        self._promised *= _KEPT_IDLE
        self._kept *= _KEPT_IDLE

    def observe(
        self, outcome: Round, confidence: Sequence[float], acceptance: Sequence[float]
    ) -> None:
        """Compare a draft's predictions with the outcome."""
        decided = min(outcome.accepted + 1, outcome.drafted, len(outcome.tokens))
        if not decided:
            self.idle()
            return
        kept = _KEPT**decided
        accepted = sum(acceptance[:decided]) if acceptance else min(outcome.accepted, decided)
        self._promised = self._promised * kept + sum(confidence[:decided])
        self._kept = self._kept * kept + accepted
