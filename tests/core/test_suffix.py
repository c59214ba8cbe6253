"""The suffix automaton against a search through the whole text."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.core.suffix import SuffixAutomaton

texts = st.integers(1, 4).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, size - 1), max_size=16), max_size=4)
)


def longest_earlier(tokens: list[int]) -> tuple[int, int]:
    """The longest suffix whose newest earlier occurrence is followed by a token: length, where."""
    for length in range(len(tokens) - 1, 0, -1):
        suffix = tokens[-length:]
        if min(suffix) < 0:
            continue
        ends = range(len(tokens) - 1, length - 1, -1)
        end = next((end for end in ends if tokens[end - length : end] == suffix), None)
        if end is not None and tokens[end] >= 0:
            return length, end
    return 0, 0


@given(texts)
def test_the_match_is_the_longest_earlier_one_after_every_token(texts: list[list[int]]) -> None:
    automaton = SuffixAutomaton()
    for text in texts:
        automaton.separate()
        for token in text:
            automaton.extend(token)
            length, at = longest_earlier(automaton.tokens)
            assert automaton.length == length
            assert not length or automaton.at == at


@given(st.lists(st.integers(0, 2), min_size=30, max_size=120))
def test_deep_chains_give_the_longest_match_too_if_not_its_newest_place(text: list[int]) -> None:
    automaton = SuffixAutomaton()
    automaton.extend_many([*text, *[0] * 60])
    length, _ = longest_earlier(automaton.tokens)
    assert automaton.length == length
    end = automaton.at
    assert automaton.tokens[end - length : end] == automaton.tokens[-length:]


@given(texts)
def test_no_match_holds_tokens_of_two_texts(texts: list[list[int]]) -> None:
    automaton = SuffixAutomaton()
    for text in texts:
        automaton.separate()
        for done, token in enumerate(text, start=1):
            automaton.extend(token)
            assert automaton.length <= done
            match = automaton.tokens[automaton.at - automaton.length : automaton.at]
            assert all(token >= 0 for token in match)
    marks = [token for token in automaton.tokens if token < 0]
    assert len(set(marks)) == len(marks)


def test_a_text_s_end_is_not_continued_by_the_next_text() -> None:
    automaton = SuffixAutomaton()
    automaton.extend_many([1, 2, 3])
    automaton.separate()
    automaton.extend_many([4, 5, 6, 1, 2])
    assert (automaton.length, automaton.at) == (2, 2)
    assert automaton.continuation(automaton.at, 9) == [3]
    automaton.extend(3)  # nothing ever followed 3
    assert automaton.length == 0


def test_where_the_longest_match_ended_a_text_a_shorter_one_is_taken() -> None:
    automaton = SuffixAutomaton()
    automaton.extend_many([7, 3, 8, 1, 2, 3])
    automaton.separate()
    automaton.extend_many([9, 3, 5, 1, 2])
    assert automaton.length == 2
    automaton.extend(3)
    assert automaton.length == 1
    assert automaton.continuation(automaton.at, 3) == [5, 1, 2]


def test_what_repeats_itself_is_continued_for_ever() -> None:
    automaton = SuffixAutomaton()
    automaton.extend_many([1, 2, 3, 1, 2, 3, 1])
    assert automaton.continuation(automaton.at, 8) == [2, 3, 1, 2, 3, 1, 2, 3]
    assert automaton.continuation(automaton.at, 0) == []


def test_empty_texts_are_not_marked() -> None:
    automaton = SuffixAutomaton()
    automaton.separate()
    automaton.extend(1)
    automaton.separate()
    automaton.separate()
    assert automaton.tokens == [1, -1]
    assert (len(automaton), automaton.length) == (2, 0)


@given(st.lists(st.integers(0, 3), max_size=200))
def test_there_are_at_most_two_states_per_token(text: list[int]) -> None:
    automaton = SuffixAutomaton()
    automaton.extend_many(text)
    assert automaton._states <= 2 * len(text) + 1


@pytest.mark.parametrize("kind", ["one token", "period of 50", "random"])
def test_long_texts_of_every_kind_are_read(kind: str) -> None:
    count = 20_000
    rng = random.Random(1)
    text = {
        "one token": [1] * count,
        "period of 50": [i % 50 for i in range(count)],
        "random": [rng.randrange(32_000) for _ in range(count)],
    }[kind]
    automaton = SuffixAutomaton()
    automaton.extend_many(text)
    assert automaton.tokens == text
