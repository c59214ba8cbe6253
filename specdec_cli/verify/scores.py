"""What greedy decoding compares: logits after bias, penalties and DRY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from specdec_cli.core.sampling import Sampling
from specdec_cli.core.types import Logits
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.engine.verifier import numbers_of_target
from specdec_cli.verify.subject import Subject

_ROUNDING = 1e-5
"""Error of a score read back from a probability in single precision."""


class Scores:
    """Scores of the next token, up to a constant.

    Where there is anything but raw logits, they are read from the chain itself: at temperature 1
    and with nothing cut off, logarithms of its distribution differ as its logits do.
    """

    def __init__(self, subject: Subject, greedy: AnswerSettings) -> None:
        sampling = greedy.sampling
        wide = sampling.untruncated()
        self._raw = subject.session(greedy, plain=True).verifier.chain.raw_greedy
        self._chain = subject.session(replace(greedy, sampling=wide), plain=True).verifier.chain
        self._stretch = _stretch(sampling)

    def after(self, context: Sequence[int], row: Logits) -> Logits:
        """The score of every token after ``context``, shape (n_vocab,)."""
        if self._raw:
            return row
        self._chain.restart(context)
        with numbers_of_target():
            dist = self._chain.distribution(row)
        scores = np.full(len(row), -np.inf, np.float32)
        ids = slice(None) if dist.ids is None else dist.ids
        with np.errstate(divide="ignore"):
            scores[ids] = np.log(dist.probs)
        return scores

    def tolerance(self, noise: float) -> float:
        """How far two scores may change places when no logit is off by more than ``noise``."""
        return 2.0 * noise * self._stretch + (0.0 if self._raw else _ROUNDING)


def margin(scores: Logits) -> float:
    """How far the best token is ahead of the second."""
    if len(scores) < 2:
        return float("inf")
    second, best = np.partition(scores, -2)[-2:]
    return float(best) - float(second)


def gap(scores: Logits, *tokens: int) -> float:
    """How far the worst of these tokens is behind the best of all."""
    return float(scores.max()) - min(float(scores[token]) for token in tokens)


def _stretch(sampling: Sampling) -> float:
    """The repetition penalty multiplies logits, and their noise with them."""
    penalty = sampling.repeat_penalty if sampling.penalizes else 1.0
    return max(penalty, 1.0 / penalty)
