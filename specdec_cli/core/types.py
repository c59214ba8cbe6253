"""The values that travel between drafters, verifiers and the loop.

Names follow the papers: ``p`` is the target's distribution, ``q`` the draft's, ``k`` the draft
length (Leviathan et al., arXiv 2211.17192, section 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
"""One row of logits, shape (n_vocab,), or several, shape (rows, n_vocab)."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A probability distribution over token ids.

    Args:
        probs: probabilities, shape (n,), summing to one.
        ids: the token each probability belongs to, shape (n,), without repeats;
            ``None`` when the distribution is dense, that is ``probs[t]`` is the probability of
            token ``t``.
    """

    probs: NDArray[np.float64]
    ids: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a drafter proposes to follow the committed tokens.

    Args:
        tokens: the proposed tokens, in order; empty when there is nothing to propose.
        q: the distribution each token was *sampled* from, one per token; ``None`` when the tokens
            are a deterministic function of the text so far, which makes ``q`` a point mass.
        source: which drafter proposed, for statistics by source.
        confidence: the drafter's own estimate of each token being accepted, where it has one; one
            more where it was about to draw another token and that was refused.
        read_seconds: what it took to read text that the drafter had missed, the prompt above all.
    """

    tokens: tuple[int, ...] = ()
    q: tuple[Distribution, ...] | None = None
    source: str = "none"
    confidence: tuple[float, ...] = ()
    read_seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.tokens)


NO_DRAFT = Draft()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of verifying one draft.

    Args:
        accepted: how many leading draft tokens are kept.
        token: the target's own token that follows them (a correction, or the bonus token when
            the whole draft was accepted).
        acceptance: with which probability each draft token up to the first rejected one was to be
            accepted by itself, ``min(1, p/q)``: what an accept coin expects, and less noisy than
            the coin. Empty where no distributions were needed.
    """

    accepted: int
    token: int
    acceptance: Sequence[float] = field(default=(), compare=False)


DistributionAt = Callable[[int], Distribution]
"""The target's distribution after the committed and the first ``i`` draft tokens, ``0 <= i <= k``.

Called with ``i`` rising by one from zero, never twice: shaping with penalties walks the draft.
"""
