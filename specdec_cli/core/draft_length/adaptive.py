"""Draft lengths that adapt to the text and the machine; drafting is parked where it loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specdec_cli.core.draft_length.calibration import Calibration
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.free_drafts import FreeDrafts
from specdec_cli.core.draft_length.ledger import Ledger, Observed
from specdec_cli.core.draft_length.parking import Parking
from specdec_cli.core.draft_length.planner import NO_CONFIDENCE, Planner, affordable
from specdec_cli.core.draft_length.policy import require_bounds
from specdec_cli.core.draft_length.size_probes import SizeProbes
from specdec_cli.core.draft_length.slowdown_budget import Account, SlowdownBudget
from specdec_cli.core.draft_length.steps import PlannedSteps, Source
from specdec_cli.core.events import Parked, Round

_IDLE_LOOKS = 8
"""While parked, or with n-grams alone, one plain round in so many is evaluated."""

_TOGETHER = 6
"""Rounds that are evaluated together."""


class AdaptiveLength:
    """Drafts as far as it pays, by measured costs and observed acceptance.

    ``next`` returns the longest draft allowed. While drafting, the drafter asks the result of
    ``begin`` before it draws a token and before it makes another step. The answers depend on
    confidences of distributions, never on a token drawn from the last one, so the output's
    distribution does not change. Everything drawn is verified, in a pass of ``rows`` rows.

    Where no draft length is expected to pay, drafting is parked, except for a probe after 8 tokens
    and then after more and more, up to 128.

    Whatever is expected, a ``SlowdownBudget`` bounds what drafting may lose against plain decoding:
    no draft may be longer than the budget allows.

    Free drafts are offered to ``trim`` whole, with probabilities of acceptance. These are scaled by
    how often they came true recently, since the best of many tends to be overrated. A free draft is
    taken where its rows are expected to add more than drafting step by step. Parking does not apply
    to free drafts, and the budget has a separate account for them. Where searching for them takes
    time and finds nothing, it is done less often.

    Args:
        draft_min: the shortest draft; a round may still draft nothing.
        draft_max: the longest draft.
        costs: measured before, or to be measured from the rounds.
        sources: the drafters that work in steps.
        free: whether there is a drafter whose drafts are free.
        p_min: the user's bound: tokens whose distribution has no probability as large are left out.
        max_loss, max_savings, income: of the budget.

    Attributes:
        minimum: the shortest draft; already part of the plan.
        parked: why nothing is drafted now, if so.
        needs_confidence: confidences matter.
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
        sources: Sequence[str],
        free: bool = False,
        p_min: float = 0.0,
        max_loss: float = 8.0,
        max_savings: float = 12.0,
        income: float = 0.01,
    ) -> None:
        require_bounds(draft_min, draft_max)
        self.minimum = draft_min
        self.costs = costs if costs is not None else CostModel(draft_max + 1)
        self.needs_confidence = True
        self.p_min = p_min
        self.rounds = 0
        self._maximum = draft_max
        self._sources = {name: Source() for name in sources}
        self._planner = Planner(self.costs, draft_min, draft_max, self._sources)
        self._parking = Parking(self._planner.break_even)
        self._budget = SlowdownBudget(max_loss, max_savings, income, steps=bool(sources), free=free)
        self._ledger = Ledger(self.costs, self._budget)
        self._free = FreeDrafts(self._planner, draft_min) if free else None
        self._probes_of_sizes = SizeProbes()
        # State of the round: limits for drafters that work in steps and for free drafts; tokens
        # that a drafter reads first, and the unearned part of their time; rows of a probed size;
        # the steps begun; seconds of the search for a free draft, and whether one was found.
        self._step_limit = self._free_limit = 0
        self._missed = 0
        self._outlay = 0.0
        self._looked = 0
        self._steps: PlannedSteps | None = None
        self._lookup: tuple[float, bool] | None = None
        self._at_ease = False  # the budget does not limit drafts
        self._before: Account | None = None  # the account of the draft in the pass before, if any
        self._idle = 0
        self._resting = self._rested = 0  # plain rounds to come, and gone by, that pass it by
        self._observed: list[Observed] = []

    @property
    def parked(self) -> Parked | None:
        return self._parking.reason

    # --- before and while drafting ----------------------------------------------------------------

    def next(self, budget: int) -> int:
        if self._resting and not self.costs.stale:
            return 0
        self._resting = 0
        if self._rested:
            self._wake()
        limit = min(budget, self._maximum)
        self._step_limit = self._free_limit = self._looked = 0
        self._at_ease = False
        self._parking.no_probe()
        if limit < max(self.minimum, 1) or self.costs.stale:
            return 0
        if not self._planner.exists:
            self._planner.plan()
        self._step_limit = self._next_steps(limit)
        plain = self.costs.plain
        if self._free and self._free.throttle.due(plain):
            most = affordable(self._planner.free_risks, self._budget.free_allowance(plain) / plain)
            self._free_limit = min(limit, most) if most >= max(self.minimum, 1) else 0
        return max(self._step_limit, self._free_limit)

    def _next_steps(self, limit: int) -> int:
        """The limit for drafters that work in steps."""
        if not self._sources or self._parking.waits:
            return 0
        plain = self.costs.plain
        most = affordable(self._planner.step_risks, self._budget.allowance(plain) / plain)
        self._at_ease = most >= self._maximum
        limit = min(limit, most)
        if limit < max(self.minimum, 1):
            return 0
        if not self._parking.for_no_gain:
            return self._planner.longest(limit)
        self._parking.begin_probe()
        return min(self._planner.probe_length(), limit)

    def start(self, tokens: int, seconds: float) -> None:
        self._resting = 0
        self._before = None
        for known in self._sources.values():
            known.reading.start(tokens, seconds)

    def reads(self, source: str, missed: int) -> bool:
        known, plain = self._sources[source], self.costs.plain
        price = known.reading.price(missed, self.costs.step(source), plain)
        risk = self._planner.step_risks[self._step_limit - 1] * plain
        to_lose = max(self._budget.allowance(plain) - risk, 0.0)
        gain = known.plan.gain / self._planner.rate * plain
        outlay = known.reading.outlay(price, to_lose, gain)
        if outlay is None:
            self._step_limit = 0
            self._parking.no_probe()
            return False
        self._missed, self._outlay = missed, outlay
        return True

    def limit_for(self, source: str) -> int:
        return self._step_limit if source in self._sources else self._free_limit

    def trim(self, confidences: Sequence[float], seconds: float = 0.0) -> int:
        if self._free is None:
            return 0
        rival = self._planner.gain if self._step_limit and not self._parking.probing else 0.0
        length = self._free.worth(confidences, self._free_limit, rival)
        self._lookup = seconds, length > 0
        return length

    def begin(self, source: str) -> PlannedSteps:
        parking = self._parking
        steps = PlannedSteps(
            self._sources[source],
            self.minimum,
            self.p_min,
            probing=parking.probing,
            forcing=parking.forcing,
        )
        self._steps = steps
        return steps

    def rows(self, needed: int) -> int:
        """How many rows to give the target's pass: more than ``needed`` where that is cheaper.

        Now and then more, to see what that costs.
        """
        costs, drafted = self.costs, needed - 1
        stepped, planner = self._step_limit > 0, self._planner
        risks = planner.step_risks if stepped else planner.free_risks
        if costs.pads and 0 < drafted <= len(risks):
            plain = costs.plain
            budget = self._budget
            allowance = budget.allowance(plain) if stepped else budget.free_allowance(plain)
            self._looked = self._probes_of_sizes.due(
                needed,
                costs.largest,
                lambda rows: costs.seconds(rows) / plain,
                allowance / plain - risks[drafted - 1],
            )
        return self._looked or costs.rows(needed)

    # --- after the round --------------------------------------------------------------------------

    def observe(
        self,
        round: Round,
        confidence: Sequence[float] = (),
        acceptance: Sequence[float] = (),
        rows: int | None = None,
    ) -> None:
        self.rounds += 1
        if self._resting:
            self._resting -= 1
            self._rested += 1
            return
        rows = rows or round.drafted + 1
        self._end_draft()
        self._probes_of_sizes.observe(rows, len(round.tokens))
        follows, self._before = self._before if rows == 1 else None, None
        plainly = not (round.drafted or self._step_limit or self.costs.stale or follows)
        if plainly and (self.parked is not None or not self._sources):
            # This may go on for long: an evaluation now and then is enough.
            self._idle += 1
            if self._idle % _IDLE_LOOKS:
                self._count_idle(len(round.tokens), round.draft_seconds)
                self._ledger.plain_pass(round.verify_seconds)
                self._rest()
                return
        outlay, self._outlay = self._outlay, 0.0
        looked, self._looked = self._looked > 0, 0
        if round.read_seconds:
            reading = self._sources[self._name(round)].reading
            reading.observe(self._missed, round.read_seconds, interrupted=round.interrupted)
        # Whether a drafter worked in steps.
        stepped = self._step_limit > 0 and (round.source in self._sources or self._free is None)
        source = self._name(round) if stepped else ""
        probing = self._parking.probing and stepped
        if rows > 1:
            self._before = "steps" if stepped else "found"
        self._observed.append(
            Observed(round, confidence, acceptance, rows, source, probing, outlay, looked, follows)
        )
        if not (stepped and self._can_wait(round)):
            self._take_in()
            if plainly:
                self._rest()

    def _rest(self) -> None:
        """See to it that as many rounds pass by as nothing can be drafted in.

        Where a pass takes less than a millisecond, to be asked and told costs percents of it.
        """
        if self.costs.stale or self._budget.compares:
            return
        rounds = _IDLE_LOOKS - 1 - self._idle % _IDLE_LOOKS
        if self._sources:
            rounds = min(rounds, self._parking.rest)
        if self._free:
            rounds = min(rounds, self._free.throttle.rest(self.costs.plain))
        self._resting = rounds

    def _wake(self) -> None:
        """Take in rounds that passed by: plain ones, of a token each."""
        rounds, self._rested = self._rested, 0
        self._idle += rounds
        if self._free:
            self._free.throttle.skip(rounds)
        self._count_idle(rounds)

    def _count_idle(self, tokens: int, searched: float = 0.0) -> None:
        """Take in of plain rounds, of a token each, no more than what has to add up."""
        self._parking.passed(tokens, drafted=False)
        self._budget.idle(tokens, searched)
        if self.parked is None:
            for _ in range(tokens):
                self._planner.count(1, 1.0)
                if self._free:
                    self._free.idle()

    def _end_draft(self) -> None:
        """Learn from the draft, now that its round is over."""
        if self._steps is not None:
            self._steps.count_refused()
            self._steps = None
        if self._lookup is not None and self._free:
            seconds, found = self._lookup
            self._free.throttle.observe(seconds, found=found)
            self._lookup = None

    def _can_wait(self, round: Round) -> bool:
        """Whether there is time to think about a round: drafting won, and nothing has to end.

        After a pass nothing is in the processor's caches, so that a few rounds together take little
        more than one. While gains are not yet written down the budget is stricter, never laxer.
        """
        seconds = round.draft_seconds + round.verify_seconds
        won = seconds < len(round.tokens) * self.costs.plain
        return won and self.parked is None and self._at_ease and len(self._observed) < _TOGETHER

    def _take_in(self) -> None:
        for observed in self._observed:
            self._take(observed)
        self._observed.clear()

    def _take(self, observed: Observed) -> None:
        if observed.probing:
            self._parking.probed()
        costs, outcome, stepped = self.costs, observed.round, bool(observed.source)
        plain = costs.plain
        counts = costs.observe(
            observed.rows,
            outcome.verify_seconds,
            interrupted=outcome.interrupted,
            looked=observed.looked,
        )
        up_to_date = observed.is_up_to_date(self._parking.since_drafted)
        if stepped:
            self._learn(observed, up_to_date=up_to_date)
        elif self._free:
            self._free.observe(outcome, observed.confidence, observed.acceptance)
        plain = plain or costs.plain
        if not plain:
            return
        if outcome.interrupted:
            observed = self._ledger.as_usual(observed)
            outcome = observed.round
        tokens = len(outcome.tokens)
        seconds = observed.drafting_seconds + outcome.verify_seconds
        self._planner.spent(seconds)
        # Time that a round takes whatever it drafts does not count against drafts, but lowers the
        # rate.
        self._planner.count(tokens, (seconds + min(outcome.other_seconds, plain)) / plain)
        risk = self._planner.one_token_risk
        self._ledger.charge(observed, risk, stalls=counts, up_to_date=up_to_date)
        if observed.follows:
            self._ledger.charge_switch(observed, observed.follows)
        self._parking.passed(tokens, drafted=stepped)
        self._decide(observed.probing, paid=tokens * plain >= seconds)

    def _learn(self, observed: Observed, *, up_to_date: bool) -> None:
        outcome, confidence = observed.round, observed.confidence
        known = self._sources[observed.source]
        if up_to_date:
            self.costs.observe_draft(
                observed.source,
                observed.steps,
                observed.drafting_seconds,
                interrupted=outcome.interrupted,
            )
        if outcome.drafted:
            known.has_confidence = bool(confidence)
        if not known.has_confidence:
            confidence = (NO_CONFIDENCE,) * outcome.drafted
        # If the answer ended within the draft, nothing was rejected.
        rejected = outcome.drafted > outcome.accepted and len(outcome.tokens) > outcome.accepted
        known.calibration.observe(
            confidence,
            outcome.accepted,
            rejected,
            observed.acceptance,
            stands_for=1 + self._parking.since_drafted,
        )
        self._parking.learn(outcome.accepted, rejected=rejected)

    def _name(self, outcome: Round) -> str:
        """Which drafter worked; one without a proposal may not name itself."""
        return outcome.source if outcome.source in self._sources else next(iter(self._sources))

    # --- to draft or not --------------------------------------------------------------------------

    def _decide(self, probing: bool, *, paid: bool) -> None:
        planner, parking = self._planner, self._parking
        planner.another_round()
        if parking.for_no_gain:
            if probing:
                parking.adjust_gap(paid=paid)
                self._resume_or_wait()
            return
        if planner.is_due and not planner.plan():
            parking.park("no gain")
        elif parking.reason is None or planner.is_new:  # or what is said of it is old
            if not self._at_ease and self._is_losing():
                parking.park("losing")
        elif not self._budget.is_down(self.costs.plain, stepped=bool(self._sources)):
            self._resume_or_wait()

    def _is_losing(self) -> bool:
        """Whether so much is lost that not even the shortest draft is allowed."""
        plain, stepped = self.costs.plain, bool(self._sources)
        if not self._budget.is_down(plain, stepped=stepped):
            return False
        planner, budget = self._planner, self._budget
        allowance = budget.allowance(plain) if stepped else budget.free_allowance(plain)
        risks = planner.step_risks if stepped else planner.free_risks
        return affordable(risks, allowance / plain) < max(self.minimum, 1)

    def _resume_or_wait(self) -> None:
        if self._planner.plan():
            self._parking.resume()
        else:
            self._parking.park("no gain")

    # --- from one run to the next -----------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """Return what was learnt of the machine and the drafters, for a cache."""
        self._take_in()
        known = {name: source.calibration.as_dict() for name, source in self._sources.items()}
        account = self._budget.saved(self.costs.plain) if self.costs.plain else {}
        return {"costs": self.costs.as_dict(), "calibration": known, "credit": account}

    def trust(self) -> None:
        """Begin as if drafts had paid before; what a plain pass costs must be known."""
        self._budget.trust(self.costs.plain)

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
            account = self._budget.carried_over(cached.get("credit", {}))
            costs = cached["costs"]
        except (AttributeError, KeyError, OverflowError, TypeError) as error:
            raise ValueError(f"not what was learnt: {error}") from error
        self.costs.restore(costs)
        self._budget.carry_over(account, self.costs.plain)
        for name, calibration in known.items():
            self._sources[name].calibration = calibration
