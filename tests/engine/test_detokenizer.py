"""Text held back and released: characters, stop strings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.core.events import Text
from specdec_cli.engine.detokenizer import Detokenizer
from tests.fakes import END, PIECES, FakeVocabulary

VOCAB = FakeVocabulary(PIECES)
LETTERS = st.lists(st.integers(1, len(PIECES) - 1), max_size=30)


def chunks(tokens: list[int], sizes: list[int]) -> list[list[int]]:
    parts, i = [], 0
    for size in [*sizes, len(tokens)]:
        parts.append(tokens[i : i + size])
        i += size
    return [part for part in parts if part]


@given(tokens=LETTERS, sizes=st.lists(st.integers(1, 5), max_size=10))
def test_text_equals_decoding_everything_at_once(tokens: list[int], sizes: list[int]) -> None:
    answer = Detokenizer(VOCAB)
    text = ""
    for part in chunks(tokens, sizes):
        pushed = answer.push(part, drafted=len(part) // 2)
        assert pushed.used == len(part)
        text += "".join(piece.text for piece in pushed.texts)
    text += "".join(piece.text for piece in answer.finish())
    assert text == b"".join(PIECES[t] for t in tokens).decode("utf-8", "replace")


@given(
    tokens=LETTERS,
    sizes=st.lists(st.integers(1, 5), max_size=10),
    stops=st.lists(st.text("ab cé😀\n", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_stop_strings_cut_at_the_first_place_any_of_them_is_complete(
    tokens: list[int], sizes: list[int], stops: list[str]
) -> None:
    answer = Detokenizer(VOCAB, stops)
    text, ended = "", None
    for part in chunks(tokens, sizes):
        pushed = answer.push(part, drafted=0)
        text += "".join(piece.text for piece in pushed.texts)
        if pushed.ended:
            ended = pushed.stop
            break
    else:
        text += "".join(piece.text for piece in answer.finish())
    # The reference scans the text token by token, decoding from scratch each time.
    expected, found = b"".join(PIECES[t] for t in tokens).decode("utf-8", "replace"), None
    for i in range(1, len(tokens) + 1):
        so_far = b"".join(PIECES[t] for t in tokens[:i])
        whole = _complete(so_far)
        at = [(whole.find(stop), stop) for stop in stops if stop in whole]
        if at:
            expected, found = whole[: min(at)[0]], min(at)[1]
            break
    assert ended == found
    assert text == expected


def _complete(data: bytes) -> str:
    """Decode, leaving out a character that is still incomplete at the end."""
    import codecs

    return codecs.getincrementaldecoder("utf-8")("replace").decode(data)


def test_accepted_text_is_told_from_the_target_s_own() -> None:
    pushed = Detokenizer(VOCAB).push([1, 2, 10], drafted=2)
    assert pushed.texts == (Text("ab", True), Text("c", False))


def test_a_character_split_across_tokens_appears_whole() -> None:
    answer = Detokenizer(VOCAB)
    assert answer.push([8], 0).texts == ()
    assert answer.push([9], 0).texts == (Text("😀", False),)


def test_an_incomplete_character_at_the_end_becomes_a_replacement() -> None:
    answer = Detokenizer(VOCAB)
    answer.push([8], 0)
    assert answer.finish() == (Text("\ufffd", False),)


def test_the_end_token_ends_the_answer_and_nothing_after_it_counts() -> None:
    pushed = Detokenizer(VOCAB).push([1, END, 2], drafted=2)
    assert (pushed.used, pushed.ended, pushed.stop) == (2, True, None)
    assert pushed.texts == (Text("a", True),)


def test_drafted_text_behind_an_end_token_is_not_part_of_the_answer() -> None:
    pushed = Detokenizer(VOCAB).push([1, END, 2, 2], drafted=3)
    assert (pushed.used, pushed.texts) == (2, (Text("a", True),))


def test_an_empty_stop_string_is_ignored() -> None:
    assert not Detokenizer(VOCAB, [""]).push([1], 0).ended
