"""Turns, and which of them the model sees."""

from __future__ import annotations

import pytest

from specdec_cli.chat.conversation import Conversation, Turn
from specdec_cli.chat.window import first_turn


def said(*turns: tuple[str, str]) -> Conversation:
    return Conversation("Be brief.", [Turn(user, answer, "stop") for user, answer in turns])


def spelled(conversation: Conversation, first: int | None = None) -> list[str]:
    return [f"{each.role[0]}:{each.content}" for each in conversation.messages(first)]


def test_a_message_and_its_answer() -> None:
    conversation = Conversation()
    conversation.ask("Hi")
    assert conversation.waiting
    assert spelled(conversation) == ["u:Hi"]
    conversation.answer("Hel")
    conversation.answer("Hello", "stop")
    assert not conversation.waiting
    assert conversation.last == Turn("Hi", "Hello", "stop")
    assert spelled(conversation) == ["u:Hi", "a:Hello"]


def test_a_message_that_was_never_answered_gives_way() -> None:
    conversation = said(("a", "b"))
    conversation.ask("lost")
    conversation.ask("c")
    assert spelled(conversation) == ["s:Be brief.", "u:a", "a:b", "u:c"]


def test_an_answer_is_taken_away_and_a_turn() -> None:
    conversation = said(("a", "b"), ("c", "d"))
    conversation.reopen()
    assert conversation.waiting
    assert conversation.undo() == Turn("c")
    assert conversation.undo() == Turn("a", "b", "stop")
    assert conversation.undo() is None


def test_dropped_turns_are_kept_for_the_person() -> None:
    conversation = said(("a", "b"), ("c", "d"), ("e", "f"))
    conversation.first = 2
    assert spelled(conversation) == ["s:Be brief.", "u:e", "a:f"]
    assert len(spelled(conversation, 0)) == 7
    conversation.undo()
    assert spelled(conversation) == ["s:Be brief.", "u:a", "a:b", "u:c", "a:d"]


@pytest.mark.parametrize(
    ("turns", "size", "expected"),
    [
        (5, 10, 0),  # 50 of 100 tokens
        (8, 10, 0),  # 80: an eighth is free
        (9, 10, 2),  # 90: 70 are left
        (30, 10, 23),
        (3, 90, 2),  # the last one stays, whatever it takes
        (3, 200, 0),  # nothing would help
        (1, 200, 0),
    ],
)
def test_the_window_drops_whole_turns_until_a_quarter_is_free(
    turns: int, size: int, expected: int
) -> None:
    def count(first: int) -> int:
        return (turns - first) * size

    assert first_turn(count, 0, turns - 1, 100) == expected


def test_the_window_never_goes_back() -> None:
    assert first_turn(lambda first: 10 * (9 - first), 4, 8, 100) == 4
    assert first_turn(lambda first: 50 * (9 - first), 4, 8, 100) == 8
