"""llama.cpp's own samplers, in chains."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from specdec_cli.core.sampling import Sampling
from specdec_cli.errors import BackendError
from specdec_cli.models.binding import lib
from specdec_cli.models.llama import LlamaModel

_DRY_BREAKERS = (b"\n", b":", b'"', b"*")


class Chain:
    """A llama.cpp sampler chain, freed with its owner."""

    def __init__(self, handle: Any) -> None:
        if not handle:
            raise BackendError("llama.cpp could not make a sampler", "close other programs")
        self.handle: Any = handle

    @classmethod
    def empty(cls) -> Chain:
        return cls(lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params()))

    def add(self, sampler: Any) -> None:
        lib.llama_sampler_chain_add(self.handle, sampler)

    def accept(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            lib.llama_sampler_accept(self.handle, token)

    def clone(self) -> Chain:
        return Chain(lib.llama_sampler_clone(self.handle))

    def __del__(self) -> None:
        if self.handle:
            lib.llama_sampler_free(self.handle)
            self.handle = None


def memory(model: LlamaModel, sampling: Sampling) -> Chain | None:
    """What depends on the path: penalties and DRY."""
    if not (sampling.penalizes or sampling.repeats_dry):
        return None
    chain = Chain.empty()
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


def truncation(sampling: Sampling) -> Chain:
    """What leaves out unlikely tokens."""
    steps: tuple[tuple[bool, Callable[[], Any]], ...] = (
        (sampling.top_k > 0, lambda: lib.llama_sampler_init_top_k(sampling.top_k)),
        (sampling.typical_p < 1, lambda: lib.llama_sampler_init_typical(sampling.typical_p, 1)),
        (sampling.top_p < 1, lambda: lib.llama_sampler_init_top_p(sampling.top_p, 1)),
        (sampling.min_p > 0, lambda: lib.llama_sampler_init_min_p(sampling.min_p, 1)),
    )
    chain = Chain.empty()
    for wanted, make in steps:
        if wanted:
            chain.add(make())
    return chain


def add_probabilities(chain: Chain, temperature: float) -> None:
    """Let a chain end with the probabilities, at a temperature above zero."""
    chain.add(lib.llama_sampler_init_temp(temperature))
    chain.add(lib.llama_sampler_init_dist(0))  # it draws a token as well, which nobody looks at
