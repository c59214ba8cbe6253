"""What drafting may lose against plain decoding, whatever is expected of it."""

from __future__ import annotations

_LARGEST_SHARE = 0.008


class Guard:
    """Credits in seconds, from which is taken what drafting loses; without credit nobody drafts.

    A credit of ``B`` gains ``tokens * v(1) - dt`` by a round that drafts and a share by every
    token, and one drafts only while ``B >= -patience * v(1)``. So after ``N`` tokens of any text,
    with the costs as measured::

        time <= N v(1) (1 + share * (c + v(2) - v(1))) + patience * v(1) + L

    where ``L`` is what one round can lose, ``K c + v(K + 1) - v(1)``, and the share is at most
    0.8 % of a pass. The credit is capped at ``savings * v(1)``: a passage that is hard to draft
    may spend what was won before, so that it does not park drafting for hundreds of tokens, but no
    stretch of the text may lose more than savings and patience together.

    Drafts that cost nothing to find have a credit of their own of half the patience, which adds as
    much to the bound.

    Args:
        patience: plain passes that drafting may lose.
        savings: plain passes that may be won and spent later.
        share: of what a one-token draft risks, for every token.
        free: whether there are drafts that cost nothing to find.

    Attributes:
        offers: whether free drafts may be taken at present.
    """

    def __init__(self, patience: float, savings: float, share: float, *, free: bool) -> None:
        self.offers = free
        self._patience = patience
        self._savings = savings
        self._share = share
        self._free = free
        self._credit = self._free_credit = 0.0
        self._owed = 0

    def allows(self, plain: float) -> bool:
        """Whether a drafter that works in steps may draft; ``plain`` is the time of a pass."""
        return self._credit >= -self._patience * plain

    def forgives(self, plain: float) -> bool:
        """Whether one that was stopped may begin again."""
        return self._credit >= -self._patience / 2 * plain

    def idle(self, tokens: int, seconds: float) -> None:
        """A round drafted nothing, and looked for something for so many seconds."""
        self._owed += tokens
        self._free_credit -= seconds

    def charge(self, tokens: int, won: float, plain: float, risk: float, *, stepped: bool) -> None:
        """Let whoever drafted win or lose the time, and both earn a share of every token.

        Args:
            tokens: committed by the round.
            won: seconds against plain decoding of as many tokens; for a round that looked for a
                free draft in vain, what the look cost, negative.
            risk: seconds that a one-token draft may lose.
            stepped: whether a drafter worked that pays for its steps.
        """
        share = (tokens + self._owed) * min(self._share * risk, _LARGEST_SHARE * plain)
        self._owed = 0
        self._credit = min(self._credit + share + won * stepped, self._savings * plain)
        if self._free and not stepped:
            limit = self._patience / 2 * plain
            self._free_credit = min(self._free_credit + share + won, limit)
            self.offers = self._free_credit >= (-limit if self.offers else -limit / 2)
