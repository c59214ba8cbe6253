"""Drafting token by token, and what a new kind of small model has to write for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.core.draft_length.fixed import FixedLength
from specdec_cli.core.events import Round
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.types import Draft, Logits
from specdec_cli.drafters.base import Parts
from specdec_cli.drafters.stepped import SteppedDrafter
from specdec_cli.engine.loop import generate
from specdec_cli.engine.session import Session
from specdec_cli.errors import BackendError
from tests.fakes import END, PIECES, FakeModel, FakeSamplerChain, make_session

PROMPT = [1, 2, 3]


class Uncached:
    """The least there is to write: a model that works everything out anew."""

    def __init__(self, model: FakeModel) -> None:
        self._model = model
        self._path: list[int] = []

    def sync(self, tokens: Sequence[int]) -> Logits:
        self._path = list(tokens)
        return self._row()

    def step(self, token: int) -> Logits:
        self._path.append(token)
        return self._row()

    def _row(self) -> Logits:
        return self._model.logits(self._path).copy()


def with_uncached(session: Session, k: int, *, temperature: float, sampled: bool) -> Session:
    """The session with a drafter on such a model, and otherwise as ``make_session`` makes it."""
    parts = Parts(
        length=session.length if k else FixedLength(0, 0),
        is_end=lambda token: token == END,
        uniform=Uniforms(1).draft if sampled else None,
    )
    stepper = Uncached(FakeModel(size=len(PIECES), noise=1.0))
    drafter = SteppedDrafter("uncached", stepper, FakeSamplerChain(temperature), parts)
    return replace(session, drafter=drafter)


def rounds(session: Session) -> list[Round]:
    events = generate(session, PROMPT, max_tokens=40)
    return [event for event in events if isinstance(event, Round)]


@given(
    k=st.integers(1, 6),
    p_min=st.sampled_from([0.0, 0.4]),
    temperature=st.sampled_from([0.0, 0.8]),
    rule=st.sampled_from(["match", "rejection"]),
)
def test_sync_and_append_are_enough(k: int, p_min: float, temperature: float, rule: str) -> None:
    def session() -> Session:
        return make_session(k=k, p_min=p_min, temperature=temperature, rule=rule)  # type: ignore[arg-type]

    own = rounds(session())
    sampled = temperature > 0 and rule == "rejection"
    other = rounds(with_uncached(session(), k, temperature=temperature, sampled=sampled))
    assert [r.tokens for r in other] == [r.tokens for r in own]
    assert [r.drafted for r in other] == [r.drafted for r in own]
    assert {r.source for r in other if r.drafted} <= {"uncached"}


class Watched:
    """A drafter that counts, around another."""

    name = "watched"

    def __init__(self, session: Session, fails: bool = False) -> None:
        self._inner = session.drafter
        self._fails = fails
        self.start = self._inner.start
        self.observe = self._inner.observe
        self.running = 0

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        self.running += 1
        if self._fails:
            raise BackendError("no more", "none")
        return self._inner.draft(tokens, limit)

    def close(self) -> None:
        self.running = 0


@pytest.fixture
def watched() -> tuple[Session, Watched]:
    session = make_session(k=3)
    drafter = Watched(session)
    return replace(session, drafter=drafter), drafter


def test_a_drafter_is_closed_when_the_answer_is_finished(watched: tuple[Session, Watched]) -> None:
    session, drafter = watched
    assert rounds(session)
    assert drafter.running == 0


def test_a_drafter_is_closed_when_the_caller_walks_away(watched: tuple[Session, Watched]) -> None:
    session, drafter = watched
    with closing(generate(session, PROMPT, max_tokens=40)) as events:  # type: ignore[type-var]
        list(islice(events, 4))
        assert drafter.running
    assert drafter.running == 0


def test_a_drafter_is_closed_when_it_fails() -> None:
    session = make_session(k=3)
    drafter = Watched(session, fails=True)
    with suppress(BackendError):
        rounds(replace(session, drafter=drafter))
    assert drafter.running == 0


def test_a_drafter_is_closed_when_the_answer_is_cancelled(
    watched: tuple[Session, Watched],
) -> None:
    session, drafter = watched
    list(generate(session, PROMPT, max_tokens=40, cancelled=lambda: drafter.running > 2))
    assert drafter.running == 0
