"""The interface of a policy of draft lengths."""

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

    def accepts_token(self, confidence: float) -> bool:
        """Whether the token about to be drawn, with this confidence, is worth a row."""
        ...

    def should_continue(self) -> bool:
        """Whether another draft step is worth its time."""
        ...


class DraftLengthPolicy(Protocol):
    """Decides the draft length of each round, before it and while it is drafted.

    While drafting it is given confidences of distributions, never tokens drawn from them, and drawn
    tokens are never dropped: dropping a sampled draft for being short would depend on its tokens
    and bias the output.

    Attributes:
        needs_confidence: whether confidences matter; if not, a drafter need not compute them.
        p_min: the least probability of a token that may be drafted; where it is not 0, confidences
            must be probabilities.
        parked: why nothing is drafted at present, if that is so.
    """

    @property
    def needs_confidence(self) -> bool: ...

    @property
    def p_min(self) -> float: ...

    @property
    def parked(self) -> Parked | None: ...

    def next(self, budget: int) -> int:
        """Return how many tokens to draft; at most ``budget``, and 0 for none."""
        ...

    def limit_for(self, source: str) -> int:
        """Return how many of them this drafter may propose; 0 if it should not draft."""
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

    def trim(self, confidences: Sequence[float], seconds: float = 0.0) -> int:
        """Return how many tokens of a free draft are worth verifying.

        0 also where a drafter that works in steps is expected to do better.

        Args:
            confidences: probabilities of acceptance, each given that the ones before were accepted;
                none where nothing was found.
            seconds: what the search took.
        """
        ...

    def rows(self, needed: int) -> int:
        """Return how many rows to give the target's pass: more than needed where it is cheaper."""
        ...

    def observe(
        self,
        round: Round,
        confidence: Sequence[float] = (),
        acceptance: Sequence[float] = (),
        rows: int | None = None,
    ) -> None:
        """Learn from a round that has ended.

        Args:
            confidence: of the drafted tokens, and of the one that was left out, if any.
            acceptance: ``min(1, p/q)`` of the drafted tokens up to the rejected one, if known.
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
