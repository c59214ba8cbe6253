"""GBNF grammars by llama.cpp's own sampler, which tests tokens and never meets a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from specdec_cli.core.distribution import most_likely
from specdec_cli.core.types import Logits
from specdec_cli.models.binding import captured_stderr, lib, listening
from specdec_cli.models.candidates import Candidates
from specdec_cli.models.constraint import gbnf
from specdec_cli.models.constraint.base import nothing_fits
from specdec_cli.models.constraint.prefixes import Prefixes
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.samplers import Chain
from specdec_cli.models.shortlist import Shortlist

_LIKELY, _LESS_LIKELY, _MANY = 64, 1024, 16_384
_FEW = 4096
"""Tokens that may be tested by their beginnings before the less likely ones are."""


class GbnfConstraint:
    """Keeps an answer to a GBNF grammar.

    Testing a token costs 0.15 microseconds, so the likely ones come first. Where these are too few
    the grammar allows little, and the tokens are tested by their beginnings, if those are known.
    ``llama_sampler_accept`` ends the process where a token is not allowed: each is tested before.

    Args:
        prefixes: gives the vocabulary by beginnings, if they are known; asked where they help.

    Raises:
        UsageError: the text is not valid GBNF.
    """

    def __init__(
        self,
        model: LlamaModel,
        text: str,
        prefixes: Callable[[], Prefixes | None] = lambda: None,
    ) -> None:
        self._fresh = _sampler(model, text)
        self._prefixes = prefixes if gbnf.by_beginnings(text) else lambda: None
        self._likely, self._less_likely = Shortlist(_LIKELY), Shortlist(_LESS_LIKELY)
        self._states = [self._fresh.clone()]  # after the answer, and after each drafted token
        self._drafted: list[int] = []
        self._candidates = Candidates(model.vocab.size)
        self._every = np.arange(model.vocab.size)

    def restart(self) -> None:
        self._states, self._drafted = [self._fresh.clone()], []

    def commit(self, tokens: Sequence[int]) -> None:
        self._go_to(tokens)
        self._states, self._drafted = [self._states[-1]], []

    def best(self, logits: Logits, drafted: Sequence[int] = ()) -> int:
        self._go_to(drafted)
        likely = np.array([most_likely(logits)])
        ids = likely if self._tested(likely).size else self._find(logits, 1)
        return ids.item(logits[ids].argmax())

    def allowed(
        self, logits: Logits, drafted: Sequence[int] = (), most: int = 0
    ) -> NDArray[np.intp]:
        self._go_to(drafted)
        return self._find(logits, most or logits.size)

    def _find(self, logits: Logits, most: int) -> NDArray[np.intp]:
        """The allowed tokens, or at least the ``most`` likeliest of them."""
        found = self._of_likely(logits, self._likely.of, _LIKELY, most)
        if found is None:
            found = self._by_beginnings(logits.size, max(_FEW, most))
        if found is None:
            found = self._of_likely(logits, self._less_likely.of, _LESS_LIKELY, most)
        if found is None:
            found = self._of_likely(logits, _largest, _MANY, most)
        if found is None:
            found = self._tested(self._every[: logits.size])
        if not found.size:
            raise nothing_fits()
        return found

    def _of_likely(
        self,
        logits: Logits,
        likely: Callable[[Logits], NDArray[np.intp]],
        count: int,
        most: int,
    ) -> NDArray[np.intp] | None:
        """The allowed ones of the ``count`` likeliest tokens, if there are enough."""
        if not most <= count < logits.size:
            return None
        found = self._tested(likely(logits))
        return found if found.size >= most else None

    def _by_beginnings(self, size: int, most: int) -> NDArray[np.intp] | None:
        """All allowed tokens in rising order, if no more than ``most`` need be tested for that."""
        prefixes = self._prefixes()
        found = prefixes.allowed(self._tested, most) if prefixes else None
        return None if found is None else np.sort(found[found < size])

    def _tested(self, ids: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of some tokens that are allowed now."""
        candidates = self._candidates
        candidates.fill_with(ids, np.zeros(ids.size, np.float32))
        candidates.apply(self._states[-1])
        left = candidates.left
        return np.asarray(left["id"][left["logit"] == 0], np.intp)

    def _go_to(self, drafted: Sequence[int]) -> None:
        """Let the last state be the one after the answer and ``drafted``."""
        same = 0
        for here, there in zip(self._drafted, drafted, strict=False):
            if here != there:
                break
            same += 1
        del self._drafted[same:], self._states[same + 1 :]
        for token in drafted[same:]:
            if not self._tested(np.array([token])).size:
                raise ValueError(f"token {token} is not allowed here")
            state = self._states[-1].clone()
            state.accept([token])
            self._states.append(state)
            self._drafted.append(token)


def _largest(logits: Logits) -> NDArray[np.intp]:
    return np.argpartition(logits, -_MANY)[-_MANY:]


def _sampler(model: LlamaModel, text: str) -> Chain:
    """What a GBNF grammar allows.

    Raises:
        UsageError: the text is not valid GBNF, or cannot be followed in safety.
    """
    gbnf.refuse_unsound(text)
    with captured_stderr() as printed, listening() as logged:
        sampler = lib.llama_sampler_init_grammar(
            model.vocab.handle, text.encode("utf-8", "replace"), b"root"
        )
    if not sampler:
        raise gbnf.failure(text, [*printed, *logged])
    chain = Chain.empty()
    chain.add(sampler)
    gbnf.refuse_silent(text)
    return chain
