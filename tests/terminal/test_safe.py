import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.terminal.safe import safe, safe_line

SPLITTABLE = "a\x1b]0;title\x07b\x1b[31mred\x9b2J\r\x7f"
FORBIDDEN = {
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
} - {"\n", "\t"}


def test_ordinary_text_is_untouched() -> None:
    text = "def f(x):\n\treturn 'é 漢字 😀 👩‍👧'\n"
    assert safe(text) == text


def test_controls_become_visible() -> None:
    assert safe("\x1b[31m\r\x00\x7f\x9b\u202e") == "␛[31m␍␀␡��"


@given(st.text(st.characters(codec=None)))
def test_no_control_is_left_and_nothing_is_lost(text: str) -> None:
    result = safe(text)
    assert len(result) == len(text)
    assert not FORBIDDEN & set(result)
    assert not any(unicodedata.category(char) == "Cs" for char in result)


@given(st.integers(0, len(SPLITTABLE)))
def test_chunks_are_as_safe_as_the_whole(cut: int) -> None:
    assert safe(SPLITTABLE[:cut]) + safe(SPLITTABLE[cut:]) == safe(SPLITTABLE)


def test_a_line_stays_one() -> None:
    assert safe_line("no file\n  here\tor [bold]there") == "no file here or [bold]there"
