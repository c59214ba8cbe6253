"""However a cache comes back to an earlier token, the answer is the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import product
from random import Random

import numpy as np
import pytest

from specdec_cli.core.events import Round
from specdec_cli.engine.loop import generate
from specdec_cli.engine.session import Session
from specdec_cli.errors import Cancelled
from specdec_cli.models.cached import CachedModel
from specdec_cli.models.rewind import MAX_KEPT, Checkpoints
from tests.fakes import PIECES, FakeModel, FakeRecurrent, make_session

SIZE = len(PIECES)
WAYS: dict[str, Callable[..., CachedModel]] = {
    "cut": lambda **given: CachedModel(FakeModel(size=SIZE, **given)),
    "snapshots": lambda **given: recurrent(snapshots=8, **given),
    "one snapshot": lambda **given: recurrent(snapshots=1, **given),
    "checkpoints": lambda **given: recurrent(**given),
}


def recurrent(*, most_bytes: int = 1 << 20, **given: int) -> CachedModel:
    model = FakeRecurrent(size=SIZE, **given)
    return CachedModel(model, rewind=Checkpoints(model, most_bytes))


def tokens(session: Session, prompt: list[int]) -> list[int]:
    events = generate(session, prompt, max_tokens=30)
    return [token for e in events if isinstance(e, Round) for token in e.tokens]


@pytest.mark.parametrize(("of_target", "of_draft"), [*product(WAYS, repeat=2)])
@pytest.mark.parametrize("noise", [0, 1])  # all drafts are right, or few
def test_drafts_and_new_prompts(of_target: str, of_draft: str, noise: int) -> None:
    session = make_session(
        target=WAYS[of_target](n_ctx=64),
        draft=WAYS[of_draft](n_ctx=64, n_batch=5, noise=noise),
        noise=noise,
    )
    for prompt in ([1, 2, 3], [1, 2, 3, 4], [5, 6], [*range(1, 12)] * 2):
        assert tokens(session, prompt) == tokens(make_session(k=0), prompt)


@pytest.mark.parametrize("way", WAYS)
def test_any_order_of_drafts_edits_and_failures(way: str) -> None:
    """As the loop, the drafters and a conversation use a cache, in any order they may come in."""
    random = Random(1)
    for _ in range(60):
        cached = WAYS[way](n_ctx=200, n_batch=8)
        model = cached.model
        assert isinstance(model, FakeModel)
        text = [random.randrange(SIZE) for _ in range(random.randrange(1, 40))]
        for _ in range(12):
            cached.restart(text)
            if isinstance(model, FakeRecurrent) and random.random() < 0.3:
                model.fails = random.randrange(1, 4)
            with suppress(Cancelled):
                for _ in cached.prefill(text[:-1], lambda: False):
                    pass
                for _ in range(random.randrange(6)):
                    drafted = [random.randrange(SIZE) for _ in range(random.randrange(4))]
                    if random.random() < 0.5:
                        rows = cached.score(text, drafted, random.randrange(6))
                        assert len(rows) == len(drafted) + 1
                        for i, row in enumerate(rows):
                            assert np.array_equal(row, model.logits(text + drafted[:i]))
                    else:
                        row = cached.score(text)[0]
                        assert np.array_equal(row, model.logits(text))
                        for i, token in enumerate(drafted, 1):
                            row = cached.step(token)
                            assert np.array_equal(row, model.logits(text + drafted[:i]))
                    accepted = drafted[: random.randrange(len(drafted) + 1)]
                    text = [*text, *accepted, random.randrange(SIZE)]
            if isinstance(model, FakeRecurrent):
                model.fails = 0
            text = text[: random.randrange(1, len(text) + 1)]
            text += [random.randrange(SIZE) for _ in range(random.randrange(6))]
            text = text[:120]


def test_where_no_copy_can_be_made_the_text_is_read_anew() -> None:
    cached = WAYS["checkpoints"](n_ctx=64)
    model = cached.model
    assert isinstance(model, FakeRecurrent)
    model.saves = False
    text = [1, 2, 3]
    cached.restart(text)
    for _ in range(5):
        rows = cached.score(text, [1, 2])
        assert np.array_equal(rows[2], model.logits([*text, 1, 2]))
        text += [1, 5]
    assert len(model.decoded) > 2 * len(text)


def test_plain_decoding_copies_nothing() -> None:
    for way in ("snapshots", "checkpoints"):
        cached = WAYS[way](n_ctx=64)
        text = [1, 2, 3]
        cached.restart(text)
        for token in range(20):
            cached.score(text)
            text.append(token % SIZE)
        assert isinstance(cached.model, FakeRecurrent)
        assert cached.model.saved == 0


def test_snapshots_are_used_where_they_reach() -> None:
    cached = WAYS["snapshots"](n_ctx=64, n_batch=16)
    model = cached.model
    assert isinstance(model, FakeRecurrent)
    text = [1, 2, 3]
    cached.restart(text)
    for _ in range(5):
        cached.score(text, [1] * 8)
        text += [1, 1, 2]
    assert model.saved == 0
    assert len(model.decoded) == 3 + 4 + 5 * 8  # each token once, and the drafts
    cached.score(text, [1] * 9)
    assert model.saved == 1  # longer than snapshots reach


def test_what_is_decoded_again_with_a_draft_is_little() -> None:
    """A draft that is rejected again and again does not take ever more with it."""
    cached = WAYS["checkpoints"](n_ctx=400, n_batch=64)
    model = cached.model
    assert isinstance(model, FakeRecurrent)
    text = [1, 2, 3]
    cached.restart(text)
    for _ in range(50):
        before = len(model.decoded)
        cached.score(text, [1, 2, 3, 4])
        assert len(model.decoded) - before <= 4 + 1 + 6
        text += [1, 5]


class TestConversations:
    def read(self, cached: CachedModel, text: list[int]) -> int:
        """How many tokens a prompt takes to read."""
        model = cached.model
        assert isinstance(model, FakeModel)
        before = len(model.decoded)
        reused = cached.restart(text)
        for _ in cached.prefill(text[:-1]):
            pass
        read = len(model.decoded) - before
        assert read == max(len(text) - 1 - reused, 0)
        return read

    def answer(self, cached: CachedModel, text: list[int], n: int) -> list[int]:
        for i in range(n):
            cached.score(text)
            text = [*text, i % SIZE]
        return text

    def test_an_answer_that_is_asked_for_again_reads_nothing(self) -> None:
        cached = recurrent(n_ctx=900, n_batch=64)
        prompt = [*range(SIZE)] * 20
        self.read(cached, prompt)
        self.answer(cached, prompt, 100)
        assert self.read(cached, prompt) == 0

    def test_an_edit_reads_from_the_turn_before(self) -> None:
        cached = recurrent(n_ctx=900, n_batch=64)
        text: list[int] = []
        turns = []
        for turn in range(4):
            text = [*text, *[turn] * 40]
            self.read(cached, text)
            text = self.answer(cached, text, 30)
            turns.append(text)
        edited = [*turns[1], *[7] * 20]  # instead of the third question
        assert self.read(cached, edited) <= 20 + 2
        # The place where texts part is kept as well: it is where they will part again.
        assert self.read(cached, [*turns[1], *[8] * 20]) <= 20 + 2

    def test_a_place_where_texts_part_is_read_up_to_once(self) -> None:
        """As the end of a system message is, when the turns after it are dropped."""
        cached = recurrent(n_ctx=900, n_batch=64)
        system = [*range(SIZE)] * 6
        self.read(cached, [*system, *[1] * 50])
        assert self.read(cached, [*system, *[2] * 50]) == len(system) + 49
        assert self.read(cached, [*system, *[3] * 50]) == 49

    def test_what_is_kept_is_bounded(self) -> None:
        for most_bytes, most in ((1 << 20, MAX_KEPT), (300, 3), (100, 1), (99, 0)):
            cached = recurrent(n_ctx=900, n_batch=64, most_bytes=most_bytes)
            text: list[int] = []
            for turn in range(12):
                text = self.answer(cached, [*text, *[turn % SIZE] * 30], 30)
                self.read(cached, text)
            assert isinstance(cached._rewind, Checkpoints)
            kept = cached._rewind._borders
            assert len(kept) == most
            if kept:
                assert kept[-1].length == len(text) - 1
