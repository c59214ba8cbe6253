"""The sampling chain on llama.cpp's own samplers, handing back distributions instead of samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specdec_cli.core.distribution import most_likely, point_mass, softmax
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.types import Distribution, DistributionAt, Logits
from specdec_cli.models import samplers
from specdec_cli.models.candidates import Candidates
from specdec_cli.models.constraint.base import Constraint
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.samplers import Chain
from specdec_cli.models.shortlist import Shortlist

_LARGE = 24_000
"""From as many tokens on a look at all of them costs less than to hand them all to a sampler."""


class LlamaSamplerChain:
    """Shapes logits by a ``Sampling``, remembering the path where the distribution depends on it.

    A path is walked on a clone of the chains, so a rejected draft leaves no trace in the
    penalties or in DRY; a constraint finds its way back by itself.

    Args:
        tokens: the number of logits in a row, if it is not the model's whole vocabulary.
        constraint: what the answer is kept to, if anything.
    """

    def __init__(
        self,
        model: LlamaModel,
        sampling: Sampling,
        tokens: int | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        self._sampling = sampling
        self._candidates = Candidates(tokens or model.vocab.size)
        self._memory = samplers.memory(model, sampling)
        self._fresh_memory = self._memory.clone() if self._memory else None
        self._constraint = constraint
        self._likely = samplers.truncation(sampling)
        if sampling.temperature > 0:
            samplers.add_probabilities(self._likely, sampling.temperature)
        large = sampling.top_k > 0 and self._candidates.size >= _LARGE
        self._shortlist = Shortlist(sampling.top_k) if large else None
        self.raw_greedy = (
            sampling.temperature == 0
            and not sampling.has_memory
            and not sampling.logit_bias
            and not constraint
        )

    def restart(self, tokens: Sequence[int]) -> None:
        if self._fresh_memory:
            self._memory = self._fresh_memory.clone()
            reach = max(self._sampling.repeat_last_n, self._sampling.dry_last_n)
            self._memory.accept(tokens[-reach:])
        if self._constraint:
            self._constraint.restart()  # it is about the answer only

    def commit(self, tokens: Sequence[int]) -> None:
        if self._memory:
            self._memory.accept(tokens)
        if self._constraint:
            self._constraint.commit(tokens)

    def distribution(self, logits: Logits) -> Distribution:
        return self._shape(logits, self._memory, ())

    def distributions_along(
        self, rows: Logits | Sequence[Logits], tokens: Sequence[int]
    ) -> DistributionAt:
        if not self._memory and not self._constraint:
            return lambda i: self.distribution(rows[i])
        memory = self._memory and self._memory.clone()

        def dist_at(i: int) -> Distribution:
            if i and memory:
                memory.accept(tokens[i - 1 : i])
            return self._shape(rows[i], memory, tokens[:i])

        return dist_at

    def _shape(self, logits: Logits, memory: Chain | None, drafted: Sequence[int]) -> Distribution:
        sampling = self._sampling
        if memory or sampling.logit_bias:
            most_likely(logits)  # llama.cpp's samplers take whatever they are given
            logits = self._adjusted(logits, memory)
        if self._constraint:
            return self._constrained(logits, self._constraint, drafted)
        if sampling.temperature == 0:
            return point_mass(most_likely(logits))
        if not sampling.truncates:
            return softmax(logits, sampling.temperature)
        return self._truncated(logits)

    def _truncated(self, logits: Logits) -> Distribution:
        """The distribution of the tokens that truncation leaves: the hot path.

        Between two passes nothing is in the processor's caches, and every step of numpy's costs
        several times what it computes: there are as few as can be.
        """
        candidates = self._candidates
        if self._shortlist:
            likely = self._shortlist.of(logits)
            candidates.fill_with(likely, logits[likely])
        else:
            most_likely(logits)
            candidates.fill(logits)
        return self._likely_left()

    def _constrained(
        self, logits: Logits, constraint: Constraint, drafted: Sequence[int]
    ) -> Distribution:
        """The same chain, on the tokens that the constraint allows."""
        sampling = self._sampling
        if sampling.temperature == 0:
            return point_mass(constraint.best(logits, drafted))
        most_likely(logits)
        allowed = constraint.allowed(logits, drafted, sampling.top_k)
        if not sampling.truncates:
            return softmax(logits[allowed], sampling.temperature, allowed.astype(np.int32))
        if self._shortlist and len(allowed) >= _LARGE:
            allowed = allowed[self._shortlist.of(logits[allowed])]
        self._candidates.fill_with(allowed, logits[allowed])
        return self._likely_left()

    def _likely_left(self) -> Distribution:
        self._candidates.apply(self._likely)
        left = self._candidates.left
        return Distribution(left["p"].astype(np.float64), left["id"].copy())

    def _adjusted(self, logits: Logits, memory: Chain | None) -> Logits:
        """The logits after bias, penalties and DRY, which leave no token out."""
        candidates = self._candidates
        shown = candidates.fill(logits)
        for token, bias in self._sampling.logit_bias.items():
            shown[token] += bias
        if memory:
            candidates.apply(memory)
        adjusted = np.empty(candidates.size, np.float32)
        left = candidates.left
        adjusted[left["id"]] = left["logit"]
        return adjusted
