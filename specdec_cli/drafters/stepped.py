"""Drafting token by token, from any small model that gives logits for one token after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import exp

import numpy as np

from specdec_cli.core.clock import now
from specdec_cli.core.distribution import NotNumbersError, draw, most_likely
from specdec_cli.core.events import Round
from specdec_cli.core.types import NO_DRAFT, Distribution, Draft, Logits
from specdec_cli.drafters.base import Parts
from specdec_cli.drafters.stepper import Cache, Stepper
from specdec_cli.errors import BadLogitsError, Cancelled
from specdec_cli.models.base import SamplerChain

_AT_ONCE = 16
"""So many tokens are read together with the first step, which takes little longer than one."""

_SAFE_LOGIT = 60.0
"""Exponentials of logits up to here, and sums of them, are finite in single precision."""


class SteppedDrafter:
    """Drafts token by token from a model of the target's vocabulary.

    Args:
        name: what its drafts are called, as ``DrafterSpec.stepped`` has it.
        stepper: the model.
        chain: the target's sampling chain, mirrored, for the model's logits.
        parts: where a draft ends, how long it is, and where random numbers come from.
        cache: the model's, if it keeps one.

    A token's confidence is how sure the distribution is of its most likely token. A draft's
    confidences are those of its tokens and of the one that was refused, if one was.

    A sampled draft must never be shortened by what was sampled: the decision to stop is taken
    from the path and the distribution *before* the next token is drawn, and a draft is never thrown
    away afterwards. Dropping an unlikely sampled token biases the output (``test_verify_exact``).
    """

    def __init__(
        self,
        name: str,
        stepper: Stepper,
        chain: SamplerChain,
        parts: Parts,
        cache: Cache | None = None,
    ) -> None:
        self.name = name
        self._stepper = stepper
        self._cache = cache
        self._chain = chain
        self._shaped = 0  # how many committed tokens the chain has seen
        self._is_end = parts.is_end
        self._length = parts.length
        self._uniform = parts.uniform
        self._cancelled: Callable[[], bool] = lambda: False
        self._scratch = self._ones = np.empty(0, np.float32)

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        if self._cache is not None:
            self._cache.restart(prompt)
        self._chain.restart(prompt)
        self._shaped = len(prompt)
        self._cancelled = cancelled

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        cache = self._cache
        if cache is None:
            return self._draft(tokens, limit) if limit > 0 else NO_DRAFT
        limit = min(limit, cache.n_ctx - len(tokens))
        if limit < 1:
            return NO_DRAFT
        missed = cache.missing(tokens)
        if missed <= _AT_ONCE:
            return self._draft(tokens, limit)
        if not self._length.reads(self.name, missed):
            return NO_DRAFT
        began = now()
        try:
            cache.read(tokens[:-1], self._cancelled)
        except Cancelled:
            return NO_DRAFT
        read = now() - began
        return replace(self._draft(tokens, limit), read_seconds=read)

    def observe(self, outcome: Round) -> None:
        pass

    def close(self) -> None:
        pass

    def _draft(self, tokens: Sequence[int], limit: int) -> Draft:
        row = self._stepper.sync(tokens)
        try:
            if self._chain.raw_greedy:
                return self._draft_greedily(row, limit)
            self._chain.commit(tokens[self._shaped :])
            self._shaped = len(tokens)
            return self._draft_shaped(row, limit)
        except NotNumbersError as error:
            raise BadLogitsError("the draft model", "--drafter none answers without it") from error

    def _draft_greedily(self, row: Logits, limit: int) -> Draft:
        """The hot path: per token one argmax and one decode."""
        proposed: list[int] = []
        steps = self._length.begin(self.name) if self._length.needs_confidence else None
        while True:
            token = most_likely(row)
            if steps and not steps.accepts_token(self._confidence(row, token)):
                break
            proposed.append(token)
            if len(proposed) == limit or self._is_end(token) or self._cancelled():
                break
            if steps and not steps.should_continue():
                break
            row = self._stepper.step(token)
        return Draft(tuple(proposed), None, self.name, tuple(steps.confidences) if steps else ())

    def _draft_shaped(self, row: Logits, limit: int) -> Draft:
        proposed: list[int] = []
        dists: list[Distribution] = []
        rows = [row]
        steps = self._length.begin(self.name)
        dist_at = self._chain.distributions_along(rows, proposed)
        while True:
            dist = dist_at(len(proposed))
            best = _likeliest(dist)
            p = float(dist.probs.max())
            if len(dist.probs) == 1:  # a greedy chain's point mass does not say how sure it is
                p = self._confidence(rows[-1], best)
            if not steps.accepts_token(p):
                break
            token = draw(dist, self._uniform()) if self._uniform else best
            dists.append(dist)
            proposed.append(token)
            if len(proposed) == limit or self._is_end(token) or self._cancelled():
                break
            if not steps.should_continue():
                break
            rows.append(self._stepper.step(token))
        q = tuple(dists) if self._uniform else None
        return Draft(tuple(proposed), q, self.name, tuple(steps.confidences))

    def _confidence(self, row: Logits, token: int) -> float:
        """How sure the model is of a token: its probability if there is a ``p_min``.

        Otherwise its probability against the most likely other token alone. Calibration works with
        any monotone scale; this one takes a quarter of the time and separates accepted from
        rejected tokens as well.
        """
        if self._length.p_min:
            return self._probability(row, token)
        own = row.item(token)
        row[token] = -np.inf
        other = row.item(row.argmax())
        row[token] = own
        return 1.0 / (1.0 + exp(min(other - own, _SAFE_LOGIT)))

    def _probability(self, row: Logits, token: int) -> float:
        """The softmax of the row at its largest logit, in as few steps over the row as can be.

        Between two decodes nothing is in the processor's caches, so each step costs several times
        what it computes.
        """
        scratch = self._scratch
        if scratch.shape != row.shape:
            scratch = self._scratch = np.empty_like(row)
            self._ones = np.ones_like(row)
        largest = float(row[token])
        if not -_SAFE_LOGIT < largest < _SAFE_LOGIT:
            row = np.subtract(row, largest, out=scratch)
            largest = 0.0
        np.exp(row, out=scratch)
        return exp(largest) / float(scratch.dot(self._ones))


def _likeliest(dist: Distribution) -> int:
    best = int(dist.probs.argmax())
    return best if dist.ids is None else int(dist.ids[best])
