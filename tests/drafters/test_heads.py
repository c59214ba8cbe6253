"""What a head is fed: each token with what the target said one position before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.core.types import Logits
from specdec_cli.drafters.heads import HeadStepper
from specdec_cli.models.hidden_states import HiddenStates

WINDOW, BATCH = 6, 4
OWN = -1.0


def said(tokens: Sequence[int], position: int) -> float:
    """What the target says at a position, which depends on all tokens up to there."""
    return float(hash(tuple(tokens[: position + 1])) % 9973 + 1)


class FakeHead:
    """A head that holds pairs, and is strict about their places."""

    def __init__(self) -> None:
        self.n_ctx, self.n_batch, self.heads = 1000, BATCH, 1
        self.states = np.zeros((BATCH, 1), np.float32)
        self.begin = 0
        self.pairs: list[tuple[int, float]] = []

    def decode(self, tokens: Sequence[int], position: int, *, wanted: bool, head: int = 0) -> None:
        if not self.pairs:
            self.begin = position
        assert position == self.begin + len(self.pairs), "positions follow one another"
        assert len(tokens) <= BATCH
        self.pairs += zip(tokens, self.states[: len(tokens), 0].tolist(), strict=True)

    def logits(self) -> Logits:
        return np.zeros(4, np.float32)

    def state(self) -> np.ndarray:
        return np.full(1, OWN, np.float32)

    def truncate(self, length: int) -> None:
        del self.pairs[max(length - self.begin, 0) :]


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.lists(st.integers(0, 2), max_size=14), st.integers(0, 3)),
        max_size=14,
    )
)
def test_pairs_are_right_through_growth_gaps_and_edits(
    steps: list[tuple[int, list[int], int]],
) -> None:
    """Against the definition: texts grow, are edited anywhere, and are drafted for now and then."""
    hidden, head = HiddenStates(1, WINDOW), FakeHead()
    stepper = HeadStepper(head, hidden)  # type: ignore[arg-type]
    tokens = [0]
    for back, more, drafts in steps:
        if back:
            kept = max(len(tokens) - back, 1)
            tokens = [*tokens[:kept], *more] if kept < len(tokens) else [*tokens, *more]
            start = kept - 1
        else:
            start, tokens = len(tokens) - 1, [*tokens, *more]
        # The target reads all but the last, and says something of each.
        rows = [[said(tokens, position)] for position in range(start, len(tokens) - 1)]
        if rows:
            hidden.note(start, np.array(rows, np.float32))
        if back:
            stepper.restart(tokens)
        if not drafts:
            continue
        stepper.sync(tokens)
        held = tokens[head.begin :]
        assert [token for token, _ in head.pairs] == held
        for position, (_, state) in enumerate(head.pairs, head.begin):
            assert state == (said(tokens, position - 1) if position else 0.0)
        assert head.begin <= max(len(tokens) - WINDOW, 0) or head.begin <= hidden.first + 1
        for draft in range(drafts):
            stepper.step(draft)
            assert head.pairs[-1] == (draft, OWN)
