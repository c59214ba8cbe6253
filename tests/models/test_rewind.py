"""However a cache comes back to an earlier token, the answer is the same."""

from __future__ import annotations

from itertools import product

import pytest

from specdec_cli.core.events import Round
from specdec_cli.engine.loop import generate
from specdec_cli.engine.session import Session
from specdec_cli.models.cached import CachedModel
from specdec_cli.models.rewind import Rewind, cut, read_anew
from tests.fakes import PIECES, FakeModel, make_session

SIZE = len(PIECES)


def tokens(session: Session, prompt: list[int]) -> list[int]:
    events = generate(session, prompt, max_tokens=30)
    return [token for e in events if isinstance(e, Round) for token in e.tokens]


@pytest.mark.parametrize(("of_target", "of_draft"), [*product([cut, read_anew], repeat=2)])
def test_drafts_and_new_prompts(of_target: Rewind, of_draft: Rewind) -> None:
    target = FakeModel(size=SIZE, seed=0, n_ctx=64)
    draft = FakeModel(size=SIZE, seed=0, noise=1.0, n_ctx=64, n_batch=5)
    session = make_session(
        target=CachedModel(target, rewind=of_target), draft=CachedModel(draft, rewind=of_draft)
    )
    for prompt in ([1, 2, 3], [1, 2, 3, 4], [5, 6]):
        assert tokens(session, prompt) == tokens(make_session(k=0), prompt)


def test_a_cache_that_cannot_be_cut_is_read_again() -> None:
    held = {}
    for rewind in (cut, read_anew):
        model = FakeModel(size=SIZE)
        cached = CachedModel(model, rewind=rewind)
        cached.restart([1, 2, 3, 4])
        cached.score([1, 2, 3, 4])
        cached.restart([1, 2, 3, 5])
        cached.score([1, 2, 3, 5])
        assert model.held == [1, 2, 3, 5]
        held[rewind] = model.decoded[4:]
    assert held == {cut: [5], read_anew: [1, 2, 3, 5]}
