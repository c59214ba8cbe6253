"""When a drafter should read text that it has missed."""

from __future__ import annotations

_GUESS = 0.25
"""Of a draft step, what reading a token in a large batch takes, before anything was read."""

_TELLING = 32
"""Tokens of a prompt from which its time says what reading one token takes."""


class Reading:
    """What a drafter that works in steps has to read before it can draft, and whether it should.

    A draft model has to read the prompt too. With a long prompt and a large draft model that takes
    hundreds of plain passes, and the length of the answer is not known. So the text is read once
    drafting would have gained that much since the answer began. The cost is then at most twice that
    of the better choice, whatever the length of the answer (ski rental: Karlin, Manasse, Rudolph
    and Sleator, "Competitive snoopy caching", 1988).
    """

    __slots__ = ("_forgone", "_own", "_target")

    def __init__(self) -> None:
        self._forgone = 0.0
        self._own = 0.0  # seconds a token took this drafter when it last read
        self._target = 0.0  # seconds a token of the prompt took the target

    def start(self, tokens: int, seconds: float) -> None:
        """An answer begins, for which the target read ``tokens`` in ``seconds``."""
        self._forgone = 0.0
        if tokens >= _TELLING:
            self._target = seconds / tokens

    def price(self, missed: int, step: float, plain: float) -> float:
        """Seconds that reading is expected to take.

        Args:
            missed: tokens.
            step: seconds of a draft step.
            plain: seconds of a one-row pass of the target.
        """
        # Until measured, assume the ratio of drafter to target is the same as for passes.
        own = self._own or self._target * step / plain or _GUESS * step
        return missed * own

    def outlay(self, price: float, to_lose: float, gain: float) -> float | None:
        """Decide whether to read now.

        Args:
            price: seconds it takes.
            to_lose: seconds that may be lost in any case.
            gain: seconds that drafting is expected to win in a round, which this round forgoes
                otherwise.

        Returns:
            The seconds of the price that drafting has not earned yet, none of more than
            ``to_lose``; ``None`` where it is not to be read now.
        """
        unearned = max(price - self._forgone, 0.0)
        if unearned > to_lose:
            self._forgone += max(gain, 0.0)
            return None
        self._forgone = max(self._forgone - price, 0.0)
        return unearned

    def observe(self, tokens: int, seconds: float, *, interrupted: bool) -> None:
        """So much was read; other programs may have taken some of the time."""
        own = seconds / tokens
        self._own = min(own, self._own) if interrupted and self._own else own
