"""The sampling chain on llama.cpp's own samplers, handing back laws instead of samples."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from specdec_cli.core.law import point_mass, softmax
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.types import Law, LawAt, Logits
from specdec_cli.errors import BackendError, UsageError
from specdec_cli.models.binding import captured_stderr, lib
from specdec_cli.models.llama import LlamaModel

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
_DRY_BREAKERS = (b"\n", b":", b'"', b"*")
_GREEDY_CANDIDATES = 40
"""How many of the largest logits a grammar looks at before it has to filter the vocabulary."""


class _Chain:
    """A llama.cpp sampler chain, freed with its owner."""

    def __init__(self, handle: Any) -> None:
        if not handle:
            raise BackendError("llama.cpp could not make a sampler", "close other programs")
        self.handle: Any = handle

    @classmethod
    def empty(cls) -> _Chain:
        return cls(lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params()))

    def add(self, sampler: Any) -> None:
        lib.llama_sampler_chain_add(self.handle, sampler)

    def accept(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            lib.llama_sampler_accept(self.handle, token)

    def clone(self) -> _Chain:
        return _Chain(lib.llama_sampler_clone(self.handle))

    def __del__(self) -> None:
        if self.handle:
            lib.llama_sampler_free(self.handle)
            self.handle = None


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
        self._size = tokens or model.vocab.size
        self._candidates = np.zeros(self._size, _CANDIDATE)
        self._all_ids = np.arange(self._size, dtype=np.int32)
        self._array: Any = lib.llama_token_data_array()
        self._memory = _memory_chain(model, sampling)
        self._fresh_memory = self._memory.clone() if self._memory else None
        self._grammar = _grammar_chain(model, sampling.grammar) if sampling.grammar else None
        self._fresh_grammar = self._grammar.clone() if self._grammar else None
        self._truncate = _truncation_chain(sampling)
        self._top = _Chain.empty()
        self._top.add(lib.llama_sampler_init_top_k(_GREEDY_CANDIDATES))

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

    def _shape(self, logits: Logits, memory: _Chain | None, grammar: _Chain | None) -> Law:
        sampling = self._sampling
        if not (memory or sampling.logit_bias or sampling.truncates or grammar):
            if sampling.temperature == 0:
                return point_mass(int(logits.argmax()))
            return softmax(logits, sampling.temperature)

        def candidates(cut: _Chain | None, mask: _Chain | None) -> Any:
            """The candidates the chains leave, as a view of our own array."""
            self._candidates["id"] = self._all_ids
            self._candidates["logit"] = logits
            for token, bias in sampling.logit_bias.items():
                self._candidates["logit"][token] += bias
            array = self._array
            array.data = self._candidates.ctypes.data_as(lib.llama_token_data_p)
            array.size = self._size
            array.selected = -1
            array.sorted = False
            for chain in (memory, cut, mask):
                if chain:
                    lib.llama_sampler_apply(chain.handle, ctypes.byref(array))
            # A sampler may have moved the array; its address says where the candidates now begin.
            left = _view(array)
            return left[left["logit"] > -np.inf] if mask else left

        cut = self._truncate if sampling.temperature > 0 else (self._top if grammar else None)
        left = candidates(cut, grammar)
        if grammar and not len(left):
            left = candidates(None, grammar)  # nothing legal among the likely: look at all
            if not len(left):
                raise BackendError(
                    "the grammar has reached a point where no token of this model continues it",
                    "simplify the grammar, or check it ends where the answer should end",
                )
        if sampling.temperature == 0:
            return point_mass(int(left["id"][left["logit"].argmax()]))
        return Law(softmax(left["logit"], sampling.temperature).probs, left["id"].astype(np.int32))


def _view(array: Any) -> Any:
    address = ctypes.cast(array.data, ctypes.c_void_p).value
    size = array.size * _CANDIDATE.itemsize
    return np.frombuffer((ctypes.c_char * size).from_address(address), _CANDIDATE)


def _memory_chain(model: LlamaModel, sampling: Sampling) -> _Chain | None:
    if not (sampling.penalizes or sampling.repeats_dry):
        return None
    chain = _Chain.empty()
    if sampling.penalizes:
        chain.add(
            lib.llama_sampler_init_penalties(
                model.vocab.size,
                sampling.repeat_last_n,
                sampling.repeat_penalty,
                sampling.frequency_penalty,
                sampling.presence_penalty,
            )
        )
    if sampling.repeats_dry:
        breakers = (ctypes.c_char_p * len(_DRY_BREAKERS))(*_DRY_BREAKERS)
        chain.add(
            lib.llama_sampler_init_dry(
                model.vocab.handle,
                sampling.dry_multiplier,
                sampling.dry_base,
                sampling.dry_allowed_length,
                sampling.dry_last_n,
                breakers,
                len(_DRY_BREAKERS),
            )
        )
    return chain


def _truncation_chain(sampling: Sampling) -> _Chain | None:
    if not sampling.truncates:
        return None
    steps: tuple[tuple[bool, Callable[[], Any]], ...] = (
        (sampling.top_k > 0, lambda: lib.llama_sampler_init_top_k(sampling.top_k)),
        (sampling.typical_p < 1, lambda: lib.llama_sampler_init_typical(sampling.typical_p, 1)),
        (sampling.top_p < 1, lambda: lib.llama_sampler_init_top_p(sampling.top_p, 1)),
        (sampling.min_p > 0, lambda: lib.llama_sampler_init_min_p(sampling.min_p, 1)),
    )
    chain = _Chain.empty()
    for wanted, make in steps:
        if wanted:
            chain.add(make())
    return chain


def _grammar_chain(model: LlamaModel, grammar: str) -> _Chain:
    with captured_stderr() as said:
        sampler = lib.llama_sampler_init_grammar(
            model.vocab.handle, grammar.encode("utf-8", "replace"), b"root"
        )
    if not sampler:
        reason = next((line for line in said if line.strip()), "no reason given")
        raise UsageError(
            f"the grammar is not valid GBNF: {reason}",
            'a grammar has a rule named root, for example: --grammar \'root ::= "yes" | "no"\'',
        )
    chain = _Chain.empty()
    chain.add(sampler)
    return chain
