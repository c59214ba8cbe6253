"""What a policy of draft lengths is asked, and told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from specdec_cli.core.events import Parked, Round


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


class DraftLengthPolicy(Protocol):
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
    ) -> None:
        """Learn from a round that has ended.

        Args:
            confidence: those its steps were asked about: of the drafted tokens, and of the one that
                was left out, if one was.
            chances: ``min(1, p/q)`` of the drafted tokens up to the rejected one, if known.
            rows: how many rows the pass had, if padded.
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
