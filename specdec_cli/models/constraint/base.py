"""What the sampling chain asks of a grammar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from specdec_cli.core.types import Logits
from specdec_cli.errors import BackendError


class Constraint(Protocol):
    """Which tokens may follow the answer so far and the first tokens of a draft.

    A token that ends the generation is allowed where the answer may end, and only there.
    ``drafted`` is looked at again each time; its tokens are allowed ones, in order.
    """

    def restart(self) -> None:
        """Forget the answer and begin another one."""

    def commit(self, tokens: Sequence[int]) -> None:
        """Extend the answer for good."""

    def best(self, logits: Logits, drafted: Sequence[int] = ()) -> int:
        """The allowed token with the largest logit; ``logits`` have shape (n_vocab,).

        Raises:
            BackendError: no token is allowed.
        """

    def allowed(
        self, logits: Logits, drafted: Sequence[int] = (), most: int = 0
    ) -> NDArray[np.intp]:
        """The allowed tokens, in no particular order; with ``most`` at least the likeliest of them.

        Raises:
            BackendError: no token is allowed.
        """


def nothing_fits() -> BackendError:
    """The error of a place where the vocabulary has no token that the grammar allows."""
    return BackendError(
        "the grammar has reached a point where no token of this model continues it",
        "simplify the grammar, or check it ends where the answer should end",
    )
