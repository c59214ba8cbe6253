"""What the engine asks of a language model; llama.cpp and the tests' fake both answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from specdec_cli.core.types import Distribution, DistributionAt, Logits


class Vocabulary(Protocol):
    """Text to tokens and back."""

    @property
    def size(self) -> int: ...

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Tokens of a text; special token texts are recognised only with ``parse_special``."""

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; empty for control tokens."""

    def is_end(self, token: int) -> bool:
        """Whether the token ends the generation."""


class LanguageModel(Protocol):
    """One model with its cache of one sequence."""

    @property
    def n_ctx(self) -> int:
        """How many tokens the cache can hold."""

    @property
    def n_batch(self) -> int:
        """The largest number of tokens of one ``decode``."""

    @property
    def length(self) -> int:
        """How many tokens the cache holds."""

    @property
    def busy_seconds(self) -> float:
        """Time spent inside the backend so far; the rest of a run is our own overhead."""

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        """Append tokens and return the logits after each of the last ``rows`` of them.

        Returns:
            A view of shape (rows, n_vocab), valid until the next call on this model.

        Raises:
            Cancelled: the person stopped it; the cache is as before the call, or empty where
                that cannot be.
            BackendError: the backend failed; likewise.
        """

    def truncate(self, length: int) -> None:
        """Keep only the first ``length`` tokens of the cache."""

    def interrupt_when(self, cancelled: Callable[[], bool] | None) -> None:
        """Poll ``cancelled`` *during* a decode; for long prompt passes, as it costs a little."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A copy of what a recurrent model knew behind its first ``length`` tokens.

    Args:
        size: bytes that it takes.
        data: the model's own.
    """

    length: int
    size: int
    data: Any


class RecurrentModel(LanguageModel, Protocol):
    """A model that keeps a state of all its tokens, of which few earlier ones can be had back."""

    @property
    def snapshots(self) -> int:
        """The most tokens that ``truncate`` can take back from the end of a decode."""

    @property
    def earliest(self) -> int:
        """The shortest length, 0 aside, that ``truncate`` may be asked for as things are."""

    def save(self, *, near: bool) -> Checkpoint | None:
        """Copy the state; ``None`` if that fails.

        Args:
            near: where it is computed, which is quick, but the one that was saved so before is
                lost. Else it goes to main memory.
        """

    def restore(self, checkpoint: Checkpoint) -> bool:
        """Bring back the state of ``checkpoint``, all of whose tokens are held; else False."""


class SamplerChain(Protocol):
    """A sampling chain: turns logits into the distribution of the next token.

    It depends on the tokens so far, the path.
    """

    @property
    def raw_greedy(self) -> bool:
        """Whether it is always a point mass on the largest raw logit: none need be built."""

    def restart(self, tokens: Sequence[int]) -> None:
        """Forget the path and begin again after these tokens."""

    def commit(self, tokens: Sequence[int]) -> None:
        """Extend the path for good."""

    def distribution(self, logits: Logits) -> Distribution:
        """The distribution after the committed path, for one row of logits."""

    def distributions_along(
        self, rows: Logits | Sequence[Logits], tokens: Sequence[int]
    ) -> DistributionAt:
        """The distributions after the path and 0, 1, … of ``tokens``; the path is left as it is.

        ``rows[i]`` and ``tokens[i - 1]`` are read when distribution ``i`` is asked for, not before.
        """
