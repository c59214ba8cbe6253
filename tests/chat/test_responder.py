"""A conversation on the embedded pair decodes what is new in it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from specdec_cli.chat.conversation import Conversation
from specdec_cli.chat.responder import Responder, Response
from specdec_cli.core.events import Event, PromptDone, Round, Text
from specdec_cli.errors import ContextFullError
from tests.chat.conftest import Load

QUESTIONS = (
    "Write a Python function that adds two numbers.",
    "Now one that multiplies.",
    "What is the capital of France?",
    "Write a short story about a fox.",
    "Explain what a cache is.",
)


class Talk:
    """A responder and its conversation, with what was announced."""

    def __init__(self, loaded: Any, system: str = "") -> None:
        self.announced: list[str] = []
        self.responder = Responder(loaded, self.announced.append)
        self.conversation = Conversation(system)

    def ask(self, text: str) -> Response:
        self.conversation.ask(text)
        return self.answer()

    def answer(
        self,
        observe: Callable[[Response, Event], None] = lambda *_: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Response:
        response = self.responder.answer(self.conversation, observe, cancelled)
        self.conversation.answer(response.text, response.reason)
        return response


@contextmanager
def counted(synced: Any) -> Iterator[list[int]]:
    """Sizes of the batches that a model reads without asking for logits: prompts."""
    sizes: list[int] = []
    decode = synced.model.decode

    def count(tokens: Sequence[int], rows: int) -> Any:
        if rows == 0:
            sizes.append(len(tokens))
        return decode(tokens, rows)

    synced.model.decode = count
    yield sizes
    del synced.model.decode


@pytest.mark.parametrize("temp", [0.0, 0.9])
def test_twenty_turns_read_new_tokens_only(load: Load, temp: float) -> None:
    loaded = load(drafter="model", fixed=None, adaptive=False, temp=temp, predict=40, seed=1)
    talk = Talk(loaded, "You are helpful.")
    decoder = loaded.decoder
    assert decoder.models.draft is not None
    before = 0
    memory: list[int] = []
    with (
        counted(decoder.models.target.cache) as target,
        counted(decoder.models.draft.cache) as draft,
    ):
        for turn in range(20):
            target.clear()
            draft.clear()
            response = talk.ask(QUESTIONS[turn % len(QUESTIONS)])
            stats = response.stats
            new = response.prompt_tokens - before
            # The last token of a prompt is decoded with the first draft. When an answer ends, its
            # last token need not have been decoded, and the mark that ends it may have been.
            assert new - 2 <= sum(target) <= new
            assert sum(draft) <= new + 1
            assert stats.prompt_tokens - stats.reused_tokens == sum(target) + 1
            assert new < 40, "a question and the template's marks"
            before = response.in_context
            before -= response.reason == "stop"  # the end mark is the template's
            memory.append(psutil.Process().memory_info().rss)
    assert response.in_context > 600
    assert memory[-1] - memory[4] < 8 << 20


def test_regenerating_reads_nothing_but_the_last_token(load: Load) -> None:
    talk = Talk(load())
    talk.ask(QUESTIONS[0])
    first = talk.ask(QUESTIONS[1])
    talk.conversation.reopen()
    with counted(talk.responder.loaded.decoder.models.target.cache) as read:
        again = talk.answer()
    assert sum(read) == 0
    assert again.text == first.text
    assert again.stats.reused_tokens == again.prompt_tokens - 1


def test_undo_and_another_message_keep_the_turns_before(load: Load) -> None:
    talk = Talk(load())
    first = talk.ask(QUESTIONS[0])
    talk.ask(QUESTIONS[3])
    talk.conversation.undo()
    third = talk.ask(QUESTIONS[2])
    assert third.stats.reused_tokens >= first.in_context - 1
    assert "Paris" in third.text


def test_a_stopped_answer_is_gone_on_from(load: Load) -> None:
    talk = Talk(load())
    talk.conversation.ask(QUESTIONS[3])
    events: list[Event] = []

    def observe(_response: Response, event: Event) -> None:
        events.append(event)

    stopped = talk.answer(observe, lambda: sum(isinstance(each, Text) for each in events) > 5)
    assert stopped.reason == "cancelled"
    assert stopped.text
    with counted(talk.responder.loaded.decoder.models.target.cache) as read:
        following = talk.ask("Thank you.")
    assert sum(read) < 20
    assert following.stats.reused_tokens >= stopped.in_context - 1


def test_the_context_counts_the_conversation_while_an_answer_is_made(load: Load) -> None:
    talk = Talk(load())
    first = talk.ask(QUESTIONS[0])
    counted: list[int] = []
    tokens: list[int] = []

    def observe(response: Response, event: Event) -> None:
        if isinstance(event, Round):
            counted.append(response.in_context)
            tokens.append(response.stats.completion_tokens)

    talk.conversation.ask(QUESTIONS[2])
    second = talk.answer(observe)
    assert counted[0] > first.in_context
    assert [count - second.prompt_tokens for count in counted] == tokens
    assert counted[-1] == second.in_context


def test_the_answer_is_what_a_fresh_pair_says(load: Load) -> None:
    """Going on from the caches changes nothing, in exact mode to the last bit."""
    talk = Talk(load())
    texts = [talk.ask(question).text for question in QUESTIONS[:3]]
    fresh = Talk(load(drafter="none"))
    for question, text in zip(QUESTIONS, texts, strict=False):
        fresh.responder.loaded.decoder.forget()
        assert fresh.ask(question).text == text


def test_a_full_context_drops_the_oldest_turns_whole(load: Load) -> None:
    talk = Talk(load(ctx_size=256, predict=60), "Be brief.")
    for turn in range(8):
        response = talk.ask(QUESTIONS[turn % len(QUESTIONS)])
        assert response.in_context <= 256
    assert talk.announced
    assert "dropped" in talk.announced[0]
    assert talk.conversation.first > 0
    messages = talk.conversation.messages()
    assert [messages[0].role, messages[1].role] == ["system", "user"]
    assert len(talk.conversation) == 8


def test_an_answer_goes_on_when_the_context_fills_in_its_middle(load: Load) -> None:
    vocab = load().decoder.models.vocab
    ends = [token for token in range(vocab.size) if vocab.is_end(token)]
    talk = Talk(load(ctx_size=128, predict=100, seed=3, logit_bias=[f"{end}-inf" for end in ends]))
    talk.ask("Hi")
    talk.conversation.answer("Hello!", "stop")  # so that there is a short turn to drop
    prompts: list[Event] = []
    talk.conversation.ask("Go on.")

    def observe(_response: Response, event: Event) -> None:
        if isinstance(event, PromptDone):
            prompts.append(event)

    response = talk.answer(observe)
    assert response.reason == "length"
    assert len(response.tokens) == 100 == response.stats.completion_tokens
    assert talk.conversation.first == 1
    assert len(prompts) == 1, "to the screen it is one answer"


def test_without_context_shift_it_stops(load: Load) -> None:
    talk = Talk(load(ctx_size=128, context_shift=False))
    with pytest.raises(ContextFullError):  # noqa: PT012 - whichever turn it is
        for turn in range(8):
            talk.ask(QUESTIONS[turn % len(QUESTIONS)])
    assert talk.announced == []
    assert talk.conversation.first == 0


def test_two_answers_to_compare_leave_the_conversation_alone(load: Load) -> None:
    talk = Talk(load())
    first = talk.ask(QUESTIONS[0])
    drafted, plain = talk.responder.compare(talk.conversation, lambda *_: None, lambda: False)
    assert drafted.text == plain.text == first.text
    assert plain.stats.drafted == 0
    assert drafted.stats.drafted or drafted.stats.parked_rounds  # by the clock of a busy machine
    following = talk.ask(QUESTIONS[1])
    assert following.stats.reused_tokens >= first.in_context - 1
    other = Talk(load())
    other.ask(QUESTIONS[0])
    assert other.ask(QUESTIONS[1]).text == following.text


def test_each_answer_is_drawn_anew_and_repeatable(load: Load) -> None:
    def texts() -> list[str]:
        talk = Talk(load(temp=1.0, seed=5))
        first = talk.ask(QUESTIONS[3]).text
        talk.conversation.reopen()
        return [first, talk.answer().text]

    one, other = texts()
    assert one != other
    assert texts() == [one, other]
