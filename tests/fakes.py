"""A language model, a vocabulary and a chain without llama.cpp, strict about how they are used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np

from specdec_cli.core.distribution import softmax
from specdec_cli.core.draft_length.adaptive import AdaptiveLength
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.fixed import FixedLength
from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.core.draft_length.steps import PlannedSteps, Source
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.types import Distribution, DistributionAt, Logits
from specdec_cli.core.verify import Rule
from specdec_cli.drafters import registry
from specdec_cli.drafters.base import DraftModel, Parts
from specdec_cli.drafters.ngram import NgramDrafter
from specdec_cli.drafters.none import NoDrafter
from specdec_cli.engine.interruptions import Interruptions
from specdec_cli.engine.session import Session
from specdec_cli.engine.verifier import Verifier
from specdec_cli.errors import Cancelled
from specdec_cli.models.base import Checkpoint
from specdec_cli.models.cached import CachedModel

END = 0


class FakeModel:
    """Logits are a function of the last three tokens in the cache.

    ``noise`` perturbs them, so that a model of the same seed with noise drafts tolerably for one
    without. Every misuse that llama.cpp would punish is an assertion.
    """

    def __init__(
        self,
        *,
        size: int = 12,
        seed: int = 0,
        noise: float = 0.0,
        n_ctx: int = 64,
        n_batch: int = 8,
    ) -> None:
        self.size, self.n_ctx, self.n_batch = size, n_ctx, n_batch
        self.busy_seconds = 0.0
        self.decoded: list[int] = []  # every token ever decoded, for tests of reuse
        self.held: list[int] = []
        self._seed, self._noise = seed, noise
        self._cancelled: Callable[[], bool] | None = None

    @property
    def length(self) -> int:
        return len(self.held)

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        assert 1 <= len(tokens) <= self.n_batch, "a batch too large"
        assert len(self.held) + len(tokens) <= self.n_ctx, "past the end of the context"
        assert rows <= len(tokens)
        if self._cancelled and self._cancelled():
            raise Cancelled
        first = len(self.held) + len(tokens) - rows
        self.held.extend(tokens)
        self.decoded.extend(tokens)
        return np.array(
            [self.logits(self.held[: first + i + 1]) for i in range(rows)], np.float32
        ).reshape(rows, self.size)

    def truncate(self, length: int) -> None:
        assert 0 <= length <= len(self.held)
        del self.held[length:]

    def interrupt_when(self, cancelled: Callable[[], bool] | None) -> None:
        self._cancelled = cancelled

    def logits(self, tokens: Sequence[int]) -> Logits:
        """The logits after a sequence, computed without the cache."""
        context = tuple(token + 1 for token in ([-1, -1, -1, *tokens])[-3:])
        return _logits(self.size, self._seed, self._noise, context)


class FakeRecurrent(FakeModel):
    """A model with a state of all its tokens: it can be cut where there are snapshots only."""

    def __init__(self, *, snapshots: int = 0, **settings: Any) -> None:
        super().__init__(**settings)
        self.snapshots = snapshots
        self.earliest = 0
        self.saved = 0  # states that were copied
        self.saves = True  # copies can be made
        self.fails = 0  # decodes until one fails in the middle, which leaves no state; 0 for never
        self._near: Checkpoint | None = None
        self._broken = False

    @property
    def length(self) -> int:
        return 0 if self._broken else len(self.held)

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        if self._broken:
            self.truncate(0)
        self.fails -= 1
        if not self.fails:
            self._broken, self.earliest = True, 1 << 30
            raise Cancelled
        logits = super().decode(tokens, rows)
        self.earliest = len(self.held) - min(len(tokens) - 1, self.snapshots)
        return logits

    def truncate(self, length: int) -> None:
        assert not length or length >= self.earliest, "there is no such snapshot"
        if not length:
            self._broken = False
        if length < len(self.held):
            super().truncate(length)
            self.earliest = length

    def save(self, *, near: bool) -> Checkpoint | None:
        assert not self._broken and self.held
        if not self.saves:
            return None
        self.saved += 1
        found = Checkpoint(len(self.held), 100, list(self.held))
        if near:
            self._near = found
        return replace(found, data=(near, found))

    def restore(self, checkpoint: Checkpoint) -> bool:
        near, found = checkpoint.data
        assert not near or found is self._near, "another was saved near since"
        assert self.held[: found.length] == found.data, "keys and values are of another text"
        del self.held[found.length :]
        self._broken = False
        self.earliest = found.length
        return True


@lru_cache(maxsize=200_000)
def _logits(size: int, seed: int, noise: float, context: tuple[int, ...]) -> Logits:
    row = np.random.default_rng([seed, *context]).normal(0, 2, size)
    if noise:
        row += np.random.default_rng([97, *context]).normal(0, noise, size)
    row[END] -= 2
    return row.astype(np.float32)


class QuietMachine(Interruptions):
    """A meter that was never interrupted."""

    @property
    def tells(self) -> bool:
        return True

    def begin(self) -> None:
        self.lost = 0.0

    def happened(self, seconds: float) -> bool:
        return False


class FakeVocabulary:
    """Token ``t`` is ``pieces[t]``, token 0 the end of generation."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = list(pieces)

    @property
    def size(self) -> int:
        return len(self._pieces)

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        return [self._pieces.index(bytes([byte])) for byte in text.encode()]

    def piece(self, token: int) -> bytes:
        return self._pieces[token]

    def is_end(self, token: int) -> bool:
        return token == END


