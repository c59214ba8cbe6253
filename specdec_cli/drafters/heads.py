"""Steppers of heads that were trained on what a target's last layer says of each token.

Such a head reads pairs: the token at a position, and what the target said one position before. Of
drafted tokens the target has not said anything yet: the head goes on from what it said itself, and
once they are accepted it reads them again with what the target said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from specdec_cli.core.types import Logits
from specdec_cli.errors import Cancelled
from specdec_cli.models.cached import common_prefix
from specdec_cli.models.head_context import HeadContext
from specdec_cli.models.hidden_states import HiddenStates


class HeadStepper:
    """A head with keys and values of its own, which may outlive the drafter.

    Where it has missed more of a text than is kept of what the target said, it begins anew behind
    the gap, at the same positions.
    """

    def __init__(self, head: HeadContext, hidden: HiddenStates) -> None:
        self._head = head
        self._hidden = hidden
        self.n_ctx = head.n_ctx
        self._held: list[int] = []  # read with what the target said, from position ``begin`` on
        self._begin = 0
        self._next = 0  # position of a drafted token
        head.truncate(0)

    def forget(self) -> None:
        """Drop everything."""
        self._held.clear()
        self._begin = 0
        self._head.truncate(0)

    def restart(self, prompt: Sequence[int]) -> None:
        """Keep what is shared with the prompt."""
        kept = common_prefix(self._held, prompt)
        del self._held[kept:]
        if kept <= self._begin:
            self.forget()

    def missing(self, tokens: Sequence[int]) -> int:
        """How many of the tokens are to be read."""
        return len(tokens) - self._start(len(tokens))

    def read(self, tokens: Sequence[int], cancelled: Callable[[], bool]) -> None:
        """Read what is missing, in large batches."""
        at = self._seek(tokens)
        while at < len(tokens):
            if cancelled():
                raise Cancelled
            batch = tokens[at : at + self._head.n_batch]
            self._read(batch, at, wanted=False)
            at += len(batch)

    def sync(self, tokens: Sequence[int]) -> Logits:
        """Read what is missing and the last token; return the row after it."""
        # The last by itself: of several tokens only some architectures give the state of the last.
        last = len(tokens) - 1
        self.read(tokens[:last], lambda: False)
        self._read(tokens[last:], last, wanted=True)
        self._next = last + 1
        return self._head.logits()

    def step(self, token: int) -> Logits:
        """Read a drafted token with what the head itself said; return the row after it."""
        head = self._head
        head.states[0] = head.state()
        head.decode((token,), self._next, wanted=True)
        self._next += 1
        return head.logits()

    def _start(self, length: int) -> int:
        """The position from which the first ``length`` tokens are to be read."""
        held = len(self._held)
        if held and held > self._hidden.first:
            return min(held, length)
        # What precedes the very first token is nothing; of others it must be known.
        return min(self._hidden.first + 1 if self._hidden.first else 0, length)

    def _seek(self, tokens: Sequence[int]) -> int:
        """Drop drafts, and what comes before a gap; returns the position to read from."""
        at = self._start(len(tokens))
        if at > len(self._held):
            self._held[:] = tokens[:at]
            self._begin = at
            self._head.truncate(0)
        else:
            self._head.truncate(at)
        return at

    def _read(self, tokens: Sequence[int], at: int, *, wanted: bool) -> None:
        self._hidden.before(at, self._head.states[: len(tokens)])
        self._decode(tokens, at, wanted=wanted)
        self._held.extend(tokens)

    def _decode(self, tokens: Sequence[int], at: int, *, wanted: bool) -> None:
        self._head.decode(tokens, at, wanted=wanted)


class ChainedHeads(HeadStepper):
    """Several heads, of which each was trained for one step, with keys and values of its own.

    A step has its head read the whole draft, as no other head's keys and values are of use to it.
    Beyond the last head, the last goes on.
    """

    def __init__(self, head: HeadContext, hidden: HiddenStates) -> None:
        super().__init__(head, hidden)
        self._draft: list[int] = []
        self._states: list[np.ndarray] = []

    def step(self, token: int) -> Logits:
        head, begin = self._head, self._next - len(self._draft)
        self._draft.append(token)
        self._states.append(head.state().copy())
        head.truncate(begin)
        head.states[: len(self._states)] = self._states
        which = min(len(self._draft) - 1, head.heads - 1)
        head.decode(self._draft, begin, wanted=True, head=which)
        self._next += 1
        return head.logits()

    def _decode(self, tokens: Sequence[int], at: int, *, wanted: bool) -> None:
        head = self._head
        for which in reversed(range(head.heads)):
            head.decode(tokens, at, wanted=wanted and not which, head=which)
            if which:
                head.truncate(at)
        self._draft[:] = tokens[-1:]
        self._states[:] = [head.states[len(tokens) - 1].copy()]


class SharedHead:
    """A head that looks at the target's keys and values, and has none: nothing is to be read.

    All tokens of a draft are read at the position of the first.

    Args:
        trim: brings the target's cache back to a sequence.
    """

    def __init__(
        self,
        head: HeadContext,
        hidden: HiddenStates,
        trim: Callable[[Sequence[int]], None],
    ) -> None:
        self._head = head
        self._hidden = hidden
        self._trim = trim
        self._at = 0

    def sync(self, tokens: Sequence[int]) -> Logits:
        """Read the last token; return the row after it."""
        self._at = len(tokens) - 1
        self._trim(tokens[: self._at])
        self._hidden.before(self._at, self._head.states[:1])
        self._head.decode(tokens[-1:], self._at, wanted=True)
        return self._head.logits()

    def step(self, token: int) -> Logits:
        """Read a drafted token with what the head itself said; return the row after it."""
        self._head.states[0] = self._head.state()
        self._head.decode((token,), self._at, wanted=True)
        return self._head.logits()
