"""A drafter reads the prompt when it is asked to draft, and only if that is expected to pay."""

from __future__ import annotations

import pytest

from specdec_cli.core.draft_length.adaptive import AdaptiveLength
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.events import Finished, PromptDone, Round
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.loop import generate
from specdec_cli.models.cached import CachedModel
from tests.fakes import FakeModel, make_session

LONG = [1 + i % 9 for i in range(60)]


def draft_model() -> CachedModel:
    return CachedModel(FakeModel(n_ctx=256))


class SlowToRead(AdaptiveLength):
    """The target took a second for each token of any prompt."""

    def start(self, tokens: int, seconds: float) -> None:
        super().start(tokens, float(tokens))


def controller(step: float) -> AdaptiveLength:
    """Knows that a pass of the target takes a second, over however many rows."""
    costs = CostModel(5)
    for rows in (1, 1, 1, 2, 3, 4, 5):
        costs.observe(rows, 1.0)
    costs.observe_draft("model", 1, step)
    length = SlowToRead(0, 4, costs, sources=("model",))
    assert not costs.stale
    return length


def decoded(cached: CachedModel) -> list[int]:
    assert isinstance(cached.model, FakeModel)
    return cached.model.decoded


def test_the_first_token_does_not_wait_for_the_draft_s_prompt() -> None:
    draft = draft_model()
    events = generate(make_session(draft=draft, n_ctx=256), LONG, max_tokens=4)
    assert next(event for event in events if isinstance(event, PromptDone))
    assert not decoded(draft)
    first = next(event for event in events if isinstance(event, Round))
    assert decoded(draft)[: len(LONG)] == LONG
    assert first.draft_seconds >= first.read_seconds > 0.0


def test_what_it_took_is_counted_apart() -> None:
    stats = RunStats()
    for event in generate(make_session(draft=draft_model(), n_ctx=256), LONG, max_tokens=8):
        stats.observe(event)
    assert 0.0 < stats.draft_prompt_seconds <= stats.draft_seconds
    assert stats.as_dict()["draft_prompt_seconds"] == stats.draft_prompt_seconds


def test_a_costly_draft_reads_nothing_for_a_short_answer() -> None:
    """A step takes nine tenths of a pass, so that reading 60 tokens takes many passes."""
    draft, length = draft_model(), controller(0.9)
    session = make_session(draft=draft, length=length, n_ctx=256)
    rounds = [e for e in generate(session, LONG, max_tokens=8) if isinstance(e, Round)]
    assert not decoded(draft)
    assert all(event.drafted == 0 for event in rounds)


def test_a_cheap_draft_reads_at_once() -> None:
    draft, length = draft_model(), controller(1e-3)
    session = make_session(draft=draft, length=length, n_ctx=256)
    rounds = [e for e in generate(session, LONG, max_tokens=8) if isinstance(e, Round)]
    assert decoded(draft)[: len(LONG)] == LONG
    assert rounds[0].drafted > 0


def test_a_draft_worth_it_reads_once_the_answer_is_long_enough() -> None:
    """And the answer is the same, whenever it is read."""
    draft, length = draft_model(), controller(0.05)  # three seconds for 60 tokens
    session = make_session(draft=draft, length=length, n_ctx=256)
    rounds = [e for e in generate(session, LONG, max_tokens=60) if isinstance(e, Round)]
    first = next(i for i, event in enumerate(rounds) if event.drafted)
    assert first >= 2
    assert decoded(draft)[: len(LONG)] == LONG
    plain = make_session(k=0, n_ctx=256)
    wanted = [e for e in generate(plain, LONG, max_tokens=60) if isinstance(e, Round)]
    assert [t for e in rounds for t in e.tokens] == [t for e in wanted for t in e.tokens]


@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_cancelling_while_the_draft_reads_ends_the_answer(after: int) -> None:
    draft = draft_model()
    session = make_session(draft=draft, n_ctx=256)
    reading = False
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += reading
        return asked > after

    events = []
    for event in generate(session, LONG, max_tokens=40, cancelled=cancelled):
        events.append(event)
        reading = reading or isinstance(event, PromptDone)
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.reason == "cancelled"
    plain = make_session(k=0, n_ctx=256)
    again = [e for e in generate(session, LONG, max_tokens=12) if isinstance(e, Round)]
    wanted = [e for e in generate(plain, LONG, max_tokens=12) if isinstance(e, Round)]
    assert [t for e in again for t in e.tokens] == [t for e in wanted for t in e.tokens]
