"""No template loses a message without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from specdec_cli.models import builtin_templates
from specdec_cli.templates.fit import LEAVES_OUT_EARLIER, NO_SYSTEM, Fit, try_out
from specdec_cli.templates.message import Message
from specdec_cli.templates.template import BuiltinTemplate, ChatTemplate, TemplateFailedError

PUBLISHED = sorted((Path(__file__).parents[1] / "data" / "templates").glob("*.jinja"))
TURN = "<{{ m.role }}>{{ m.content }}"
EACH = "{% for m in messages %}" + TURN + "{% endfor %}"
REFUSES_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + EACH
)
NO_SYSTEM_BRANCH = (
    "{% for m in messages %}{% if m.role != 'system' %}" + TURN + ("{% endif %}{% endfor %}")
)
PARTS_ONLY = (
    "{% for m in messages %}<{{ m.role }}>{% for c in m.content %}"
    "{% if c.type == 'text' %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}"
)
PARTS_OR_ERROR = "{% for m in messages %}<{{ m.role }}>{{ m.content[0]['text'] }}{% endfor %}"
LAST_ONLY = "<{{ messages[-1].role }}>{{ messages[-1].content }}"

SYSTEM = Message("system", "Be brief.")
USER = Message("user", "Hi")
TALK = [SYSTEM, USER, Message("assistant", "Hello"), Message("user", "So?")]
MERGED = "<user>Be brief.\n\nHi<assistant>Hello<user>So?"


def template(source: str) -> tuple[ChatTemplate, list[str]]:
    found = ChatTemplate(source, bos="", eos="")
    told: list[str] = []
    found.warn = told.append
    return found, told


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.stem)
def test_published_templates_take_everything(file: Path) -> None:
    chat = ChatTemplate(file.read_text("utf-8"), bos="<s>", eos="</s>")
    assert try_out(lambda messages, parts: chat.render(messages, parts=parts)) == Fit()


@pytest.mark.parametrize("name", builtin_templates.names())
def test_the_formats_of_llama_cpp_take_the_question(name: str) -> None:
    assert "What?" in BuiltinTemplate(name).write([Message("user", "What?")])


@pytest.mark.parametrize(
    ("source", "text", "warnings"),
    [
        (EACH, "<system>Be brief.<user>Hi<assistant>Hello<user>So?", []),
        (PARTS_ONLY, "<system>Be brief.<user>Hi<assistant>Hello<user>So?", []),
        (PARTS_OR_ERROR, "<system>Be brief.<user>Hi<assistant>Hello<user>So?", []),
        (REFUSES_SYSTEM, MERGED, [NO_SYSTEM]),
        (NO_SYSTEM_BRANCH, MERGED, [NO_SYSTEM]),
        (LAST_ONLY, "<user>So?", [NO_SYSTEM, LEAVES_OUT_EARLIER]),
    ],
    ids=["all", "parts", "parts or error", "refuses system", "no system branch", "last only"],
)
def test_what_a_template_takes(source: str, text: str, warnings: list[str]) -> None:
    chat, told = template(source)
    if source == LAST_ONLY:  # the system message went in front of a message that is left out
        assert chat.write(TALK[1:]) == text
        assert chat.write([SYSTEM, USER]) == "<user>Be brief.\n\nHi"
    else:
        assert chat.write(TALK) == text
        assert chat.write(TALK) == text  # and warned of once
    assert sorted(told) == sorted(warnings)


def test_a_question_that_is_left_out_is_an_error() -> None:
    chat, _ = template("{% for m in messages %}{{ m.role }}{% endfor %}")
    with pytest.raises(TemplateFailedError, match="leaves the message out"):
        chat.write([USER])


def test_what_fails_anyway_says_why() -> None:
    chat, told = template("{{ raise_exception('not today') }}")
    with pytest.raises(TemplateFailedError, match="not today"):
        chat.write([SYSTEM, USER])
    assert told == []


def test_nothing_is_said_of_what_is_not_used() -> None:
    chat, told = template(REFUSES_SYSTEM)
    assert chat.write([USER]) == "<user>Hi"
    assert told == []


def test_a_system_message_alone_is_not_lost() -> None:
    assert template(REFUSES_SYSTEM)[0].write([SYSTEM]) == "<user>Be brief."


def test_it_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chat, _ = template(EACH)
    chat.write([USER])
    rendered: list[object] = []
    render = chat.render
    monkeypatch.setattr(
        chat, "render", lambda *a, **k: rendered.append(a) or render(*a, **k), raising=True
    )
    chat.write(TALK)
    assert len(rendered) == 1