PIECES = [b"", b"a", b"b", b" ", b"\xc3", b"\xa9"]
PIECES += [b"ab", b"\n", b"\xf0\x9f", b"\x98\x80", b"c", b"x"]


class FakeSamplerChain:
    """Temperature, and optionally a penalty on the last token of the path: a chain with memory."""

    def __init__(self, temperature: float = 0.0, *, penalty: float = 0.0) -> None:
        self._temperature, self._penalty = temperature, penalty
        self.path: list[int] = []

    @property
    def raw_greedy(self) -> bool:
        return self._temperature == 0 and not self._penalty

    def restart(self, tokens: Sequence[int]) -> None:
        self.path = list(tokens)

    def commit(self, tokens: Sequence[int]) -> None:
        self.path.extend(tokens)

    def distribution(self, logits: Logits) -> Distribution:
        return self._shape(logits, self.path)

    def distributions_along(
        self, rows: Logits | Sequence[Logits], tokens: Sequence[int]
    ) -> DistributionAt:
        return lambda i: self._shape(rows[i], [*self.path, *tokens[:i]])

    def _shape(self, logits: Logits, path: Sequence[int]) -> Distribution:
        logits = logits.copy()
        if self._penalty and path:
            logits[path[-1]] -= self._penalty
        if self._temperature == 0:
            probs = np.zeros(len(logits))
            probs[logits.argmax()] = 1
            return Distribution(probs)
        return softmax(logits, self._temperature)


def make_session(
    *,
    k: int = 4,
    draft_min: int = 0,
    temperature: float = 0.0,
    rule: Rule = "match",
    penalty: float = 0.0,
    noise: float = 1.0,
    p_min: float = 0.0,
    seed: int = 1,
    model_seed: int = 0,
    n_ctx: int = 64,
    target: CachedModel | None = None,
    draft: CachedModel | None = None,
    drafter: str = "model",
    length: DraftLengthPolicy | None = None,
) -> Session:
    """A session on fakes; ``k=0`` decodes plainly."""
    size = len(PIECES)
    uniforms = Uniforms(seed)
    target = target or CachedModel(FakeModel(size=size, seed=model_seed, n_ctx=n_ctx))
    draft = draft or CachedModel(
        FakeModel(size=size, seed=model_seed, noise=noise, n_ctx=n_ctx, n_batch=5)
    )
    vocab = FakeVocabulary(PIECES)
    samples = temperature > 0 and rule != "match"
    length = length or FixedLength(draft_min, k, p_min)
    parts = Parts(
        length=length,
        is_end=vocab.is_end,
        uniform=uniforms.draft if samples else None,
        draft_model=DraftModel(draft, FakeSamplerChain(temperature, penalty=penalty)),
        history=NgramDrafter(min_match=1, path_min=0.0),
    )
    return Session(
        target=target,
        vocab=vocab,
        drafter=registry.named(drafter).make(parts) if k else NoDrafter(),
        length=length,
        verifier=Verifier(FakeSamplerChain(temperature, penalty=penalty), rule, uniforms),
    )


class RandomSteps(PlannedSteps):
    """A draft that ends anywhere."""

    def __init__(self, random: Random) -> None:
        super().__init__(Source(), 0, 0.0, probing=False, forcing=False)
        self._random = random

    def accepts_token(self, confidence: float) -> bool:
        self.confidences.append(confidence)
        return self._random.random() < 0.9

    def should_continue(self) -> bool:
        return self._random.random() < 0.9


class EveryPlan(AdaptiveLength):
    """Decisions as a clock might bring them about, whatever it shows: drawn from a seed."""

    def __init__(self, k: int, seed: int, *, steps: bool, free: bool) -> None:
        super().__init__(
            0, k, CostModel(k + 1, pads=True), sources=("model",) if steps else (), free=free
        )
        self._random = Random(seed)

    def next(self, budget: int) -> int:
        limit = min(budget, self._maximum)
        self._limit = self._random.randint(0, limit) if limit > 0 else 0
        self._step_limit = self._limit if self._sources else 0
        return self._limit

    def limit_for(self, source: str) -> int:
        return self._limit

    def reads(self, source: str, missed: int) -> bool:
        self._missed = missed
        return self._random.random() < 0.5

    def begin(self, source: str) -> RandomSteps:
        return RandomSteps(self._random)

    def trim(self, confidences: Sequence[float], seconds: float = 0.0) -> int:
        return self._random.randint(0, min(len(confidences), self._limit))

    def rows(self, needed: int) -> int:
        return min(needed + self._random.randint(0, 3), self._maximum + 1)
