"""The times of a round."""

from __future__ import annotations

from specdec_cli.core.clock import now
from specdec_cli.core.draft_length.costs import CostModel


class Stopwatch:
    """Measures what a round takes: what lies before it, drafting, verifying.

    Attributes:
        between: seconds from the verdict of the round before to the start of this one; 0.0 in the
            first round.
    """

    def __init__(self) -> None:
        self.between = 0.0
        self._start = self._drafted = self._verified = 0.0
        self._learning = 0.0  # of the time between two rounds, what was spent on learning
        self._plain = False  # whether the round before was a plain one

    def begin(self) -> None:
        """A round begins."""
        self._start = now()
        self.between = self._start - self._verified if self._verified else 0.0

    def drafted(self) -> None:
        """There is a draft, or none is wanted."""
        self._drafted = now()

    def verified(self) -> None:
        """The target has verified it."""
        self._verified = now()

    @property
    def draft_seconds(self) -> float:
        return self._drafted - self._start

    @property
    def verify_seconds(self) -> float:
        return self._verified - self._drafted

    @property
    def seconds(self) -> float:
        """All of the round, with what lay before it."""
        return self._verified - self._start + self.between

    def tell_loop(self, costs: CostModel, *, plain: bool, interrupted: bool) -> None:
        """Report to ``costs`` what the loop around a pass takes with plain decoding.

        Args:
            plain: whether this round's pass had one row.
        """
        if self.between and not interrupted:
            costs.observe_loop(self.between - self._learning, plain=self._plain and plain)
        self._plain = plain

    def learning_begins(self) -> None:
        """From here on time is spent on learning from a round, which plain decoding does not do."""
        self._learning = -now()

    def learning_ends(self) -> None:
        """That was all."""
        self._learning += now()
