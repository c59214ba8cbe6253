"""How far to draft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.events import Parked, Round

PLAIN_AGE = 128
"""Rounds of a fixed length, a few hundred tokens, after which plain decoding is measured again."""


_PLAIN_LOOKS = 8
"""Rounds of which one is measured, where nothing is ever drafted, after as many that all are."""


class Steps(Protocol):
    """One draft under way.

    Attributes:
        confidences: all that it was told of, in their order.
    """

    @property
    def confidences(self) -> Sequence[float]: ...

    def keeps(self, confidence: float) -> bool:
        """Whether the token about to be drawn, from a law as sure as that, is worth a row."""
        ...

    def goes_on(self) -> bool:
        """Whether another draft step is worth its time."""
        ...


class Length(Protocol):
    """Decides the draft length of each round, before it and while it is drafted.

    What it is told while a draft is under way are confidences of laws, never the tokens drawn from
    them, and nothing that was drawn is taken back: to drop a sampled draft for having come out
    short would make keeping it depend on its tokens, and bias the output.

    Attributes:
        asks: whether confidences matter at all; a drafter need not work them out otherwise.
        p_min: the least probability of a token that may be drafted; where it is not 0, confidences
            must be probabilities.
        parked: why nothing is drafted at present, if that is so.
    """

    @property
    def asks(self) -> bool: ...

    @property
    def p_min(self) -> float: ...

    @property
    def parked(self) -> Parked | None: ...

    def next(self, budget: int) -> int:
        """Return how many tokens to draft; at most ``budget``, and 0 for none."""
        ...

    def reach(self, source: str) -> int:
        """Return how many of them a drafter may propose; 0 if it is not to be asked."""
        ...

    def start(self, tokens: int, seconds: float) -> None:
        """An answer begins, for which the target read ``tokens`` of the prompt in ``seconds``."""
        ...

    def reads(self, source: str, missed: int) -> bool:
        """Whether a drafter should read ``missed`` tokens now, as it must before it can draft."""
        ...

    def begin(self, source: str) -> Steps:
        """A draft is begun by a drafter that works in steps."""
        ...

    def cut(self, confidences: Sequence[float], seconds: float = 0.0) -> int:
        """Return how much of a draft that cost nothing is worth verifying.

        0 also where a drafter that works in steps is expected to do better.

        Args:
            confidences: chances of acceptance, each given that the ones before were accepted;
                none where nothing was found.
            seconds: what it took to look for it.
        """
        ...

    def rows(self, needed: int) -> int:
        """Return how many rows to give the target's pass: more than needed where it is cheaper."""
        ...

    def observe(
        self,
        round: Round,
        confidence: Sequence[float] = (),
        chances: Sequence[float] = (),
        rows: int | None = None,
        between: float = 0.0,
    ) -> None:
        """Learn from a round that has ended.

        Args:
            confidence: those its steps were asked about: of the drafted tokens, and of the one that
                was left out, if one was.
            chances: ``min(1, p/q)`` of the drafted tokens up to the rejected one, if known.
            rows: how many rows the pass had, if padded.
            between: seconds since the pass before that were neither drafting nor verifying.
        """
        ...


def require_bounds(draft_min: int, draft_max: int) -> None:
    """Refuse bounds that no draft length can keep.

    Raises:
        ValueError: unless ``0 <= draft_min <= draft_max``.
    """
    if not 0 <= draft_min <= draft_max:
        raise ValueError(
            f"draft lengths must satisfy 0 <= min <= max, not min {draft_min}, max {draft_max}"
        )


class Fixed:
    """Always ``draft_max`` tokens, unless the drafter is unsure.

    Where the budget leaves room for fewer than ``draft_min``, nothing is drafted. Neither is it
    where plain decoding was last measured long ago: two rounds then measure it again. That this
    depends on nothing but the number of rounds keeps it lossless, and repeatable.

    Args:
        p_min: a token whose law has no probability as large as this is not drawn, and the draft
            ends, except within its first ``draft_min`` tokens; the very first one may always be
            refused, which leaves no draft.
        costs: told of all passes.

    Raises:
        ValueError: unless ``0 <= draft_min <= draft_max``.
    """

    parked: Parked | None = None

    def __init__(
        self,
        draft_min: int,
        draft_max: int,
        p_min: float = 0.0,
        costs: CostModel | None = None,
    ) -> None:
        require_bounds(draft_min, draft_max)
        self._costs = costs
        self.minimum = draft_min
        self._maximum = draft_max
        self.p_min = p_min
        self._k = 0
        self._rounds = 0

    @property
    def asks(self) -> bool:
        return self.p_min > 0.0

    def next(self, budget: int) -> int:
        k = min(self._maximum, max(budget, 0))
        old = self._costs is not None and self._costs.plain_age >= PLAIN_AGE
        self._k = k if k >= self.minimum and not old else 0
        return self._k

    def reach(self, source: str) -> int:  # noqa: ARG002
        return self._k

    def start(self, tokens: int, seconds: float) -> None:
        pass

    def reads(self, source: str, missed: int) -> bool:  # noqa: ARG002
        return True

    def begin(self, source: str) -> Steps:  # noqa: ARG002
        return _SureSteps(self.minimum, self.p_min)

    def cut(self, confidences: Sequence[float], seconds: float = 0.0) -> int:  # noqa: ARG002
        return len(confidences) if len(confidences) >= self.minimum else 0

    def rows(self, needed: int) -> int:
        return needed

    def observe(
        self,
        round: Round,
        confidence: Sequence[float] = (),  # noqa: ARG002
        chances: Sequence[float] = (),  # noqa: ARG002
        rows: int | None = None,
        between: float = 0.0,  # noqa: ARG002
    ) -> None:
        self._rounds += 1
        if self._costs is not None and (self._maximum or _is_looked_at(self._rounds)):
            seconds, rows = round.verify_seconds, rows or round.drafted + 1
            self._costs.observe(rows, seconds, interrupted=round.interrupted)


def _is_looked_at(round: int) -> bool:
    """Whether a round of plain decoding is measured; they are all alike."""
    return round <= _PLAIN_LOOKS or round % _PLAIN_LOOKS == 0


class _SureSteps:
    """Goes on as long as the drafter is sure of its tokens."""

    def __init__(self, minimum: int, p_min: float) -> None:
        self._minimum = minimum
        self._p_min = p_min
        self.confidences: list[float] = []

    def keeps(self, confidence: float) -> bool:
        k = len(self.confidences)
        self.confidences.append(confidence)
        return confidence >= self._p_min or 0 < k < self._minimum

    def goes_on(self) -> bool:
        return True
