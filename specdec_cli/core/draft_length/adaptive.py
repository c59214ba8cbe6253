"""A draft length that follows the text and the machine, and steps aside where drafting loses."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, Literal, NamedTuple

from specdec_cli.core.draft_length.calibration import Calibration, bin_of
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.lookup_throttle import LookupThrottle
from specdec_cli.core.draft_length.policy import require_bounds
from specdec_cli.core.draft_length.size_probes import SizeProbes
from specdec_cli.core.draft_length.slowdown_budget import SlowdownBudget
from specdec_cli.core.draft_length.steps import PlannedSteps, Source
from specdec_cli.core.draft_length.stopping import solve
from specdec_cli.core.events import Parked, Round

_SOLVE_EVERY = 12
_SOLVE_SECONDS = 0.5
"""Rounds and seconds of decoding between two plans: a plan takes a millisecond."""

_SOLVES_AT_FIRST = 4
"""Plans that are made without regard to the seconds, as the first rounds teach most."""

_RATE_GAIN = 1 / 50
"""By round, the weight of the newest in tokens per time: the speed of late is that of 50 rounds."""

_RATE_FROM_START = 8.0
"""Rounds that the start counts for, when a plain pass gave a token."""

_GAP, _LONGEST_GAP = 8, 128
"""Tokens between two probes while no gain is expected, at first and at most."""

_FORCED_PROBE = 4
"""Every so many probes the token is verified however unsure the drafter is, to learn of those."""

_NO_CONFIDENCE = 0.5
"""What is noted for a drafter that does not say how sure it is."""

_TRUST_WEIGHT = 4.0
"""Tokens of free drafts that kept their promise, as if seen before the first."""

_TRUST_KEPT, _TRUST_KEPT_IDLE = 0.98, 0.998
"""How much of what free drafts promised and kept is remembered, by token and by idle round."""

_NOTHING_MORE = 1.02
"""A longer probe whose pass costs no more than this times that of a shorter one is taken."""

_IDLE_LOOKS = 8
"""While parked, or where drafts are only looked for, plain rounds of which one is looked at."""

_STALL = 1.35
"""Times what a pass or step usually takes, beyond which it is a stall. Times of a quiet machine
spread by a tenth or two."""

_MISSED = 4
"""Tokens a drafter may have missed without its next step being dearer by what it has to read."""

_TOGETHER = 6
"""Rounds that are taken in together."""

_TELLING = 4.0
"""Tokens looked at of late, after forgetting, from which the share of accepted ones is told."""


class _Told(NamedTuple):
    """A round, and what has to be known of it to learn from it."""

    round: Round
    confidence: Sequence[float]
    chances: Sequence[float]
    rows: int
    between: float
    stepped: bool  # a drafter worked in steps
    probing: bool
    outlay: float  # seconds of reading that drafting had not earned before
    looked: bool  # its pass had more rows, to see what they cost


class AdaptiveLength:
    """Drafts as far as it pays, by measured costs and observed acceptance.

    ``next`` gives the most that may be drafted. While drafting, the drafter asks what ``begin``
    gave it before it draws a token, and before it pays for another step. Both answers look at
    confidences of laws, never at a token drawn from the last of them, so they leave the output's
    law alone. All that was drawn is to be verified, in a pass of ``rows`` rows.

    Where no draft length is expected to pay it parks: it decodes plainly, but for a probe after 8
    tokens and then after more and more, up to 128.

    Whatever is expected, a ``SlowdownBudget`` bounds what drafting may lose against plain decoding:
    a draft goes no further than what it can lose is left.

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
        self._guard = SlowdownBudget(patience, savings, share, steps=bool(sources), free=free)
        self._looks = LookupThrottle()
        self._sizes = SizeProbes()
        self._looked = 0  # rows of a pass that was given more of them, to see what they cost
        # Of the recent rounds, in tokens and in plain passes.
        self._tokens = self._passes = 1.0
        self._rounds = 0.0
        self._won = self._lost = 0.0
        # What the plan was made for: tokens per plain pass, and passes by rows in plain passes.
        self._rate = 1.0
        self._curve: list[float] = []
        self._risk = 0.0
        # By length, what a draft may lose at most, rising, in plain passes.
        self._step_risks: list[float] = []
        self._free_risks: list[float] = []
        # Of the free drafts of late, tokens that were expected to be accepted, and that were.
        self._promised = self._kept = 0.0
        self._since_solved = 0
        self._unsolved_seconds = 0.0
        self._since_drafted = 0
        self._since_resumed = 0
        self._gap = _GAP
        self._probes = 0
        # How far drafters that work in steps may go this round, and those that find whole drafts.
        self._reach = self._free_reach = 0
        self._probing = self._forcing = False
        self._at_ease = False  # the guard has no part in how far to draft
        self._missed = 0  # tokens that a drafter reads this round
        self._outlay = 0.0  # and what of their time drafting had not earned
        self._solves = 0
        self._idle = 0
        self.rounds = 0
        self._told: list[_Told] = []

    # --- before and while drafting ----------------------------------------------------------------

    def next(self, budget: int) -> int:
        limit = min(budget, self._maximum)
        self._reach = self._free_reach = self._looked = 0
        self._probing = self._forcing = self._at_ease = False
        if limit < max(self.minimum, 1) or self.costs.stale:
            return 0
        if not self._solves:
            self._solve()
        self._reach = self._next_steps(limit)
        plain = self.costs.plain
        if self._free and self._looks.due(plain):
            most = _affordable(self._free_risks, self._guard.free_stake(plain) / plain)
            self._free_reach = min(limit, most) if most >= max(self.minimum, 1) else 0
        return max(self._reach, self._free_reach)

    def _next_steps(self, limit: int) -> int:
        """How far a drafter that works in steps may go."""
        probing = self.parked is not None and self.parked.reason == "no gain"
        if not self._sources or (probing and self._since_drafted < self._gap):
            return 0
        plain = self.costs.plain
        affordable = _affordable(self._step_risks, self._guard.stake(plain) / plain)
        self._at_ease = affordable >= self._maximum
        limit = min(limit, affordable)
        if limit < max(self.minimum, 1):
            return 0
        if not probing:
            return self._longest(limit)
        self._probing = True
        self._forcing = (self._probes + 1) % _FORCED_PROBE == 0
        return min(self._probe_length(), limit)

    def start(self, tokens: int, seconds: float) -> None:
        for known in self._sources.values():
            known.reading.start(tokens, seconds)

    def reads(self, source: str, missed: int) -> bool:
        known, plain = self._sources[source], self.costs.plain
        price = known.reading.price(missed, self.costs.step(source), plain)
        risk = self._step_risks[self._reach - 1] * plain
        to_lose = max(self._guard.stake(plain) - risk, 0.0)
        gain = known.plan.gain / self._rate * plain
        outlay = known.reading.outlay(price, to_lose, gain)
        if outlay is None:
            self._reach = 0
            self._probing = self._forcing = False
            return False
        self._missed, self._outlay = missed, outlay
        return True

    def reach(self, source: str) -> int:
        return self._reach if source in self._sources else self._free_reach

    def cut(self, confidences: Sequence[float], seconds: float = 0.0) -> int:
        length = self._worth(confidences)
        self._looks.observe(seconds, found=length > 0)
        return length

    def _worth(self, confidences: Sequence[float]) -> int:
        """How much of a draft to take."""
        curve, rate, chance = self._curve, self._rate, 1.0
        trust = min((self._kept + _TRUST_WEIGHT) / (self._promised + _TRUST_WEIGHT), 1.0)
        total, best, length = rate * curve[0], 0.0, 0
        for k, confidence in enumerate(confidences[: self._free_reach], 1):
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
        """How many rows to give the target's pass: more than ``needed`` where that is cheaper.

        Now and then more, to see what that costs.
        """
        costs, drafted = self.costs, needed - 1
        if costs.pads and 0 < drafted <= len(self._step_risks):
            plain = costs.plain
            to_lose = self._guard.stake(plain) if self._reach else self._guard.free_stake(plain)
            risks = self._step_risks if self._reach else self._free_risks
            self._looked = self._sizes.due(
                needed,
                costs.largest,
                lambda rows: costs.seconds(rows) / plain,
                to_lose / plain - risks[drafted - 1],
            )
        return self._looked or costs.rows(needed)

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
        self._sizes.observe(rows or round.drafted + 1, len(round.tokens))
        plainly = not round.drafted and not self._reach and not self.costs.stale
        if plainly and (self.parked is not None or not self._sources):
            # Perhaps for long: a look now and then is enough.
            self._idle += 1
            if self._idle % _IDLE_LOOKS:
                self._pass_by(round)
                return
        outlay, self._outlay = self._outlay, 0.0
        looked, self._looked = self._looked > 0, 0
        if round.read_seconds:
            reading = self._sources[self._name(round)].reading
            reading.observe(self._missed, round.read_seconds, interrupted=round.interrupted)
        # Whether a drafter worked in steps.
        stepped = self._reach > 0 and (round.source in self._sources or not self._free)
        self._told.append(
            _Told(
                round,
                confidence,
                chances,
                rows or round.drafted + 1,
                between,
                stepped,
                self._probing and stepped,
                outlay,
                looked,
            )
        )
        if not (stepped and self._can_wait(round)):
            self._take_in()

    def _pass_by(self, round: Round) -> None:
        """Take in no more of a plain round than what has to add up."""
        tokens = len(round.tokens)
        self._since_drafted += tokens
        self._since_resumed += tokens
        self._guard.idle(tokens, round.draft_seconds)
        if self._guard.compares:
            usual = min(round.verify_seconds, _STALL * self.costs.plain)
            self._guard.plain_pass(usual, round.verify_seconds - usual)
        if self.parked is None:
            self._count(tokens, 1.0)
            self._promised *= _TRUST_KEPT_IDLE
            self._kept *= _TRUST_KEPT_IDLE

    def _can_wait(self, round: Round) -> bool:
        """Whether there is time to think about a round: drafting won, and nothing has to end.

        After a pass nothing is in the processor's caches, so that a few rounds together take little
        more than one. While credit is not yet written down the guard is stricter, never laxer.
        """
        seconds = round.draft_seconds + round.verify_seconds
        won = seconds < len(round.tokens) * self.costs.plain
        return won and self.parked is None and self._at_ease and len(self._told) < _TOGETHER

    def _take_in(self) -> None:
        for told in self._told:
            self._take(told)
        self._told.clear()

    def _take(self, told: _Told) -> None:
        outcome, stepped = told.round, told.stepped
        self._probes += told.probing
        plain = self.costs.plain
        seconds, interrupted = outcome.verify_seconds, outcome.interrupted
        counts = self.costs.observe(told.rows, seconds, interrupted=interrupted, looked=told.looked)
        if stepped:
            self._learn(told)
        elif self._free:
            self._judge(told)
        plain = plain or self.costs.plain
        if not plain:
            return
        if interrupted:
            told = self._as_usual(told)
            outcome = told.round
        tokens = len(outcome.tokens)
        seconds = outcome.draft_seconds - outcome.read_seconds + outcome.verify_seconds
        self._unsolved_seconds += seconds
        # What a round costs whatever it drafts makes no draft dearer, but a second a better one.
        self._count(tokens, (seconds + min(told.between, plain)) / plain)
        self._charge(told, stalls=counts)
        self._since_drafted = 0 if stepped else self._since_drafted + tokens
        self._since_resumed += tokens
        self._decide(told.probing, paid=tokens * plain >= seconds)

    def _as_usual(self, told: _Told) -> _Told:
        """A round that was interrupted, with the times that it would have taken.

        What other programs took from it, plain decoding would have lost as well.
        """
        outcome, drafting = told.round, 0.0
        if told.stepped:
            steps = max(len(told.confidence), outcome.drafted)
            drafting = steps * self.costs.step(self._name(outcome))
        verifying = self.costs.seconds(told.rows)
        usual = replace(outcome, draft_seconds=drafting, verify_seconds=verifying, read_seconds=0.0)
        return told._replace(round=usual, between=0.0)

    def _charge(self, told: _Told, *, stalls: bool) -> None:
        """Tell the guard what a round won or lost.

        Args:
            stalls: whether the pass was as such passes are, but for stalls.
        """
        outcome, stepped, guard = told.round, told.stepped, self._guard
        plain, tokens = self.costs.plain, len(outcome.tokens)
        draft = outcome.draft_seconds - outcome.read_seconds
        verify = min(outcome.verify_seconds, _STALL * self.costs.seconds(told.rows))
        if stepped and self._is_up_to_date(outcome):
            steps = max(len(told.confidence), outcome.drafted)
            draft = min(draft, _STALL * steps * self.costs.step(self._name(outcome)))
        beyond = outcome.draft_seconds - outcome.read_seconds + outcome.verify_seconds
        beyond -= draft + verify
        if outcome.drafted or stepped:
            won = tokens * plain - draft - verify - told.outlay
            if stalls:
                guard.stalled(draft + verify, beyond, stepped=stepped)
        else:
            won = -outcome.draft_seconds  # to have looked for a draft in vain
            if stalls:
                guard.plain_pass(verify, beyond)
        guard.charge(tokens, won, plain, self._risk, stepped=stepped)

    def _is_up_to_date(self, outcome: Round) -> bool:
        """Whether the first step read no more than a token or two that the drafter had missed."""
        return self._since_drafted <= _MISSED or outcome.read_seconds > 0.0

    def _learn(self, told: _Told) -> None:
        outcome, confidence = told.round, told.confidence
        source = self._name(outcome)
        known = self._sources[source]
        steps = max(len(confidence), outcome.drafted)
        if self._is_up_to_date(outcome):
            seconds = outcome.draft_seconds - outcome.read_seconds
            self.costs.observe_draft(source, steps, seconds, interrupted=outcome.interrupted)
        if outcome.drafted:
            known.speaks = bool(confidence)
        if not known.speaks:
            confidence = (_NO_CONFIDENCE,) * outcome.drafted
        # Where the answer ended within the draft, nothing was rejected.
        rejected = outcome.drafted > outcome.accepted and len(outcome.tokens) > outcome.accepted
        known.calibration.observe(
            confidence, outcome.accepted, rejected, told.chances, stands_for=1 + self._since_drafted
        )
        self._won += outcome.accepted
        self._lost += rejected
        kept = (1 - _RATE_GAIN) ** (outcome.accepted + rejected)
        self._won *= kept
        self._lost *= kept

    def _name(self, outcome: Round) -> str:
        """Which drafter worked; one that had nothing to propose may not say."""
        return outcome.source if outcome.source in self._sources else next(iter(self._sources))

    def _judge(self, told: _Told) -> None:
        """Compare what a free draft promised with what came of it."""
        outcome, confidence, chances = told.round, told.confidence, told.chances
        decided = min(outcome.accepted + 1, outcome.drafted, len(outcome.tokens))
        kept = _TRUST_KEPT**decided if decided else _TRUST_KEPT_IDLE
        self._promised *= kept
        self._kept *= kept
        self._promised += sum(confidence[:decided])
        self._kept += sum(chances[:decided]) if chances else min(outcome.accepted, decided)

    def _count(self, tokens: int, passes: float) -> None:
        self._rounds += 1.0
        gain = max(_RATE_GAIN, 1 / (self._rounds + _RATE_FROM_START))
        self._tokens += gain * (tokens - self._tokens)
        self._passes += gain * (passes - self._passes)

    def _decide(self, probing: bool, *, paid: bool) -> None:
        self._since_solved += 1
        if self.parked is not None and self.parked.reason == "no gain":
            if probing:
                self._gap = max(self._gap // 2, _GAP) if paid else min(self._gap * 2, _LONGEST_GAP)
                self._resume_or_wait()
            return
        rarely = self._unsolved_seconds < _SOLVE_SECONDS and self._solves >= _SOLVES_AT_FIRST
        if self._since_solved >= _SOLVE_EVERY and not rarely and not self._solve():
            self._park("no gain")
        elif self.parked is None or not self._since_solved:  # or what is said of it is old
            if not self._at_ease and self._is_losing():
                self._park("losing")
        elif not self._guard.is_down(self.costs.plain, stepped=bool(self._sources)):
            self._resume_or_wait()

    def _is_losing(self) -> bool:
        """Whether so much is lost that not even the shortest draft can be afforded."""
        plain, shortest = self.costs.plain, max(self.minimum, 1)
        if not self._guard.is_down(plain, stepped=bool(self._sources)):
            return False
        if self._sources:
            return _affordable(self._step_risks, self._guard.stake(plain) / plain) < shortest
        return _affordable(self._free_risks, self._guard.free_stake(plain) / plain) < shortest

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
        step = self._step() / plain
        self._risk = max((step + curve[1] - 1.0) * plain if len(curve) > 1 else 0.0, 0.0)
        self._free_risks = list(accumulate((v - 1.0 for v in curve[1:]), max))
        self._step_risks = list(
            accumulate((k * step + v - 1.0 for k, v in enumerate(curve[1:], 1)), max)
        )
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
        credit = self._guard.saved(self.costs.plain) if self.costs.plain else {}
        return {"costs": self.costs.as_dict(), "calibration": known, "credit": credit}

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
            credit = self._guard.can_be_brought(cached.get("credit", {}))
            costs = cached["costs"]
        except (AttributeError, KeyError, OverflowError, TypeError) as error:
            raise ValueError(f"not what was learnt: {error}") from error
        self.costs.restore(costs)
        self._guard.bring(credit, self.costs.plain)
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


def _affordable(risks: Sequence[float], stake: float) -> int:
    """The longest draft that loses no more than ``stake``; ``risks`` are rising, from length 1."""
    return bisect_right(risks, stake)
