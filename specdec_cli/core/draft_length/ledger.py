"""Charges the budget with what each round saved or lost against plain decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.slowdown_budget import Account, SlowdownBudget
from specdec_cli.core.events import Round

_STALL = 1.35
"""Times what a pass or step usually takes, beyond which it is a stall. Times of a quiet machine
spread by a tenth or two."""

_MAX_SWITCH = 1.0
"""Extra time of a plain pass after a draft, in plain passes; anything beyond is a stall."""

_MISSED = 4
"""Tokens a drafter may have missed without a noticeable cost for its next step."""


class Observed(NamedTuple):
    """A round, and what is needed to learn from it.

    Args:
        confidence: what the draft's steps were asked about.
        acceptance: of acceptance, of the drafted tokens up to the rejected one, where known.
        rows: of the pass.
        source: the drafter that worked in steps; empty where none did.
        probing: the round was a probe.
        outlay: seconds of reading that drafting had not earned before.
        looked: the pass had more rows, to see what they cost.
        follows: it is a plain pass after one with a draft, of this account.
    """

    round: Round
    confidence: Sequence[float]
    acceptance: Sequence[float]
    rows: int
    source: str
    probing: bool
    outlay: float
    looked: bool
    follows: Account | None = None

    @property
    def steps(self) -> int:
        """How many steps the drafter made."""
        return max(len(self.confidence), self.round.drafted)

    @property
    def drafting_seconds(self) -> float:
        """Seconds of drafting, without what was read to begin with."""
        return self.round.draft_seconds - self.round.read_seconds

    def is_up_to_date(self, since_drafted: int) -> bool:
        """Whether the first step read no more than a token or two that the drafter had missed.

        Args:
            since_drafted: tokens since it last worked.
        """
        return since_drafted <= _MISSED or self.round.read_seconds > 0.0


class Ledger:
    """Charges rounds to the budget, by what passes and steps usually take."""

    def __init__(self, costs: CostModel, budget: SlowdownBudget) -> None:
        self._costs = costs
        self._budget = budget

    def plain_pass(self, seconds: float) -> None:
        """A plain pass of which nothing else is to be learnt took so many seconds."""
        if self._budget.compares:
            usual = min(seconds, _STALL * self._costs.plain)
            self._budget.plain_pass(usual, seconds - usual)

    def as_usual(self, observed: Observed) -> Observed:
        """A round that was interrupted, with the times that it would have taken.

        Plain decoding would have lost the time to other programs too.
        """
        drafting = 0.0
        if observed.source:
            drafting = observed.steps * self._costs.step(observed.source)
        usual = replace(
            observed.round,
            draft_seconds=drafting,
            verify_seconds=self._costs.seconds(observed.rows),
            read_seconds=0.0,
            other_seconds=0.0,
        )
        return observed._replace(round=usual)

    def charge_switch(self, observed: Observed, account: Account) -> None:
        """Charge the extra time of a plain pass after a draft.

        llama.cpp rebuilds its graph when the number of rows changes, and the draft model has
        evicted the caches: plain decoding pays for neither.
        """
        plain = self._costs.plain
        more = min(max(observed.round.verify_seconds - plain, 0.0), _MAX_SWITCH * plain)
        self._budget.pay(more, account)

    def charge(
        self, observed: Observed, one_token_risk: float, *, stalls: bool, up_to_date: bool
    ) -> None:
        """Tell the budget what a round won or lost.

        Args:
            one_token_risk: seconds that the draft of one token may lose.
            stalls: whether the pass was as such passes are, but for stalls.
            up_to_date: whether the drafter had nothing to read before its first step.
        """
        outcome, budget, stepped = observed.round, self._budget, bool(observed.source)
        plain, tokens = self._costs.plain, len(outcome.tokens)
        draft = observed.drafting_seconds
        verify = min(outcome.verify_seconds, _STALL * self._costs.seconds(observed.rows))
        if stepped and up_to_date:
            draft = min(draft, _STALL * observed.steps * self._costs.step(observed.source))
        beyond = observed.drafting_seconds + outcome.verify_seconds - draft - verify
        if outcome.drafted or stepped:
            won = tokens * plain - draft - verify - observed.outlay
            if stalls:
                budget.stalled(draft + verify, beyond, stepped=stepped)
        else:
            won = -outcome.draft_seconds  # to have looked for a draft in vain
            if stalls:
                budget.plain_pass(verify, beyond)
        budget.charge(tokens, won, plain, one_token_risk, stepped=stepped)
