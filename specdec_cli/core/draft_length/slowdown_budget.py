"""Limits what drafting may lose against plain decoding, whatever is expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

_MIN_INCOME, _MAX_INCOME = 0.005, 0.008
"""What every token adds to the account at least and at most, in plain passes. With less, cheap
drafts would be tried again only hundreds of tokens after a bad passage; more would be
noticeable."""

_FIRST = 1.25
"""Plain passes that may be lost at the start. This pays for two or three trials of most drafts, and
keeps an answer of 32 tokens at 95 % of the speed of plain decoding, whatever happens."""

_GROWTH, _LATER = 1 / 200, 0.015
"""Growth of that per token, in plain passes, and its minimum as a fraction of all tokens: with the
income above, 98 % of the speed of plain decoding from 128 tokens on."""

_CARRIED_OVER = 3.0
"""Plain passes saved by earlier runs that a new one may lose in addition."""

_FEW_STALLS = 3
"""So many stalls of drafted rounds are no coincidence."""

_A_STALL = 0.1
"""More than this fraction above the usual time is a stall."""

_COMPARED = 64
"""Plain passes after which stalls of drafted and of plain rounds are compared."""

_LONGEST_STALL = 4.0
"""In usual round times: anything longer is a stop of the machine."""

_REMEMBERED = 1 - 1 / 400
"""Decay of the statistics of stalls, by plain pass."""


Account = Literal["steps", "found"]
"""The account of drafters that work in steps, and that of free drafts."""


class SlowdownBudget:
    """Accounts in seconds that drafting may lose; no draft may lose more than its account has.

    A round that drafts adds ``tokens * v(1) - dt`` to the account ``B``, negative where it lost,
    and every token adds a fraction ``s`` of a plain pass. After ``N`` tokens ``B`` may fall to
    ``-F(N)``, with ``F(N) = min(max(1.25 + N / 200, 0.015 N), max_loss)`` plain passes.
    A draft is only as long as its loss would leave ``B`` above that (``allowance``), so after ``N``
    tokens of any text, with the costs as measured::

        time <= N v(1) + N s + F(N)

    The sum of all ``tokens * v(1) - dt`` is ``N v(1) - time``, and with ``N s`` it is ``B``. ``s``
    is a hundredth of what a one-token draft risks, but at least 0.5 % and at most 0.8 % of a pass.
    The account is capped at ``max_savings * v(1)``: a hard passage may spend what was saved before,
    but no stretch of text may lose more than savings and limit together.

    Up to 3 plain passes of the balance may be carried over to the next run; all runs together stay
    within the bound.

    Free drafts have an account of their own. Beside a drafter that works in steps it is half as
    large, and adds as much to the bound.

    A time counts up to a third above the usual. Anything beyond is a stall, which is assumed to hit
    plain decoding as well, until three have hit drafted rounds. Then the stalls of drafted and
    plain rounds are compared, and the difference is charged.

    Args:
        max_loss: plain passes that drafting may lose.
        max_savings: plain passes that may be won and spent later.
        income: what every token earns, as a fraction of what a one-token draft risks.
        steps: whether there are drafters that work in steps.
        free: whether there are drafts that cost nothing to find.

    Attributes:
        compares: every plain pass is needed now, to compare stalls with.
    """

    def __init__(
        self, max_loss: float, max_savings: float, income: float, *, steps: bool, free: bool
    ) -> None:
        self._max_loss = max_loss
        self._income = income
        self._free = free
        self._steps = _Account(1.0, max_savings)
        self._found = _Account(0.5, max_savings / 2) if steps else _Account(1.0, max_savings)
        self._accounts: dict[Account, _Account] = {"steps": self._steps, "found": self._found}
        self.compares = False
        self._tokens = 0
        self._owed = 0
        self._floor = min(_FIRST, max_loss)  # F, in plain passes
        # Of plain passes, how many, and seconds as usual and beyond.
        self._passes = self._usual = self._beyond = 0.0

    def saved(self, plain: float) -> Mapping[str, float]:
        """What is left of the accounts, in plain passes, for another run to ``carry_over``."""
        return {
            name: min(max(account.balance / plain, 0.0), _CARRIED_OVER * account.part)
            for name, account in self._accounts.items()
        }

    def trust(self, plain: float) -> None:
        """Begin as if an earlier run had saved as much as can be carried over."""
        for account in self._accounts.values():
            account.balance += _CARRIED_OVER * account.part * plain

    def carry_over(self, saved: Mapping[str, float], plain: float) -> None:
        """Begin with what an earlier run saved, as ``carried_over`` returned it."""
        for name, account in self._accounts.items():
            account.balance += saved.get(name, 0.0) * plain

    def carried_over(self, saved: Mapping[str, float]) -> Mapping[str, float]:
        """What an earlier run saved, by account.

        Raises:
            AttributeError, OverflowError, TypeError, ValueError: nothing that a run can have saved.
        """
        carried: dict[str, float] = {name: float(saved.get(name, 0.0)) for name in self._accounts}
        if not all(0.0 <= passes <= _CARRIED_OVER for passes in carried.values()):
            raise ValueError("no run saved that much")
        return carried

    def allowance(self, plain: float) -> float:
        """Seconds that the next draft of a drafter that works in steps may lose.

        Args:
            plain: seconds of a one-row pass.
        """
        return self._allowance(self._steps, plain)

    def free_allowance(self, plain: float) -> float:
        """Seconds that the next draft that cost nothing to find may lose."""
        return self._allowance(self._found, plain) if self._free else 0.0

    def is_down(self, plain: float, *, stepped: bool) -> bool:
        """Whether more than half of what may be lost is lost."""
        account = self._steps if stepped else self._found
        return self._allowance(account, plain) < account.part * self._floor * plain / 2

    def _allowance(self, account: _Account, plain: float) -> float:
        allowance = account.balance + account.part * self._floor * plain
        return allowance - account.owed(self._stalling) if account.compares else allowance

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
            # Assume one more stall than was seen: a few passes without any prove little.
            stalling = self._stalling + _LONGEST_STALL / self._passes
            for account in (self._steps, self._found):
                account.compare(stalling)
            self.compares = self._steps.compares or self._found.compares

    def stalled(self, usual: float, beyond: float, *, stepped: bool) -> None:
        """A round that drafted took so many seconds as usual, and was stalled for so many more."""
        account = self._steps if stepped else self._found
        account.stalled(usual, min(beyond, _LONGEST_STALL * usual))
        self.compares = self.compares or account.compares

    def pay(self, seconds: float, account: Account) -> None:
        """A plain round after a draft took so many seconds longer."""
        self._accounts[account].balance -= seconds

    def charge(self, tokens: int, won: float, plain: float, risk: float, *, stepped: bool) -> None:
        """Charge the drafting account, and add the income of the tokens to both.

        Args:
            tokens: committed by the round.
            won: seconds saved against plain decoding; after a search without a result, minus its
                time.
            risk: seconds that a one-token draft may lose.
            stepped: whether the drafter works in steps.
        """
        tokens += self._owed
        self._owed = 0
        self._tokens += tokens
        floor = max(_FIRST + _GROWTH * self._tokens, _LATER * self._tokens)
        self._floor = min(floor, self._max_loss)
        least, largest = _MIN_INCOME * plain, _MAX_INCOME * plain
        income = tokens * min(max(self._income * risk, least), largest)
        self._steps.add(income + won * stepped, plain)
        if self._free and not stepped:
            self._found.add(income + won, plain)

    @property
    def _stalling(self) -> float:
        """The fraction by which stalls lengthen plain passes."""
        return self._beyond / self._usual if self._usual else 0.0


class _Account:
    """One account, in seconds, and the stalls that may be charged to it.

    Args:
        part: the fraction of the limit that this account may lose.
        max_savings: its cap, in plain passes.

    Attributes:
        compares: drafted rounds stalled too often to be a coincidence.
    """

    __slots__ = (
        *("_beyond", "_compared", "_max_savings", "_stalls", "_usual"),
        *("balance", "compares", "part"),
    )

    def __init__(self, part: float, max_savings: float) -> None:
        self.part = part
        self.balance = 0.0
        self._max_savings = max_savings
        # Of drafted rounds since they were last compared, seconds as usual and beyond.
        self._usual = self._beyond = 0.0
        self._stalls = 0
        self._compared = 0
        self.compares = False

    def add(self, seconds: float, plain: float) -> None:
        self.balance = min(self.balance + seconds, self._max_savings * plain)

    def stalled(self, usual: float, beyond: float) -> None:
        self._usual += usual
        self._beyond += beyond
        self._stalls += beyond > _A_STALL * usual
        self.compares = self._stalls >= _FEW_STALLS

    def compare(self, stalling: float) -> None:
        """After enough plain passes, charge what drafting owes for stalls."""
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
