"""What drafting may lose against plain decoding, whatever is expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

_LEAST_SHARE, _LARGEST_SHARE = 0.005, 0.008
"""Of a plain pass, what every token adds to the credit at least and at most. With less, cheap
drafts would be tried again only hundreds of tokens after a bad passage; more would show."""

_FIRST = 1.25
"""Plain passes that may be lost at the very start. It pays for two or three looks at most drafts,
and leaves an answer of 32 tokens at 95 % of the speed of plain decoding, whatever happens."""

_GROWTH, _LATER = 1 / 200, 0.015
"""Plain passes per token by which that grows, and of all tokens how much it is at least: with the
share above, 98 % of the speed of plain decoding from 128 tokens on, whatever happens."""

_BROUGHT = 3.0
"""Plain passes of what earlier runs won that a new one may lose beside that."""

_FEW_STALLS = 3
"""Stalls of drafted rounds that are no chance any more: one long stop of the machine is none."""

_A_STALL = 0.1
"""Of what a round usually takes, how much more is a stall and no rounding."""

_COMPARED = 64
"""Plain passes after which stalls of drafted and of plain rounds are compared."""

_LONGEST_STALL = 4.0
"""Times what a round usually takes: more than that is a stop of the machine, not of drafting."""

_REMEMBERED = 1 - 1 / 400
"""By plain pass, how much of what is known about their stalls is kept."""


Credit = Literal["steps", "found"]
"""That of drafters that pay for their steps, and that of drafts that cost nothing to find."""


class SlowdownBudget:
    """Credits in seconds that drafting may lose; a draft is only begun where it can lose no more.

    A round that drafts adds ``tokens * v(1) - dt`` to the credit ``B``, negative where it lost, and
    every token adds a share ``s`` of a plain pass. After ``N`` tokens ``B`` may fall to ``-F(N)``,
    with ``F(N) = min(max(1.25 + N / 200, 0.015 N), patience)`` plain passes.
    A draft is only as long as its loss would leave ``B`` above that (``stake``), so after ``N``
    tokens of any text, with the costs as measured::

        time <= N v(1) + N s + F(N)

    The sum of all ``tokens * v(1) - dt`` is ``N v(1) - time``, and with ``N s`` it is ``B``. The
    share is a hundredth of what a one-token draft risks, but at least 0.5 % and at most 0.8 % of a
    pass. The credit is capped at ``savings * v(1)``, which makes it smaller only: a passage that is
    hard to draft may spend what was won before, but no stretch of the text may lose more than
    savings and patience together.

    What is left of the credit may be brought to the next run, up to 3 plain passes, so that it need
    not prove anew what the runs before have proved: all runs together keep to the bound.

    Drafts that cost nothing to find have a credit of their own. Beside a drafter that pays for its
    steps it is half as large, and adds as much to the bound.

    A time counts up to a third above what such a pass or step usually takes. What is beyond, a
    stall, would have met plain decoding as well, or so it is assumed until three have met drafted
    rounds. Then they count too, unless plain passes show as many: these are then compared.

    Args:
        patience: plain passes that drafting may lose.
        savings: plain passes that may be won and spent later.
        share: of what a one-token draft risks, for every token.
        steps: whether there are drafters that pay for their steps.
        free: whether there are drafts that cost nothing to find.

    Attributes:
        compares: every plain pass is needed now, to compare stalls with.
    """

    def __init__(
        self, patience: float, savings: float, share: float, *, steps: bool, free: bool
    ) -> None:
        self._patience = patience
        self._share = share
        self._free = free
        self._steps = _Credit(1.0, savings)
        self._found = _Credit(0.5, savings / 2) if steps else _Credit(1.0, savings)
        self._credits: dict[Credit, _Credit] = {"steps": self._steps, "found": self._found}
        self.compares = False
        self._tokens = 0
        self._owed = 0
        self._floor = min(_FIRST, patience)  # F, in plain passes
        # Of plain passes, how many, and seconds as usual and beyond.
        self._passes = self._usual = self._beyond = 0.0

    def saved(self, plain: float) -> Mapping[str, float]:
        """What is left of the credits, in plain passes, for another run to ``bring``."""
        return {
            name: min(max(credit.balance / plain, 0.0), _BROUGHT * credit.part)
            for name, credit in self._credits.items()
        }

    def trust(self, plain: float) -> None:
        """Begin as if an earlier run had saved as much as can be brought."""
        for credit in self._credits.values():
            credit.balance += _BROUGHT * credit.part * plain

    def bring(self, saved: Mapping[str, float], plain: float) -> None:
        """Begin with what an earlier run saved, as ``can_be_brought`` gave it."""
        for name, credit in self._credits.items():
            credit.balance += saved.get(name, 0.0) * plain

    def can_be_brought(self, saved: Mapping[str, float]) -> Mapping[str, float]:
        """What an earlier run saved, by the credits there are.

        Raises:
            AttributeError, OverflowError, TypeError, ValueError: nothing that a run can have saved.
        """
        brought: dict[str, float] = {name: float(saved.get(name, 0.0)) for name in self._credits}
        if not all(0.0 <= passes <= _BROUGHT for passes in brought.values()):
            raise ValueError("no run saved that much")
        return brought

    def stake(self, plain: float) -> float:
        """Seconds that the next draft of a drafter that works in steps may lose.

        Args:
            plain: seconds of a one-row pass.
        """
        return self._stake(self._steps, plain)

    def free_stake(self, plain: float) -> float:
        """Seconds that the next draft that cost nothing to find may lose."""
        return self._stake(self._found, plain) if self._free else 0.0

    def is_down(self, plain: float, *, stepped: bool) -> bool:
        """Whether more than half of what may be lost is lost."""
        credit = self._steps if stepped else self._found
        return self._stake(credit, plain) < credit.part * self._floor * plain / 2

    def _stake(self, credit: _Credit, plain: float) -> float:
        stake = credit.balance + credit.part * self._floor * plain
        return stake - credit.owed(self._stalling) if credit.compares else stake

    def idle(self, tokens: int, looked: float) -> None:
        """A round drafted nothing, and looked for something for so many seconds."""
        self._owed += tokens
        self._found.balance -= looked

    def plain_pass(self, usual: float, beyond: float) -> None:
        """A plain pass took so many seconds as usual, and was stalled for so many more."""
        self._passes = self._passes * _REMEMBERED + 1.0
        self._usual = self._usual * _REMEMBERED + usual
        self._beyond = self._beyond * _REMEMBERED + min(beyond, _LONGEST_STALL * usual)
        if self.compares:
            # They may have had one more than was seen: of a few passes none says little.
            stalling = self._stalling + _LONGEST_STALL / self._passes
            for credit in (self._steps, self._found):
                credit.compare(stalling)
            self.compares = self._steps.compares or self._found.compares

    def stalled(self, usual: float, beyond: float, *, stepped: bool) -> None:
        """A round that drafted took so many seconds as usual, and was stalled for so many more."""
        credit = self._steps if stepped else self._found
        credit.stalled(usual, min(beyond, _LONGEST_STALL * usual))
        self.compares = self.compares or credit.compares

    def pay(self, seconds: float, credit: Credit) -> None:
        """A round after a draft took so many seconds more than plain decoding has it."""
        self._credits[credit].balance -= seconds

    def charge(self, tokens: int, won: float, plain: float, risk: float, *, stepped: bool) -> None:
        """Let whoever drafted win or lose the time, and both earn a share of every token.

        Args:
            tokens: committed by the round.
            won: seconds against plain decoding of as many tokens; for a round that looked for a
                free draft in vain, what the look cost, negative.
            risk: seconds that a one-token draft may lose.
            stepped: whether a drafter worked that pays for its steps.
        """
        tokens += self._owed
        self._owed = 0
        self._tokens += tokens
        floor = max(_FIRST + _GROWTH * self._tokens, _LATER * self._tokens)
        self._floor = min(floor, self._patience)
        least, largest = _LEAST_SHARE * plain, _LARGEST_SHARE * plain
        share = tokens * min(max(self._share * risk, least), largest)
        self._steps.add(share + won * stepped, plain)
        if self._free and not stepped:
            self._found.add(share + won, plain)

    @property
    def _stalling(self) -> float:
        """How much longer than usual plain passes take for stalls, as a share."""
        return self._beyond / self._usual if self._usual else 0.0


class _Credit:
    """One credit, in seconds, and the stalls that may have to be charged to it.

    Args:
        part: of what may be lost at all, how much this one may lose.
        savings: plain passes that it may hold at most.

    Attributes:
        compares: drafted rounds were stalled more often than chance would have it.
    """

    __slots__ = (
        *("_beyond", "_compared", "_savings", "_stalls", "_usual"),
        *("balance", "compares", "part"),
    )

    def __init__(self, part: float, savings: float) -> None:
        self.part = part
        self.balance = 0.0
        self._savings = savings
        # Of drafted rounds since they were last compared, seconds as usual and beyond.
        self._usual = self._beyond = 0.0
        self._stalls = 0
        self._compared = 0
        self.compares = False

    def add(self, seconds: float, plain: float) -> None:
        self.balance = min(self.balance + seconds, self._savings * plain)

    def stalled(self, usual: float, beyond: float) -> None:
        self._usual += usual
        self._beyond += beyond
        self._stalls += beyond > _A_STALL * usual
        self.compares = self._stalls >= _FEW_STALLS

    def compare(self, stalling: float) -> None:
        """A plain pass was made; after enough of them what drafting owes for stalls is settled."""
        if not self.compares:
            return
        self._compared += 1
        if self._compared < _COMPARED:
            return
        self.balance -= self.owed(stalling)
        self._usual = self._beyond = 0.0
        self._stalls = self._compared = 0
        self.compares = False

    def owed(self, stalling: float) -> float:
        """Seconds by which stalls took more of drafted rounds than they take of plain passes."""
        return max(self._beyond - stalling * self._usual, 0.0)
