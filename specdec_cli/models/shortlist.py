"""The likely tokens of a row, found without sorting the vocabulary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specdec_cli.core.distribution import most_likely
from specdec_cli.core.types import Logits

_MARGIN = 1.1
_SHORTENED = 0.97
_FARTHEST = 1e4  # where fewer than k tokens have a finite logit


class Shortlist:
    """Finds the ``k`` largest logits of rows of one model.

    Rows are alike: how far below the largest logit the k-th was is remembered, and what is below
    that is not looked at again. What is found depends on the row alone.
    """

    def __init__(self, k: int) -> None:
        self.k = k
        self._reach = 0.0

    def of(self, logits: Logits) -> NDArray[np.intp]:
        """Return the tokens whose logits are not below the k-th largest, in rising order.

        There are ``k`` of them, or more where several logits equal that one.

        Raises:
            NotNumbersError: no finite logit is the largest.
        """
        k = self.k
        if k >= logits.size:
            return np.arange(logits.size)
        largest = logits.item(most_likely(logits))  # a quarter of the time of max()
        likely = (logits >= largest - self._reach).nonzero()[0]
        if likely.size < k:
            least = np.partition(logits, -k).item(-k)
            self._reach = min((largest - least) * _MARGIN, _FARTHEST)
            return np.asarray((logits >= least).nonzero()[0])
        if likely.size == k:
            return likely
        values = logits[likely]
        ordered = values.copy()
        ordered.partition(-k)
        least = ordered.item(-k)
        self._reach = max(self._reach * _SHORTENED, (largest - least) * _MARGIN)
        return np.asarray(likely[values >= least])
