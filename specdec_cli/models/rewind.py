"""Ways to bring a model's cache back to an earlier token, as after a rejected draft."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from specdec_cli.models.base import Checkpoint, LanguageModel, RecurrentModel

MAX_KEPT = 8
"""Checkpoints of the borders between turns."""

MAX_BYTES = 512 << 20
"""Bytes that they may take together."""

_APART = 16
"""Tokens that two of them are apart at least: to read so few again takes little more than one."""


_CARRIED = 1.5
"""Passes for which tokens that are computed again together with a draft are so, as drafts go: until
one is accepted whole."""

_FEW = 4
"""Such tokens where nothing is known of what passes take."""


def joins(again: int, rows: int, seconds: Callable[[int], float] | None, largest: int) -> bool:
    """Whether tokens to be computed again are best computed together with a draft.

    They are few, or a pass over more rows takes hardly longer; else they have a pass of their own,
    and the next draft does not carry them again.

    Args:
        again: how many.
        rows: of the pass over the draft.
        seconds: what a pass over so many rows takes, known up to ``largest``.
    """
    if seconds is None:
        return again <= _FEW

    def taken(n: int) -> float:
        return seconds(min(n, largest)) * max(n / largest, 1.0)

    return _CARRIED * (taken(again + rows) - taken(rows)) <= taken(again)


class Rewind(Protocol):
    """One way; which is right depends on what the model's cache can do.

    Attributes:
        keeps: it has to be told where the cache is likely to be brought back to. A way that does
            not costs nothing until it is used.
    """

    @property
    def keeps(self) -> bool: ...

    def reach(self, length: int) -> int:
        """How many tokens ``back`` would leave of the first ``length``."""

    def back(self, length: int) -> int:
        """Keep no more than the first ``length`` tokens.

        Returns:
            How many are left; the caller decodes the others again.
        """

    def covers(self, tokens: int) -> bool:
        """Whether as many can be taken back from the end of the next decode without ``mark``."""

    def mark(self) -> None:
        """Tokens follow that are likely to be taken back; the mark before is of no use any more."""

    def at_border(self) -> None:
        """A part of the text ends here, so that others may be put behind it later."""

    def forget(self) -> None:
        """The cache is empty."""


class Cut:
    """Drop what comes after, as the cache of attention allows."""

    keeps = False

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def reach(self, length: int) -> int:
        return length

    def back(self, length: int) -> int:
        length = min(length, self._model.length)
        self._model.truncate(length)
        return length

    def covers(self, tokens: int) -> bool:  # noqa: ARG002 - all can always be taken back
        return True

    def mark(self) -> None:
        pass

    def at_border(self) -> None:
        pass

    def forget(self) -> None:
        pass


class Checkpoints:
    """Restore a copy of the state; what comes after it is decoded again.

    A recurrent state is one of all tokens so far, with no earlier one in it. Some models keep
    snapshots behind the last tokens of a decode, which cost hardly anything: where these reach,
    they are used. Elsewhere a copy is made before tokens that may be rejected, and of the borders
    between turns a few are kept, for conversations that are edited. Only where there is none
    before the place that is wanted is the text read anew.
    """

    keeps = True

    def __init__(self, model: RecurrentModel, most_bytes: int = MAX_BYTES) -> None:
        self._model = model
        self._most_bytes = most_bytes
        self._mark: Checkpoint | None = None
        self._borders: list[Checkpoint] = []

    def reach(self, length: int) -> int:
        if length >= self._model.earliest:
            return length
        return max((each.length for each in self._up_to(length)), default=0)

    def back(self, length: int) -> int:
        model = self._model
        if length >= model.earliest:
            model.truncate(length)
        else:
            length = self._restore(length)
        self._drop_beyond(length)
        return length

    def covers(self, tokens: int) -> bool:
        return tokens <= self._model.snapshots

    def mark(self) -> None:
        length = self._model.length
        if length and all(each.length != length for each in self._up_to(length)):
            self._mark = self._model.save(near=True)

    def at_border(self) -> None:
        length = self._model.length
        near = self._borders[-1].length if self._borders else 0
        if length - near < _APART:
            return
        copy = self._model.save(near=False)
        if copy is None:
            return
        self._borders.append(copy)
        while len(self._borders) > MAX_KEPT or self._size() > self._most_bytes:
            self._borders.pop(self._least_missed())

    def forget(self) -> None:
        self._mark = None
        self._borders.clear()

    def _up_to(self, length: int) -> list[Checkpoint]:
        """Those that hold no more than that, the longest last."""
        marked = [self._mark] if self._mark else []
        found = [each for each in (*self._borders, *marked) if each.length <= length]
        return sorted(found, key=lambda each: each.length)

    def _restore(self, length: int) -> int:
        found = self._up_to(length)
        while found:
            checkpoint = found.pop()
            if self._model.restore(checkpoint):
                return checkpoint.length
        self._model.truncate(0)
        return 0

    def _drop_beyond(self, length: int) -> None:
        """They are of other texts from now on."""
        if self._mark and self._mark.length > length:
            self._mark = None
        while self._borders and self._borders[-1].length > length:
            self._borders.pop()

    def _size(self) -> int:
        return sum(each.size for each in self._borders)

    def _least_missed(self) -> int:
        """The one without which the fewest tokens more are to be read; the last is needed most."""
        lengths = [0, *(each.length for each in self._borders)]
        older = range(len(self._borders) - 1)
        return min(older, key=lambda i: lengths[i + 1] - lengths[i], default=0)
