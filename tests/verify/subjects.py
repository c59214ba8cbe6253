"""Pairs of fakes, sound ones and ones with a defect that a check must find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from specdec_cli.core.distribution import softmax
from specdec_cli.core.events import Round
from specdec_cli.core.types import Draft, Logits, Verdict
from specdec_cli.core.verify import Rule
from specdec_cli.drafters.base import Drafter
from specdec_cli.engine.session import Session
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.engine.verifier import Verifier
from specdec_cli.models.cached import CachedModel
from specdec_cli.verify.subject import Prompt
from tests.fakes import PIECES, FakeModel, make_session

Defect = Callable[[Session], Session]

PROMPTS = [Prompt(f"prompt {i}", (1 + i % 11, 1 + (3 * i) % 11, 5)) for i in range(12)]


class FakePair:
    """Answers like a loaded pair.

    Args:
        defect: what is wrong with its sessions that draft.
    """

    def __init__(
        self,
        *,
        k: int = 4,
        penalty: float = 0.0,
        target: FakeModel | None = None,
        defect: Defect = lambda session: session,
    ) -> None:
        self._k, self._penalty, self._defect = k, penalty, defect
        self._target = CachedModel(target or FakeModel(size=len(PIECES), n_ctx=256))
        self._draft = CachedModel(FakeModel(size=len(PIECES), noise=1.0, n_ctx=256, n_batch=5))

    def rule(self, answer: AnswerSettings) -> Rule:
        return "match" if answer.verify == "auto" else answer.verify

    def session(self, answer: AnswerSettings, *, plain: bool = False) -> Session:
        session = make_session(
            k=0 if plain else self._k,
            temperature=answer.sampling.temperature,
            rule=self.rule(answer),
            penalty=self._penalty,
            seed=answer.seed,
            target=self._target,
            draft=self._draft,
        )
        return session if plain else self._defect(session)


class NoisyModel(FakeModel):
    """Passes over several rows differ from passes over one, by at most ``noise``."""

    def __init__(self, noise: float) -> None:
        super().__init__(size=len(PIECES), n_ctx=256)
        self._off = noise

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        logits = super().decode(tokens, rows)
        if rows < 2:
            return logits
        seeds = [self.held[: len(self.held) - rows + 1 + i][-3:] for i in range(rows)]
        off = [np.random.default_rng(seed).uniform(-1, 1, self.size) for seed in seeds]
        return (logits + self._off * np.array(off)).astype(np.float32)


class StaleModel(FakeModel):
    """After a cut the cache's last entry is another token's: off by one."""

    def __init__(self) -> None:
        super().__init__(size=len(PIECES), n_ctx=256)

    def truncate(self, length: int) -> None:
        cuts = 0 < length < len(self.held)
        super().truncate(length)
        if cuts:
            self.held[-1] = 1 + self.held[-1] % (self.size - 1)


class _Generous:
    """A verifier that keeps one draft token too many."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def __getattr__(self, name: str) -> object:
        return getattr(self._verifier, name)

    def verify(self, rows: Logits, draft: Draft, position: int) -> Verdict:
        verdict = self._verifier.verify(rows, draft, position)
        return Verdict(min(verdict.accepted + 1, len(draft)), verdict.token)


def accepts_too_often(session: Session) -> Session:
    return replace(session, verifier=_Generous(session.verifier))  # type: ignore[arg-type]


class _WrongDistribution:
    """A drafter that says its tokens were drawn from another distribution than they were."""

    def __init__(self, drafter: Drafter) -> None:
        self._drafter = drafter

    def __getattr__(self, name: str) -> object:
        return getattr(self._drafter, name)

    def observe(self, outcome: Round) -> None:
        pass

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        draft = self._drafter.draft(tokens, limit)
        if draft.q is None:
            return draft
        wrong = tuple(softmax(np.log(q.probs).astype(np.float32), 2.0) for q in draft.q)
        return replace(draft, q=wrong)


def claims_a_wrong_distribution(session: Session) -> Session:
    return replace(session, drafter=_WrongDistribution(session.drafter))  # type: ignore[arg-type]
