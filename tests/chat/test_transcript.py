"""Tokens are kept as they were generated, and only what is new is encoded."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.chat.transcript import Transcript
from specdec_cli.templates.encode import Part, encode_parts

PIECES = ["", "", "", "", "a", "b", "ab", " ", "\n", "<", "|", ">", "e", "é"[:0]]
MARKS = {"<|e|>": 1, "<|a|>": 2}
START = 3


class Vocabulary:
    """Encodes "ab" as one token, while a model may write it in two; marks are control tokens."""

    bos = "<s>"

    def __init__(self, *, adds_bos: bool = False, space: bool = False) -> None:
        self.adds_bos = adds_bos
        self._space = space

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        assert not add_special
        if text == self.bos:
            return [START]
        parts = re.split(r"(<\|[ea]\|>)", text) if parse_special else [text]
        tokens: list[int] = []
        for part in parts:
            if parse_special and part in MARKS:
                tokens.append(MARKS[part])
                continue
            if part and self._space:
                part = " " + part
            tokens += [PIECES.index(piece) for piece in re.findall("ab|.|\n", part)]
        return tokens

    def piece(self, token: int) -> bytes:
        return PIECES[token].encode()


def parts(text: str) -> list[Part]:
    return [Part(text, marks=True)]


def test_an_answer_keeps_the_tokens_it_was_made_of() -> None:
    transcript = Transcript(Vocabulary(adds_bos=True))
    first = transcript.follow(parts("b<|a|>"))
    assert first == [START, 5, 2]
    transcript.answered("ab", [4, 5, 1])
    assert transcript.follow(parts("b<|a|>ab<|e|>ab<|a|>")) == [START, 5, 2, 4, 5, 1, 6, 2]


def test_encoding_alone_changes_nothing() -> None:
    transcript = Transcript(Vocabulary())
    transcript.follow(parts("b<|a|>"))
    transcript.answered("ab", [4, 5])
    assert transcript.encode(parts("b<|a|>b<|e|>")) == [5, 2, 5, 1]
    assert transcript.encode(parts("b<|a|>ab<|e|>")) == [5, 2, 4, 5, 1]


def test_the_same_prompt_again_and_an_earlier_one() -> None:
    transcript = Transcript(Vocabulary())
    one = transcript.follow(parts("b<|a|>"))
    transcript.answered("ab", [4, 5])
    two = transcript.follow(parts("b<|a|>ab<|e|>b<|a|>"))
    transcript.answered("ab", [4, 5])
    assert transcript.follow(parts("b<|a|>ab<|e|>b<|a|>")) == two
    assert transcript.follow(parts("b<|a|>")) == one
    assert transcript.follow(parts("b<|a|>ab<|e|>b<|a|>")) == [5, 2, 6, 1, 5, 2]


def test_an_answer_that_a_template_strips() -> None:
    transcript = Transcript(Vocabulary())
    transcript.follow(parts("<|a|>"))
    transcript.answered("ab \n", [4, 5, 7, 8])
    assert transcript.encode(parts("<|a|>ab<|e|>")) == [2, 4, 5, 1]
    assert transcript.encode(parts("<|a|>ab \n<|e|>")) == [2, 4, 5, 7, 8, 1]


def test_an_answer_that_was_changed_is_encoded() -> None:
    transcript = Transcript(Vocabulary())
    transcript.follow(parts("<|a|>"))
    transcript.answered("a b", [4, 7, 5])
    assert transcript.encode(parts("<|a|>ab<|e|>")) == [2, 6, 1]


def test_tokens_that_do_not_make_up_the_text_are_not_kept() -> None:
    transcript = Transcript(Vocabulary())
    transcript.follow(parts("<|a|>"))
    transcript.answered("a", [6, 5])  # a stop string cut it inside a token
    assert transcript.encode(parts("<|a|>a<|e|>")) == [2, 4, 1]
    transcript.follow(parts("<|a|>"))
    transcript.answered("\ufffd", [9])
    assert transcript.encode(parts("<|a|>a<|e|>")) == [2, 4, 1]


def test_a_mark_is_not_the_text_of_one() -> None:
    """The same characters with another meaning are other tokens."""
    transcript = Transcript(Vocabulary())
    as_mark = transcript.follow(parts("a<|e|>"))
    transcript.answered("b", [5])
    as_text = [Part("a", marks=True), Part("<|e|>", marks=False), Part("b<|a|>", marks=True)]
    assert as_mark[-1] == MARKS["<|e|>"]
    assert transcript.encode(as_text) == [4, 9, 10, 12, 10, 11, 5, 2]


def test_a_vocabulary_that_puts_spaces_before_texts() -> None:
    """What is encoded behind a known beginning must not get a space that was not there."""
    vocabulary = Vocabulary(space=True)
    transcript = Transcript(vocabulary)
    transcript.follow(parts("b<|a|>"))
    transcript.answered("ab", [4, 5])
    assert transcript.encode(parts("b<|a|>ab<|e|>a")) == [7, 5, 2, 4, 5, 1, 7, 4]
    whole = parts("b<|a|>ab a")
    assert transcript.encode(whole) == encode_parts(vocabulary, whole)


@given(st.lists(st.tuples(st.text("ab ", max_size=4), st.text("ab \n", max_size=5)), max_size=6))
def test_the_tokens_always_stand_for_the_text(turns: list[tuple[str, str]]) -> None:
    vocabulary = Vocabulary()
    transcript = Transcript(vocabulary)
    text = ""
    for user, answer in turns:
        text += f"{user}<|a|>"
        tokens = transcript.follow(parts(text))
        assert b"".join(map(vocabulary.piece, tokens)).decode() == re.sub(r"<\|.\|>", "", text)
        transcript.answered(answer, [PIECES.index(letter) for letter in answer])
        text += f"{answer}<|e|>"
