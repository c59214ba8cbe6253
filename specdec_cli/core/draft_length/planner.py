"""The expected costs and gains of drafts, for this machine and the recent text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

from specdec_cli.core.draft_length.calibration import bin_of
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.steps import Source
from specdec_cli.core.draft_length.stopping import solve

_EVERY_ROUNDS = 12
_EVERY_SECONDS = 0.5
"""Rounds and seconds of decoding between two plans: a plan takes a millisecond."""

_AT_FIRST = 4
"""The first plans are made regardless of time, as the first rounds teach most."""

_RATE_GAIN = 1 / 50
"""Weight of the newest round in tokens per time: recent speed means about 50 rounds."""

_RATE_FROM_START = 8.0
"""The start counts as so many plain rounds."""

_NOTHING_MORE = 1.02
"""A longer probe is taken if its pass costs at most this factor more."""

NO_CONFIDENCE = 0.5
"""The confidence assumed for a drafter that gives none."""


class Planner:
    """Plans how far to draft: for each drafter that works in steps, when another one pays.

    Args:
        costs: of passes and steps, as measured.
        minimum, maximum: tokens of the shortest and the longest draft.
        sources: the drafters that work in steps, by name; their plans are kept there.

    Attributes:
        curve: seconds of a pass over 1, 2, … rows, in plain passes.
        rate: tokens per plain pass that a round has to beat.
        step_risks, free_risks: by length from 1 on, what a draft may lose at most, in plain passes
            and rising: of drafters that work in steps, and of drafts that cost nothing to find.
        one_token_risk: seconds that the draft of one token may lose.
    """

    def __init__(
        self, costs: CostModel, minimum: int, maximum: int, sources: Mapping[str, Source]
    ) -> None:
        self._costs = costs
        self._minimum = minimum
        self._maximum = maximum
        self._sources = sources
        self.curve: list[float] = []
        self.rate = 1.0
        self.one_token_risk = 0.0
        self.step_risks: list[float] = []
        self.free_risks: list[float] = []
        # Of the recent rounds, in tokens and in plain passes.
        self._tokens = self._passes = 1.0
        self._rounds = 0.0
        self._plans = 0
        self._rounds_since = 0
        self._seconds_since = 0.0

    # --- what the rounds bring --------------------------------------------------------------------

    def count(self, tokens: int, passes: float) -> None:
        """A round committed so many tokens in the time of so many plain passes."""
        self._rounds += 1.0
        gain = max(_RATE_GAIN, 1 / (self._rounds + _RATE_FROM_START))
        self._tokens += gain * (tokens - self._tokens)
        self._passes += gain * (passes - self._passes)

    def spent(self, seconds: float) -> None:
        """A round took so many seconds."""
        self._seconds_since += seconds

    def another_round(self) -> None:
        """Count a round since the last plan."""
        self._rounds_since += 1

    # --- plans ------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether there is a plan at all."""
        return self._plans > 0

    @property
    def is_new(self) -> bool:
        """Whether the last round was planned after."""
        return not self._rounds_since

    @property
    def is_due(self) -> bool:
        """Whether the plan is old."""
        rarely = self._seconds_since < _EVERY_SECONDS and self._plans >= _AT_FIRST
        return self._rounds_since >= _EVERY_ROUNDS and not rarely

    def plan(self) -> bool:
        """Plan again; returns whether drafting is expected to pay."""
        self._plans += 1
        self._rounds_since = 0
        self._seconds_since = 0.0
        self._weigh_risks()
        # While the recent rate is higher than that of plain decoding, a round has to reach it; but
        # if no round can, one that beats plain decoding will do.
        recent = max(self._tokens / self._passes, 1.0)
        self.rate = recent
        for known in self._sources.values():
            known.calibration.refresh()
        for rate in (recent, 1.0) if recent > 1.0 else (1.0,):
            self._solve(rate)
            if self.gain > 0.0:
                self.rate = rate
                return True
        return not self._sources

    def _weigh_risks(self) -> None:
        plain = self._costs.plain
        curve = [self._costs.effective(rows) / plain for rows in range(1, self._maximum + 2)]
        curve[0] = 1.0
        self.curve = curve
        step = self.step / plain
        more = [v - 1.0 for v in curve[1:]]
        self.one_token_risk = max((step + more[0]) * plain if more else 0.0, 0.0)
        self.free_risks = list(accumulate(more, max))
        self.step_risks = list(accumulate((k * step + v for k, v in enumerate(more, 1)), max))

    def _solve(self, rate: float) -> None:
        for name, known in self._sources.items():
            known.plan = solve(
                self.curve,
                self._costs.step(name) / self._costs.plain,
                rate,
                known.calibration.rates,
                known.calibration.weights,
                self._minimum,
            )

    @property
    def step(self) -> float:
        """Seconds of the cheapest draft step."""
        return min((self._costs.step(name) for name in self._sources), default=0.0)

    @property
    def gain(self) -> float:
        """What drafting in steps is expected to add to a round, in tokens."""
        return max((known.plan.gain for known in self._sources.values()), default=0.0)

    # --- lengths ----------------------------------------------------------------------------------

    def longest(self, limit: int) -> int:
        """The longest draft allowed; for a drafter without confidences, its length."""
        best = 0
        for known in self._sources.values():
            if known.plan.gain <= 0.0:
                continue
            if known.has_confidence:
                return limit
            best = max(best, self._without_confidences(known, limit))
        return best

    def _without_confidences(self, known: Source, limit: int) -> int:
        plan, rate = known.plan, known.calibration.rates[bin_of(NO_CONFIDENCE)]
        k = 0
        while k < limit:
            pays = (k == 0 or rate**k > plan.go[k]) and rate ** (k + 1) >= plan.keep[k]
            if not pays and not 0 < k < self._minimum:
                break
            k += 1
        return k

    def probe_length(self) -> int:
        """One token, or more where their rows cost nothing."""
        k = max(self._minimum, 1)
        price = _NOTHING_MORE * self._costs.effective(k + 1)
        while k < self._maximum and self._costs.effective(k + 2) <= price:
            k += 1
        return k

    def break_even(self) -> float:
        """The least constant probability of acceptance with which some draft length pays."""
        plain, step = self._costs.plain, self.step
        needed = 1.01
        for k in range(max(self._minimum, 1), self._maximum + 1):
            price = (k * step + self._costs.effective(k + 1)) / plain - 1.0
            low, high = 0.0, needed
            if sum(high**i for i in range(1, k + 1)) <= price:
                continue
            while high - low > 0.005:
                middle = (low + high) / 2
                enough = sum(middle**i for i in range(1, k + 1)) >= price
                low, high = (low, middle) if enough else (middle, high)
            needed = high
        return needed


def affordable(risks: Sequence[float], allowance: float) -> int:
    """The longest draft that loses no more than ``allowance``; ``risks`` rise from length 1."""
    return bisect_right(risks, allowance)
