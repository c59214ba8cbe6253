import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.chat.view.inline import inline
from specdec_cli.chat.view.markdown import Markdown
from specdec_cli.chat.view.styled_spans import StyledSpans, cut, draw, merged, over


def marked(text: str, spans: StyledSpans) -> str:
    """The text with its styled runs as ``‹style:run›``."""
    shown, at = "", 0
    for length, style in spans:
        part = text[at : at + length]
        shown += f"‹{style}:{part}›" if style else part
        at += length
    assert at == len(text)
    return shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a **b** c", "a ‹2:**›‹1:b›‹2:**› c"),
        ("*a* _b_ ~~c~~", "‹2:*›‹3:a›‹2:*› ‹2:_›‹3:b›‹2:_› ‹2:~~›‹9:c›‹2:~~›"),
        ("***a***", "‹2:***›‹1;3:a›‹2:***›"),
        ("**a *b* c**", "‹2:**›‹1:a ›‹2:*›‹1;3:b›‹2:*›‹1: c›‹2:**›"),
        ("**漢字**です", "‹2:**›‹1:漢字›‹2:**›です"),
        ("**「引用」**です", "‹2:**›‹1:「引用」›‹2:**›です"),
        ("`a*b*` *c*", "‹2:`›‹36:a*b*›‹2:`› ‹2:*›‹3:c›‹2:*›"),
        ("``a ` b``", "‹2:``›‹36:a ` b›‹2:``›"),
        ("[a](u)", "‹2:[›‹4:a›‹2:](u)›"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
        ("\\*a\\*", "\\*a\\*"),
        ("**a", "**a"),
        ("a `b", "a `b"),
        ("~a~", "~a~"),
        ("**kwargs and *args", "**kwargs and *args"),
    ],
)
def test_inline(text: str, shown: str) -> None:
    assert marked(text, inline(text)) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a **b", "a ‹2:**›‹1:b›"),
        ("a `b", "a ‹2:`›‹36:b›"),
        ("**a*", "‹2:**›‹1:a›‹2:*›"),
        ("2*3", "2*3"),
        ("2 * 3", "2 * 3"),
    ],
)
def test_what_is_open_is_taken_to_be_closed_later(text: str, shown: str) -> None:
    assert marked(text, inline(text, partial=True)) == shown


def lines(text: str) -> list[str]:
    markdown = Markdown()
    return [marked(line, markdown.complete(line)) for line in text.split("\n")]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("## A *b*", "‹2:## ›‹1:A ›‹2:*›‹1;3:b›‹2:*›"),
        ("#no", "#no"),
        ("- a", "‹1;36:- ›a"),
        ("  10. **a**", "‹1;36:  10. ›‹2:**›‹1:a›‹2:**›"),
        ("* [x] *a*", "‹1;36:* [x] ›‹2:*›‹3:a›‹2:*›"),
        ("-a", "-a"),
        ("> - a", "‹2:> ›‹1;36:- ›a"),
        ("* * *", "‹2:* * *›"),
        ("---", "‹2:---›"),
        ("```a`b```", "‹2:```›‹36:a`b›‹2:```›"),
        ("|---|", "|---|"),
    ],
)
def test_lines(line: str, shown: str) -> None:
    assert lines(line) == [shown]


def test_a_fence_ends_with_its_own_kind() -> None:
    assert lines("````\n```\n**a**\n`````\n**a**") == [
        "‹2:````›",
        "```",
        "**a**",
        "‹2:`````›",
        "‹2:**›‹1:a›‹2:**›",
    ]
    assert lines("- ~~~ x\n  # a\n  ```\n  ~~~~\n# b")[1:] == [
        "  # a",
        "  ```",
        "‹2:  ~~~~›",
        "‹2:# ›‹1:b›",
    ]


def test_code_is_coloured_with_what_came_before() -> None:
    inside, outside = lines("```python\nx = '''\ndef f'''\ndef f\n```")[2:4]
    assert inside == "‹33:def f'''›"
    assert outside.startswith("‹94:def›")
    css = lines("```css\na {\n  color: red;\n}\ncolor\n```")
    assert "‹94:color›" in css[2]
    comment = lines("```c\n/* a\nint b */\nint c;\n```")
    assert comment[2] == "‹2:int b */›"
    assert comment[3] == "‹96:int›" + comment[3][len("‹96:int›") :]


@pytest.mark.parametrize("language", ["", "nosuchlanguage", "text", "{.x}", "../x"])
def test_an_unknown_language_is_shown_as_it_is(language: str) -> None:
    assert lines(f"```{language}\ndef **f**\n```")[1] == "def **f**"


@given(
    st.sampled_from(["", "```python\n", "```html\n", "```json\n", "```console\n", "~~~diff\n"]),
    st.text("*_`~#>-|[]() \n\tab1é漢\"'/{}<!=", max_size=60),
)
def test_runs_always_cover_the_line(fence: str, text: str) -> None:
    markdown = Markdown()
    for line in (fence + text).split("\n"):
        for end in range(len(line)):
            assert sum(length for length, _ in markdown.partial(line[:end])) == end
        assert sum(length for length, _ in markdown.complete(line)) == len(line)


def test_runs_laid_over_each_other() -> None:
    below: StyledSpans = [(2, "1"), (0, "4"), (3, ""), (1, "36")]
    assert over(below, [(1, ""), (3, "32"), (2, "32")]) == [
        (1, "1"),
        (1, "1;32"),
        (3, "32"),
        (1, "36;32"),
    ]
    assert over([(0, "2")], []) == []
    assert merged([(1, "2"), (0, "3"), (2, "2"), (1, "")]) == [(3, "2"), (1, "")]
    assert cut([(2, "1"), (3, ""), (1, "3")], 1, 5) == [(1, "1"), (3, "")]
    assert draw("abc", [(1, "1"), (2, "")]) == "\x1b[1ma\x1b[0mbc"
    assert draw("abc", [(3, "")]) == "abc"
