"""What a model thinks is told from its answer, by the marks of each family."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.core.events import Text
from specdec_cli.engine.detokenizer import Detokenizer
from specdec_cli.templates.thinking import ThinkingFormat, Thoughts

HARMONY = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|constrain|>", "<|return|>")
GPT_OSS = (
    "<|channel|>analysis<|message|>why<|end|>"
    "<|start|>assistant<|channel|>commentary to=f <|constrain|>json<|message|>{}<|end|>"
    "<|start|>assistant<|channel|>final<|message|>yes"
)


class Marked:
    """A vocabulary of bytes, and of marks that are tokens of their own."""

    size = 300

    def __init__(self, control: Sequence[str] = (), plain: Sequence[str] = ()) -> None:
        self._marks = [*control, *plain]
        self._control = len(control)

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        assert not add_special
        found: list[int] = []
        while text:
            mark = next((each for each in self._marks if text.startswith(each)), None)
            if mark and (parse_special or self._marks.index(mark) >= self._control):
                found.append(256 + self._marks.index(mark))
                text = text[len(mark) :]
            else:
                found += text[0].encode()
                text = text[1:]
        return found

    def piece(self, token: int) -> bytes:
        if token < 256:
            return bytes([token])
        return b"" if token - 256 < self._control else self._marks[token - 256].encode()

    def text(self, token: int) -> str:
        return chr(token) if token < 256 else self._marks[token - 256]

    def is_end(self, token: int) -> bool:
        return token >= 256 and self.text(token) == "<|return|>"


def parts(text: str, vocab: Marked, prompt: str = "", step: int = 1) -> tuple[str, str]:
    """What an answer thought and said, made in rounds of ``step`` tokens."""
    before = vocab.tokenize(prompt, add_special=False, parse_special=True)
    thoughts = ThinkingFormat.of(vocab).begin(vocab, before)
    detokenizer = Detokenizer(vocab, (), thoughts)
    tokens = vocab.tokenize(text, add_special=False, parse_special=True)
    said: list[Text] = []
    for at in range(0, len(tokens), step):
        said += detokenizer.push(tokens[at : at + step], 0).texts
    said += detokenizer.finish()
    thought, answer = (
        "".join(each.text for each in said if each.part == part) for part in ("thought", "answer")
    )
    return thought, answer


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("vocab", "text", "expected"),
    [
        (Marked(), "<think>why</think>yes", ("why", "yes")),
        (Marked((), ("<think>", "</think>")), "<think>why</think>yes", ("why", "yes")),
        (Marked(("<think>", "</think>")), "<think>why</think>yes", ("why", "yes")),
        (Marked(("[THINK]", "[/THINK]")), "[THINK]why[/THINK]yes", ("why", "yes")),
        (Marked(("<|channel>", "<channel|>")), "<|channel>thoughtwhy<channel|>yes", ("why", "yes")),
        (
            Marked(("<|START_THINKING|>", "<|END_THINKING|>")),
            "<|START_THINKING|>why<|END_THINKING|>yes",
            ("why", "yes"),
        ),
        (Marked((), ("<seed:think>", "</seed:think>")), "<seed:think>a</seed:think>b", ("a", "b")),
        (Marked(HARMONY), GPT_OSS, ("why{}", "yes")),
        (Marked(HARMONY), "<|channel|>final<|message|>yes", ("", "yes")),
        (Marked(HARMONY), "<|channel|>analysis<|message|>cut", ("cut", "")),
        (Marked(HARMONY), "no channel at all", ("", "no channel at all")),
        # What no token of the vocabulary is, or comes later, is only text.
        (Marked(), "[THINK]why[/THINK]yes", ("", "[THINK]why[/THINK]yes")),
        (Marked(), GPT_OSS, ("", GPT_OSS)),
        (Marked(), "yes <think>why</think>", ("", "yes <think>why</think>")),
        (Marked(), "<thin", ("", "<thin")),
    ],
)
def test_each_familys_marks(vocab: Marked, text: str, expected: tuple[str, str], step: int) -> None:
    assert parts(text, vocab, step=step) == expected


@pytest.mark.parametrize(
    ("vocab", "prompt", "text", "expected"),
    [
        (Marked(), "assistant\n<think>\n", "why</think>yes", ("why", "yes")),
        (Marked(), "assistant\n<think>\n\n</think>\n\n", "yes", ("", "yes")),
        (Marked(("[THINK]", "[/THINK]")), "[/INST][THINK]", "why[/THINK]yes", ("why", "yes")),
        (Marked(HARMONY), "<|start|>assistant", "<|channel|>final<|message|>yes", ("", "yes")),
        (
            Marked(("<|channel>", "<channel|>")),
            "model\n<|channel>thought\n<channel|>",
            "yes",
            ("", "yes"),
        ),
    ],
)
def test_a_prompt_may_open_a_block(
    vocab: Marked, prompt: str, text: str, expected: tuple[str, str]
) -> None:
    assert parts(text, vocab, prompt) == expected


def test_control_tokens_have_no_text_in_the_answer() -> None:
    vocab = Marked(HARMONY)
    assert parts(f"{GPT_OSS}<|end|>!", vocab) == ("why{}", "yes!")
    assert not ThinkingFormat.of(vocab).in_text
    assert ThinkingFormat.of(Marked((), ("<think>", "</think>"))).in_text


def test_where_nobody_asks_all_is_the_answer() -> None:
    vocab = Marked((), ("<think>", "</think>"))
    tokens = vocab.tokenize("<think>a</think>b", add_special=False, parse_special=True)
    assert Detokenizer(vocab).push(tokens, 0).texts == (Text("<think>a</think>b", False),)


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "/", "think>", "a", "\n", "</", "<thi"])),
    st.sampled_from([None, "</think>"]),
    st.integers(1, 5),
)
def test_pieces_join_to_the_text_however_it_is_cut(
    found: list[str], inside: str | None, size: int
) -> None:
    text = "".join(found)
    whole, cut = Thoughts(inside=inside), Thoughts(inside=inside)
    at_once = whole.feed(text) + whole.end()
    pieces = [piece for at in range(0, len(text), size) for piece in cut.feed(text[at : at + size])]
    pieces += cut.end()
    assert "".join(piece for _, piece in pieces) == text
    for kind in ("mark", "thought", "answer"):
        assert "".join(p for k, p in pieces if k == kind) == "".join(
            p for k, p in at_once if k == kind
        )


def test_thoughts() -> None:
    assert Thoughts().feed("\n<think>a</think>\n<think>b<</think> c <think>") == [
        ("mark", "\n<think>"),
        ("thought", "a"),
        ("mark", "</think>"),
        ("mark", "\n<think>"),
        ("thought", "b<"),
        ("mark", "</think>"),
        ("answer", " c <think>"),
    ]
