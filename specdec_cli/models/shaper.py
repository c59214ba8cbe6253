"""The sampling chain on llama.cpp's own samplers, handing back laws instead of samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specdec_cli.core.law import most_likely, point_mass, softmax
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.types import Law, LawAt, Logits
from specdec_cli.errors import BackendError
from specdec_cli.models import samplers
from specdec_cli.models.candidates import Candidates
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.samplers import Chain
from specdec_cli.models.shortlist import Shortlist

_LARGE = 24_000
"""From as many tokens on a look at all of them costs less than to hand them all to a sampler."""

_GREEDY_CANDIDATES = 40
"""How many of the largest logits a grammar looks at before it has to filter the vocabulary."""


class LlamaShaper:
    """Shapes logits by a ``Sampling``, remembering the path where the law depends on it.

    A path is walked on a clone of the chains, so a rejected draft leaves no trace in the
    penalties, in DRY or in the grammar.

    Args:
        tokens: the number of logits in a row, if it is not the model's whole vocabulary.

    Raises:
        UsageError: the grammar's text is not valid GBNF.
    """

    def __init__(self, model: LlamaModel, sampling: Sampling, tokens: int | None = None) -> None:
        self._sampling = sampling
        self._candidates = Candidates(tokens or model.vocab.size)
        self._memory = samplers.memory(model, sampling)
        self._fresh_memory = self._memory.clone() if self._memory else None
        self._grammar = samplers.grammar(model, sampling.grammar) if sampling.grammar else None
        self._fresh_grammar = self._grammar.clone() if self._grammar else None
        self._truncate = samplers.truncation(sampling)
        self._top = samplers.top(_GREEDY_CANDIDATES)
        # Where nothing else is asked for, the same and the probabilities come in one call.
        self._likely = samplers.truncation(sampling)
        if sampling.temperature > 0:
            samplers.add_probabilities(self._likely, sampling.temperature)
        large = sampling.top_k > 0 and self._candidates.size >= _LARGE
        self._shortlist = Shortlist(sampling.top_k) if large else None

    @property
    def raw_greedy(self) -> bool:
        return (
            self._sampling.temperature == 0
            and not self._sampling.has_memory
            and not self._sampling.logit_bias
        )

    def restart(self, tokens: Sequence[int]) -> None:
        if self._fresh_memory:
            self._memory = self._fresh_memory.clone()
            reach = max(self._sampling.repeat_last_n, self._sampling.dry_last_n)
            self._memory.accept(tokens[-reach:])
        if self._fresh_grammar:
            self._grammar = self._fresh_grammar.clone()  # a grammar is about the answer only

    def commit(self, tokens: Sequence[int]) -> None:
        for chain in (self._memory, self._grammar):
            if chain:
                chain.accept(tokens)

    def law(self, logits: Logits) -> Law:
        return self._shape(logits, self._memory, self._grammar)

    def along(self, rows: Logits | Sequence[Logits], tokens: Sequence[int]) -> LawAt:
        if not self._sampling.has_memory:
            return lambda i: self.law(rows[i])
        memory = self._memory and self._memory.clone()
        grammar = self._grammar and self._grammar.clone()

        def law_at(i: int) -> Law:
            if i:
                for chain in (memory, grammar):
                    if chain:
                        chain.accept(tokens[i - 1 : i])
            return self._shape(rows[i], memory, grammar)

        return law_at

    def _shape(self, logits: Logits, memory: Chain | None, grammar: Chain | None) -> Law:
        sampling = self._sampling
        if memory or grammar or sampling.logit_bias:
            most_likely(logits)  # llama.cpp's samplers take whatever they are given
            return self._shape_by(logits, memory, grammar)
        if sampling.temperature == 0:
            return point_mass(most_likely(logits))
        if not sampling.truncates:
            return softmax(logits, sampling.temperature)
        return self._truncated(logits)

    def _truncated(self, logits: Logits) -> Law:
        """The hot path. Between two passes nothing is in the processor's caches, and every step of
        numpy's costs several times what it computes: there are as few as can be."""
        candidates = self._candidates
        if self._shortlist:
            likely = self._shortlist.of(logits)
            candidates.fill_with(likely, logits[likely])
        else:
            most_likely(logits)
            candidates.fill(logits)
        candidates.apply(self._likely)
        left = candidates.left
        return Law(left["p"].astype(np.float64), left["id"].copy())

    def _shape_by(self, logits: Logits, memory: Chain | None, grammar: Chain | None) -> Law:
        temperature = self._sampling.temperature
        cut = self._truncate if temperature > 0 else (self._top if grammar else None)
        left = self._left(logits, memory, cut, grammar)
        if grammar and not len(left):
            left = self._left(logits, memory, None, grammar)  # nothing legal among the likely
            if not len(left):
                raise BackendError(
                    "the grammar has reached a point where no token of this model continues it",
                    "simplify the grammar, or check it ends where the answer should end",
                )
        if temperature == 0:
            return point_mass(int(left["id"][left["logit"].argmax()]))
        return softmax(left["logit"], temperature, left["id"].copy())

    def _left(
        self, logits: Logits, memory: Chain | None, cut: Chain | None, mask: Chain | None
    ) -> NDArray[np.void]:
        """The candidates the chains leave, as a view."""
        candidates = self._candidates
        shown = candidates.fill(logits)
        for token, bias in self._sampling.logit_bias.items():
            shown[token] += bias
        for chain in (memory, cut, mask):
            if chain:
                candidates.apply(chain)
        left = candidates.left
        return left[left["logit"] > -np.inf] if mask else left
