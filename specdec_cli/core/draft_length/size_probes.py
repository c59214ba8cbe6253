"""Probes the cost of passes over more rows than are in use."""

from __future__ import annotations

from collections.abc import Callable

_FRACTION = 0.002
"""Of a plain pass, what every token adds to what such looks may cost."""

_SAVED = 8.0
"""Plain passes that may be saved up for them."""

_RECENT = 400
"""Tokens within which a size that was used needs no look."""

_SIZES = (2, 3, 4, 6, 8)
"""Rows of the passes that are looked at, in turn."""


class SizeProbes:
    """Finds sizes of a pass that cost less than is believed.

    A size that looks expensive is not used, and so not measured again: after one bad measurement
    drafts would stay too short, or parked, for good. So now and then a pass is padded to another
    size.
    """

    def __init__(self) -> None:
        self._saved = 0.0
        self._turn = 0
        self._tokens = 0
        self._used: dict[int, int] = {}  # when each size was, by rows

    def observe(self, rows: int, tokens: int) -> None:
        """A pass over so many rows committed so many tokens."""
        self._tokens += tokens
        self._used[rows] = self._tokens
        self._saved = min(self._saved + _FRACTION * tokens, _SAVED)

    def due(self, needed: int, largest: int, price: Callable[[int], float], most: float) -> int:
        """Return how many rows to look at in a pass that needs fewer; 0 for no look.

        Args:
            needed: rows of the pass.
            largest: the most rows that a pass can have.
            price: of a number of rows, in plain passes, as believed.
            most: what the look may cost, in plain passes.
        """
        if not self._saved:
            return 0
        old = self._tokens - _RECENT
        sizes = [
            rows for rows in _SIZES if needed < rows <= largest and self._used.get(rows, old) <= old
        ]
        if not sizes:
            return 0
        rows = sizes[self._turn % len(sizes)]
        # Whatever is believed, one pass per row would cost no more.
        cost = min(price(rows), float(rows)) - price(needed)
        if cost > min(self._saved, most):
            return 0
        self._saved -= max(cost, 0.0)
        self._turn += 1
        return rows
