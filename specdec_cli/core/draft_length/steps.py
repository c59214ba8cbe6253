"""One draft in progress: whether its next token is worth a row, and its next step its time."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from specdec_cli.core.draft_length.calibration import EDGES, Calibration
from specdec_cli.core.draft_length.prompt_reading import Reading
from specdec_cli.core.draft_length.stopping import Plan

_FORCED_KEEP = 40
_NEVER = Plan((), (), 0.0)


@dataclass(slots=True)
class Source:
    """What is known about a drafter that works in steps."""

    calibration: Calibration = field(default_factory=Calibration)
    plan: Plan = _NEVER
    # Without confidences the length is fixed before it drafts.
    has_confidence: bool = True
    refused: int = 0
    reading: Reading = field(default_factory=Reading)


class PlannedSteps:
    """Follows a plan, by the probability that all of the draft so far is accepted.

    Args:
        minimum: a draft once begun has as many tokens.
        p_min: the user's bound.
        probing: the round is a probe: only what the plan wants is drafted.
        forcing: every token is drafted, whatever the plan says.
    """

    __slots__ = (
        *("_path", "_forcing", "_go", "_keep", "_minimum", "_p_min", "_probing", "_rates"),
        *("_refused", "_source", "_until_forced", "confidences"),
    )

    def __init__(
        self, source: Source, minimum: int, p_min: float, *, probing: bool, forcing: bool
    ) -> None:
        self._source = source
        self._rates = source.calibration.rates
        self._keep, self._go = source.plan.keep, source.plan.go
        self._refused = 0
        self._until_forced = _FORCED_KEEP - source.refused % _FORCED_KEEP
        self._minimum = minimum
        self._p_min = p_min
        self._probing = probing
        self._forcing = forcing
        self._path = 1.0
        self.confidences: list[float] = []

    def accepts_token(self, confidence: float) -> bool:
        """Whether the token about to be drawn is worth a row.

        A few of the tokens it would refuse are drafted nevertheless, since only verified tokens
        show how often such tokens are accepted.
        """
        k = len(self.confidences)
        self.confidences.append(confidence)
        self._path *= self._rates[bisect_right(EDGES, confidence)]
        if 0 < k < self._minimum:
            return True
        if confidence < self._p_min:
            return False
        keep = self._keep
        if k >= len(keep):
            return False
        if self._path >= keep[k] or self._forcing:
            return True
        if self._probing:
            return False
        self._refused += 1
        return self._refused == self._until_forced

    def should_continue(self) -> bool:
        """Whether another draft step pays."""
        k = len(self.confidences)
        if k < self._minimum or not k:
            return True
        go = self._go
        return k < len(go) and self._path > go[k]

    def count_refused(self) -> None:
        """Count what was refused."""
        self._source.refused += self._refused
        self._refused = 0
