"""A draft length that follows the text and the machine, and steps aside where drafting loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from specdec_cli.core.calibration import Calibration, bin_of
from specdec_cli.core.costs import CostModel
from specdec_cli.core.events import Parked, Round
from specdec_cli.core.guard import Guard
from specdec_cli.core.length import require_bounds
from specdec_cli.core.looks import Looks
from specdec_cli.core.steps import PlannedSteps, Source
from specdec_cli.core.stopping import solve

_SOLVE_EVERY = 12
_SOLVE_SECONDS = 0.5  # after the first few not more often than this: it takes a millisecond
_SOLVES_AT_FIRST = 4
_RATE_GAIN = 1 / 50
_RATE_FROM_START = 8.0
_GAP, _LONGEST_GAP = 8, 128
_FORCED_PROBE = 4
_NO_CONFIDENCE = 0.5
_TRUST_WEIGHT = 4.0
_TRUST_KEPT, _TRUST_KEPT_IDLE = 0.98, 0.998
_NOTHING_MORE = 1.02
_IDLE_LOOKS = 8
_STALL = 1.35
_MISSED = 4
_TOGETHER = 6
_TELLING = 4.0  # tokens looked at, as much as counts after forgetting


class Adaptive:
    """Drafts as far as it pays, by measured costs and observed acceptance.

    ``next`` gives the most that may be drafted. While drafting, the drafter asks what ``begin``
    gave it before it draws a token, and before it pays for another step. Both answers look at
    confidences of laws, never at a token drawn from the last of them, so they leave the output's
    law alone. All that was drawn is to be verified, in a pass of ``rows`` rows.

    Where no draft length is expected to pay it parks: it decodes plainly, but for a probe after 8
    tokens and then after more and more, up to 128.

    Whatever is expected, a ``Guard`` bounds what drafting may lose against plain decoding. A time
    is charged up to a third above what such a pass or step costs. What is beyond that is a stall of
    the machine, which plain decoding would meet as well.

    Drafts that cost nothing to find are offered to ``cut`` whole, with chances of acceptance that
    are believed as far as they came true of late: what is picked for looking best tends to have
    been overrated. Such a draft is taken where what it adds, one row after the other, is more than
    what drafting step by step is expected to add. To be parked does not concern them: each is
    judged by itself, and the guard has a credit of its own for what they lose. Where looking for
    them costs something it is done less often while it is in vain.

    Args:
        draft_min: the shortest draft; a round may still draft nothing.
        draft_max: the longest draft.
        costs: measured before, or to be measured from the rounds.
        sources: the drafters that work in steps.
        free: whether there is one that offers its drafts to ``cut``.
        p_min: a person's own bound: tokens whose law has no probability as large are left out.
        patience, savings, share: of the guard.

    Attributes:
        minimum: the shortest draft; already part of the plan.
        parked: why nothing is drafted at present, if so.
        asks: confidences matter.
        rounds: how many it has seen.

    Raises:
        ValueError: unless ``0 <= draft_min <= draft_max``.
    """

    def __init__(
        self,
        draft_min: int,
        draft_max: int,
        costs: CostModel | None = None,
        *,
        sources: Sequence[str] = ("model",),
        free: bool = False,
        p_min: float = 0.0,
        patience: float = 8.0,
        savings: float = 40.0,
        share: float = 0.01,
    ) -> None:
        require_bounds(draft_min, draft_max)
        self.minimum = draft_min
        self.parked: Parked | None = None
        self.costs = costs if costs is not None else CostModel(draft_max + 1)
        self._maximum = draft_max
        self.asks = True
        self._sources = {name: Source() for name in sources}
        self._free = free
        self.p_min = p_min
        self._guard = Guard(patience, savings, share, free=free)
        self._looks = Looks()
        # Of the recent rounds, in tokens and in plain passes.
        self._tokens = self._passes = 1.0
        self._rounds = 0.0
        self._won = self._lost = 0.0
        # What the plan was made for: tokens per plain pass, and passes by rows in plain passes.
        self._rate = 1.0
        self._curve: list[float] = []
        self._risk = 0.0
        # Of the free drafts of late, tokens that were expected to be accepted, and that were.
        self._promised = self._kept = 0.0
        self._since_solved = 0
        self._unsolved_seconds = 0.0
        self._since_drafted = 0
        self._since_resumed = 0
        self._gap = _GAP
        self._probes = 0
        self._reach = self._limit = 0
        self._probing = self._forcing = self._looking = False
        self._solves = 0
        self._idle = 0
        self.rounds = 0
        self._told: list[
            tuple[Round, Sequence[float], Sequence[float], int | None, float, bool, bool]
        ] = []

    # --- before and while drafting ----------------------------------------------------------------

    def next(self, budget: int) -> int:
        limit = min(budget, self._maximum)
        self._reach = self._limit = 0
        self._probing = self._forcing = self._looking = False
        if limit < max(self.minimum, 1) or self.costs.stale:
            return 0
        if not self._solves:
            self._solve()
        self._reach = self._next_steps(limit)
        self._looking = self._guard.offers and self._looks.due(self.costs.plain)
        self._limit = limit if self._looking else self._reach
        return self._limit

    def _next_steps(self, limit: int) -> int:
        """How far a drafter that works in steps may go."""
        if not self._sources or not self._guard.allows(self.costs.plain):
            return 0
        if self.parked is None:
            return self._longest(limit)
        if self.parked.reason == "no gain" and self._since_drafted < self._gap:
            return 0
        self._probing = True
        self._forcing = (self._probes + 1) % _FORCED_PROBE == 0
        return min(self._probe_length(), limit)

    def reach(self, source: str) -> int:
        if source in self._sources:
            return self._reach
        return self._limit if self._looking else 0

    def cut(self, confidences: Sequence[float], seconds: float = 0.0) -> int:
        length = self._worth(confidences) if self._guard.offers else 0
        self._looks.observe(seconds, found=length > 0)
        return length

    def _worth(self, confidences: Sequence[float]) -> int:
        """How much of a draft to take."""
        curve, rate, chance = self._curve, self._rate, 1.0
        trust = min((self._kept + _TRUST_WEIGHT) / (self._promised + _TRUST_WEIGHT), 1.0)
        total, best, length = rate * curve[0], 0.0, 0
        for k, confidence in enumerate(confidences[: self._limit], 1):
            chance *= confidence * trust
            total += chance
            gain = total - rate * curve[k]
            if gain > best and k >= self.minimum:
                best, length = gain, k
        if self._reach and not self._probing and best < self._gain:
            return 0
        return length

    def begin(self, source: str = "model") -> PlannedSteps:
        known = self._sources[source]
        probing, forcing = self._probing, self._forcing
        return PlannedSteps(known, self.minimum, self.p_min, probing=probing, forcing=forcing)

    def rows(self, needed: int) -> int:
        """How many rows to give the target's pass: more than ``needed`` where that is cheaper."""
        return self.costs.rows(needed)

    # --- after the round --------------------------------------------------------------------------

    def observe(
        self,
        round: Round,
        confidence: Sequence[float] = (),
        chances: Sequence[float] = (),
        rows: int | None = None,
        between: float = 0.0,
    ) -> None:
        self.rounds += 1
        plainly = not round.drafted and not self._probing and not self.costs.stale
        if self.parked is not None and plainly:
            # Perhaps for long: a look now and then is enough.
            self._idle += 1
            if self._idle % _IDLE_LOOKS:
                tokens = len(round.tokens)
                self._since_drafted += tokens
                self._since_resumed += tokens
                self._guard.idle(tokens, round.draft_seconds)
                return
        # Whether a drafter worked in steps.
        stepped = self._reach > 0 and (round.source in self._sources or not self._free)
        probing = self._probing and stepped
        self._told.append((round, confidence, chances, rows, between, stepped, probing))
        if not (stepped and self._can_wait(round)):
            self._take_in()

    def _can_wait(self, round: Round) -> bool:
        """Whether there is time to think about a round: drafting won, and nothing has to end.

        After a pass nothing is in the processor's caches, so that a few rounds together take little
        more than one. While credit is not yet written down the guard is stricter, never laxer.
        """
        seconds = round.draft_seconds + round.verify_seconds
        won = seconds < len(round.tokens) * self.costs.plain
        return won and self.parked is None and len(self._told) < _TOGETHER

    def _take_in(self) -> None:
        for told in self._told:
            self._take(*told)
        self._told.clear()

    def _take(
        self,
        round: Round,
        confidence: Sequence[float],
        chances: Sequence[float],
        rows: int | None,
        between: float,
        stepped: bool,
        probing: bool,
    ) -> None:
        self._probes += probing
        plain = self.costs.plain
        self.costs.observe(rows or round.drafted + 1, round.verify_seconds)
        if stepped:
            self._learn(round, confidence, chances, resumed=self._since_drafted > _MISSED)
        elif self._free:
            self._judge(round, confidence, chances)
        plain = plain or self.costs.plain
        if not plain:
            return
        tokens = len(round.tokens)
        seconds = round.draft_seconds + round.verify_seconds
        self._unsolved_seconds += seconds
        # What a round costs whatever it drafts makes no draft dearer, but a second a better one.
        self._count(tokens, (seconds + min(between, plain)) / plain)
        draft, verify = round.draft_seconds, round.verify_seconds
        verify = min(verify, _STALL * self.costs.seconds(rows or round.drafted + 1))
        if stepped and self._since_drafted <= _MISSED:  # else it caught up with what it had missed
            steps = max(len(confidence), round.drafted)
            draft = min(draft, _STALL * steps * self.costs.step(self._name(round)))
        now = self.costs.plain
        won = tokens * now - draft - verify
        if not round.drafted and not stepped:
            won = -round.draft_seconds  # to have looked for a draft in vain
        self._guard.charge(tokens, won, now, self._risk, stepped=stepped)
        self._since_drafted = 0 if stepped else self._since_drafted + tokens
        self._since_resumed += tokens
        self._decide(probing, paid=tokens * plain >= seconds)

    def _learn(
        self, round: Round, confidence: Sequence[float], chances: Sequence[float], *, resumed: bool
    ) -> None:
        source = self._name(round)
        known = self._sources[source]
        steps = max(len(confidence), round.drafted)
        if not resumed:
            # Else the drafter has also read what was committed without it.
            self.costs.observe_draft(source, steps, round.draft_seconds)
        if round.drafted:
            known.speaks = bool(confidence)
        if not known.speaks:
            confidence = (_NO_CONFIDENCE,) * round.drafted
        # Where the answer ended within the draft, nothing was rejected.
        rejected = round.drafted > round.accepted and len(round.tokens) > round.accepted
        known.calibration.observe(
            confidence, round.accepted, rejected, chances, stands_for=1 + self._since_drafted
        )
        self._won += round.accepted
        self._lost += rejected
        kept = (1 - _RATE_GAIN) ** (round.accepted + rejected)
        self._won *= kept
        self._lost *= kept

    def _name(self, round: Round) -> str:
        """Which drafter worked; one that had nothing to propose may not say."""
        return round.source if round.source in self._sources else next(iter(self._sources))

    def _judge(self, round: Round, confidence: Sequence[float], chances: Sequence[float]) -> None:
        """Compare what a free draft promised with what came of it."""
        decided = min(round.accepted + 1, round.drafted, len(round.tokens))
        kept = _TRUST_KEPT**decided if decided else _TRUST_KEPT_IDLE
        self._promised *= kept
        self._kept *= kept
        self._promised += sum(confidence[:decided])
        self._kept += sum(chances[:decided]) if chances else min(round.accepted, decided)

    def _count(self, tokens: int, passes: float) -> None:
        self._rounds += 1.0
        gain = max(_RATE_GAIN, 1 / (self._rounds + _RATE_FROM_START))
        self._tokens += gain * (tokens - self._tokens)
        self._passes += gain * (passes - self._passes)

    def _decide(self, probing: bool, *, paid: bool) -> None:
        plain = self.costs.plain
        self._since_solved += 1
        losing = not (self._guard.allows(plain) if self._sources else self._guard.offers)
        if losing:
            if self.parked is None or self.parked.reason != "losing":
                self._park("losing")
        elif self.parked is None:
            rarely = self._unsolved_seconds < _SOLVE_SECONDS and self._solves >= _SOLVES_AT_FIRST
            if self._since_solved >= _SOLVE_EVERY and not rarely and not self._solve():
                self._park("no gain")
        elif self.parked.reason == "losing":
            if self._guard.forgives(plain):
                self._resume_or_wait()
        elif probing:
            self._gap = max(self._gap // 2, _GAP) if paid else min(self._gap * 2, _LONGEST_GAP)
            self._resume_or_wait()

    def _resume_or_wait(self) -> None:
        if self._solve():
            self.parked = None
            self._since_resumed = 0
        else:
            self._park("no gain")

    def _park(self, reason: Literal["no gain", "losing"]) -> None:
        if self.parked is None and self._since_resumed > _LONGEST_GAP:
            self._gap = _GAP
        looked = self._won + self._lost
        accepted = self._won / looked if looked >= _TELLING else None
        self.parked = Parked(reason, accepted, self._break_even())

    # --- the plan ---------------------------------------------------------------------------------

    def _solve(self) -> bool:
        """Plan anew; returns whether drafting is expected to pay."""
        self._solves += 1
        self._since_solved = 0
        self._unsolved_seconds = 0.0
        plain = self.costs.plain
        curve = [self.costs.effective(rows) / plain for rows in range(1, self._maximum + 2)]
        curve[0] = 1.0
        self._curve = curve
        self._risk = max(self._step() + (curve[1] - 1.0) * plain if len(curve) > 1 else 0.0, 0.0)
        # While the rate of late is higher than what plain decoding gives, a round has to earn it;
        # but where no round can, one that beats plain decoding will do.
        recent = max(self._tokens / self._passes, 1.0)
        self._rate = recent
        for known in self._sources.values():
            known.calibration.refresh()
        for rate in (recent, 1.0) if recent > 1.0 else (1.0,):
            for name, known in self._sources.items():
                known.plan = solve(
                    curve,
                    self.costs.step(name) / plain,
                    rate,
                    known.calibration.rates,
                    known.calibration.weights,
                    self.minimum,
                )
            if self._gain > 0.0:
                self._rate = rate
                return True
        return not self._sources

    @property
    def _gain(self) -> float:
        """What drafting in steps is expected to add to a round, in tokens."""
        return max((known.plan.gain for known in self._sources.values()), default=0.0)

    def _longest(self, limit: int) -> int:
        """How far drafting may go at most; for a drafter without confidences, how far it goes."""
        best = 0
        for known in self._sources.values():
            if known.plan.gain <= 0.0:
                continue
            if known.speaks:
                return limit
            plan, rate = known.plan, known.calibration.rates[bin_of(_NO_CONFIDENCE)]
            k = 0
            while k < limit:
                pays = (k == 0 or rate**k > plan.go[k]) and rate ** (k + 1) >= plan.keep[k]
                if not pays and not 0 < k < self.minimum:
                    break
                k += 1
            best = max(best, k)
        return best

    def _probe_length(self) -> int:
        """One token, or more where their rows cost nothing."""
        k = max(self.minimum, 1)
        price = _NOTHING_MORE * self.costs.effective(k + 1)
        while k < self._maximum and self.costs.effective(k + 2) <= price:
            k += 1
        return k

    def _step(self) -> float:
        return min((self.costs.step(name) for name in self._sources), default=0.0)

    # --- from one run to the next -----------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """Return what was learnt of the machine and the drafters, for a cache."""
        self._take_in()
        known = {name: source.calibration.as_dict() for name, source in self._sources.items()}
        return {"costs": self.costs.as_dict(), "calibration": known}

    def restore(self, cached: Mapping[str, Any]) -> None:
        """Take over what ``as_dict`` gave; it is soon outweighed by what is seen now.

        Raises:
            ValueError: it is no such dict; nothing is taken over.
        """
        try:
            known = {
                name: Calibration.restored(cached["calibration"][name])
                for name in self._sources
                if name in cached["calibration"]
            }
            costs = cached["costs"]
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what was learnt: {error}") from error
        self.costs.restore(costs)
        for name, calibration in known.items():
            self._sources[name].calibration = calibration

    def _break_even(self) -> float:
        """The least constant chance of acceptance with which some draft length pays."""
        plain, step = self.costs.plain, self._step()
        needed = 1.01
        for k in range(max(self.minimum, 1), self._maximum + 1):
            price = (k * step + self.costs.effective(k + 1)) / plain - 1.0
            low, high = 0.0, needed
            if sum(high**i for i in range(1, k + 1)) <= price:
                continue
            while high - low > 0.005:
                middle = (low + high) / 2
                enough = sum(middle**i for i in range(1, k + 1)) >= price
                low, high = (low, middle) if enough else (middle, high)
            needed = high
        return needed
