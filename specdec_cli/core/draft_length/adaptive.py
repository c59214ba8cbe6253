"""A draft length that follows the text and the machine, and steps aside where drafting loses."""

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
from specdec_cli.core.draft_length.slowdown_budget import Credit, SlowdownBudget
from specdec_cli.core.draft_length.steps import PlannedSteps, Source
from specdec_cli.core.events import Parked, Round

_IDLE_LOOKS = 8
"""While parked, or where drafts are only looked for, plain rounds of which one is looked at."""

_TOGETHER = 6
"""Rounds that are taken in together."""


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
        sources: Sequence[str],
        free: bool = False,
        p_min: float = 0.0,
        patience: float = 8.0,
        savings: float = 12.0,
        share: float = 0.01,
    ) -> None:
        require_bounds(draft_min, draft_max)
        self.minimum = draft_min
        self.costs = costs if costs is not None else CostModel(draft_max + 1)
        self.asks = True
        self.p_min = p_min
        self.rounds = 0
        self._maximum = draft_max
        self._sources = {name: Source() for name in sources}
        self._planner = Planner(self.costs, draft_min, draft_max, self._sources)
        self._parking = Parking(self._planner.break_even)
        self._budget = SlowdownBudget(patience, savings, share, steps=bool(sources), free=free)
        self._ledger = Ledger(self.costs, self._budget)
        self._free = FreeDrafts(self._planner, draft_min) if free else None
        self._probes_of_sizes = SizeProbes()
        # Of the round under way: how far drafters that work in steps may go, and those that find
        # whole drafts; tokens that a drafter reads first, and what of their time was not earned;
        # rows that its pass has more, to see what they cost; the steps that were begun; of a look
        # for a free draft its seconds, and whether one was found.
        self._reach = self._free_reach = 0
        self._missed = 0
        self._outlay = 0.0
        self._looked = 0
        self._steps: PlannedSteps | None = None
        self._lookup: tuple[float, bool] | None = None
        self._at_ease = False  # the budget has no part in how far to draft
        self._before: Credit | None = None  # who drafted for the pass before, if it had a draft
        self._idle = 0
        self._resting = self._rested = 0  # plain rounds to come, and gone by, that pass it by
        self._observed: list[Observed] = []

    @property
    def parked(self) -> Parked | None:
        return self._parking.reason

    # --- before and while drafting ----------------------------------------------------------------

    def next(self, budget: int) -> int:
        if self._resting:
            return 0
        if self._rested:
            self._wake()
        limit = min(budget, self._maximum)
        self._reach = self._free_reach = self._looked = 0
        self._at_ease = False
        self._parking.no_probe()
        if limit < max(self.minimum, 1) or self.costs.stale:
            return 0
        if not self._planner.exists:
            self._planner.plan()
        self._reach = self._next_steps(limit)
        plain = self.costs.plain
        if self._free and self._free.lookups.due(plain):
            most = affordable(self._planner.free_risks, self._budget.free_stake(plain) / plain)
            self._free_reach = min(limit, most) if most >= max(self.minimum, 1) else 0
        return max(self._reach, self._free_reach)

    def _next_steps(self, limit: int) -> int:
        """How far a drafter that works in steps may go."""
        if not self._sources or self._parking.waits:
            return 0
        plain = self.costs.plain
        most = affordable(self._planner.step_risks, self._budget.stake(plain) / plain)
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
        risk = self._planner.step_risks[self._reach - 1] * plain
        to_lose = max(self._budget.stake(plain) - risk, 0.0)
        gain = known.plan.gain / self._planner.rate * plain
        outlay = known.reading.outlay(price, to_lose, gain)
        if outlay is None:
            self._reach = 0
            self._parking.no_probe()
            return False
        self._missed, self._outlay = missed, outlay
        return True

    def reach(self, source: str) -> int:
        return self._reach if source in self._sources else self._free_reach

    def cut(self, confidences: Sequence[float], seconds: float = 0.0) -> int:
        if self._free is None:
            return 0
        rival = self._planner.gain if self._reach and not self._parking.probing else 0.0
        length = self._free.worth(confidences, self._free_reach, rival)
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
        stepped, planner = self._reach > 0, self._planner
        risks = planner.step_risks if stepped else planner.free_risks
        if costs.pads and 0 < drafted <= len(risks):
            plain = costs.plain
            stake = self._budget.stake(plain) if stepped else self._budget.free_stake(plain)
            self._looked = self._probes_of_sizes.due(
                needed,
                costs.largest,
                lambda rows: costs.seconds(rows) / plain,
                stake / plain - risks[drafted - 1],
            )
        return self._looked or costs.rows(needed)

    # --- after the round --------------------------------------------------------------------------

    def observe(
        self,
        round: Round,
        confidence: Sequence[float] = (),
        chances: Sequence[float] = (),
        rows: int | None = None,
    ) -> None:
        self.rounds += 1
        if self._resting:
            self._resting -= 1
            self._rested += 1
            return
        rows = rows or round.drafted + 1
        self._settle()
        self._probes_of_sizes.observe(rows, len(round.tokens))
        follows, self._before = self._before if rows == 1 else None, None
        plainly = not round.drafted and not self._reach and not self.costs.stale and not follows
        if plainly and (self.parked is not None or not self._sources):
            # Perhaps for long: a look now and then is enough.
            self._idle += 1
            if self._idle % _IDLE_LOOKS:
                self._pass_by(round)
                self._rest()
                return
        outlay, self._outlay = self._outlay, 0.0
        looked, self._looked = self._looked > 0, 0
        if round.read_seconds:
            reading = self._sources[self._name(round)].reading
            reading.observe(self._missed, round.read_seconds, interrupted=round.interrupted)
        # Whether a drafter worked in steps.
        stepped = self._reach > 0 and (round.source in self._sources or self._free is None)
        source = self._name(round) if stepped else ""
        probing = self._parking.probing and stepped
        if rows > 1:
            self._before = "steps" if stepped else "found"
        self._observed.append(
            Observed(round, confidence, chances, rows, source, probing, outlay, looked, follows)
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
            rounds = min(rounds, self._free.lookups.rest(self.costs.plain))
        self._resting = rounds

    def _wake(self) -> None:
        """Take in rounds that passed by: plain ones, of a token each."""
        rounds, self._rested = self._rested, 0
        self._idle += rounds
        self._parking.passed(rounds, drafted=False)
        self._budget.idle(rounds, 0.0)
        if self._free:
            self._free.lookups.skip(rounds)
        if self.parked is None:
            for _ in range(rounds):
                self._planner.count(1, 1.0)
                if self._free:
                    self._free.idle()

    def _settle(self) -> None:
        """Learn what drafting told, now that its round is over."""
        if self._steps is not None:
            self._steps.settle()
            self._steps = None
        if self._lookup is not None and self._free:
            seconds, found = self._lookup
            self._free.lookups.observe(seconds, found=found)
            self._lookup = None

    def _pass_by(self, round: Round) -> None:
        """Take in no more of a plain round than what has to add up."""
        tokens = len(round.tokens)
        self._parking.passed(tokens, drafted=False)
        self._budget.idle(tokens, round.draft_seconds)
        self._ledger.plain_pass(round.verify_seconds)
        if self.parked is None:
            self._planner.count(tokens, 1.0)
            if self._free:
                self._free.idle()

    def _can_wait(self, round: Round) -> bool:
        """Whether there is time to think about a round: drafting won, and nothing has to end.

        After a pass nothing is in the processor's caches, so that a few rounds together take little
        more than one. While credit is not yet written down the budget is stricter, never laxer.
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
            self._free.judge(outcome, observed.confidence, observed.chances)
        plain = plain or costs.plain
        if not plain:
            return
        if outcome.interrupted:
            observed = self._ledger.as_usual(observed)
            outcome = observed.round
        tokens = len(outcome.tokens)
        seconds = observed.drafting_seconds + outcome.verify_seconds
        self._planner.spent(seconds)
        # What a round costs whatever it drafts makes no draft dearer, but a second a better one.
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
            known.speaks = bool(confidence)
        if not known.speaks:
            confidence = (NO_CONFIDENCE,) * outcome.drafted
        # Where the answer ended within the draft, nothing was rejected.
        rejected = outcome.drafted > outcome.accepted and len(outcome.tokens) > outcome.accepted
        known.calibration.observe(
            confidence,
            outcome.accepted,
            rejected,
            observed.chances,
            stands_for=1 + self._parking.since_drafted,
        )
        self._parking.learn(outcome.accepted, rejected=rejected)

    def _name(self, outcome: Round) -> str:
        """Which drafter worked; one that had nothing to propose may not say."""
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
        """Whether so much is lost that not even the shortest draft can be afforded."""
        plain, stepped = self.costs.plain, bool(self._sources)
        if not self._budget.is_down(plain, stepped=stepped):
            return False
        planner, budget = self._planner, self._budget
        stake = budget.stake(plain) if stepped else budget.free_stake(plain)
        risks = planner.step_risks if stepped else planner.free_risks
        return affordable(risks, stake / plain) < max(self.minimum, 1)

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
        credit = self._budget.saved(self.costs.plain) if self.costs.plain else {}
        return {"costs": self.costs.as_dict(), "calibration": known, "credit": credit}

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
            credit = self._budget.can_be_brought(cached.get("credit", {}))
            costs = cached["costs"]
        except (AttributeError, KeyError, OverflowError, TypeError) as error:
            raise ValueError(f"not what was learnt: {error}") from error
        self.costs.restore(costs)
        self._budget.bring(credit, self.costs.plain)
        for name, calibration in known.items():
            self._sources[name].calibration = calibration
