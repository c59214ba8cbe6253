"""Ways to bring a model's cache back to an earlier token, as after a rejected draft."""

from __future__ import annotations

from typing import Protocol

from specdec_cli.models.base import LanguageModel


class Rewind(Protocol):
    """One way; which is right depends on what the model's cache can do, and on what that costs."""

    def __call__(self, model: LanguageModel, length: int) -> int:
        """Keep no more than the first ``length`` tokens.

        Returns:
            How many are left; the caller decodes the others again.
        """


def cut(model: LanguageModel, length: int) -> int:
    """Drop what comes after, as the cache of attention allows."""
    model.truncate(length)
    return length


def read_anew(model: LanguageModel, length: int) -> int:  # noqa: ARG001 - nothing of it can be kept
    """Begin again: a recurrent state has no earlier token in it."""
    model.truncate(0)
    return 0
