"""What the families of the shipped profiles expect, turn by turn, mark by mark."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from jinja2 import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from specdec_cli.templates import functions as template_functions
from specdec_cli.templates.functions import raise_exception, strftime_now, to_json
from specdec_cli.templates.message import Message
from specdec_cli.templates.sandbox import GenerationBlock
from specdec_cli.templates.template import BuiltinTemplate, ChatTemplate, TemplateFailedError

FOLDER = Path(__file__).parents[1] / "data" / "templates"
USER = Message("user", "What is a hash table?")
SYSTEM = Message("system", "Be brief.")
THOUGHTFUL = Message("assistant", "<think>\nBuckets?\n</think>\n\nAn array of buckets.")
REPLY = Message("assistant", "An array of buckets.")
FOLLOW_UP = Message("user", "And a tree?")
CONVERSATIONS = {
    "user": [USER],
    "system": [SYSTEM, USER],
    "follow-up": [SYSTEM, USER, THOUGHTFUL, FOLLOW_UP],
}
MARKS = {  # of each family: beginning and end of a sequence
    "gemma3": ("<bos>", "<eos>"),
    "gpt-oss": ("<|startoftext|>", "<|return|>"),
    "llama3": ("<|begin_of_text|>", "<|eot_id|>"),
    "mistral-small": ("<s>", "</s>"),
    "qwen2.5": ("", "<|im_end|>"),
    "qwen3": ("", "<|im_end|>"),
    "r1-distill": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
    "smollm2": ("<|im_start|>", "<|im_end|>"),
}


class _Today(dt.datetime):
    @classmethod
    def now(cls, tz: object = None) -> dt.datetime:
        return dt.datetime(2026, 2, 1, 9, 30)


@pytest.fixture(autouse=True)
def _one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_functions, "datetime", _Today)


def source(family: str) -> str:
    return (FOLDER / f"{family}.jinja").read_text("utf-8")


def template(family: str, **variables: object) -> ChatTemplate:
    bos, eos = MARKS[family]
    return ChatTemplate(source(family), bos=bos, eos=eos, variables=variables)


@pytest.mark.parametrize("case", CONVERSATIONS)
@pytest.mark.parametrize("family", MARKS)
def test_a_family_is_rendered_as_it_expects(family: str, case: str) -> None:
    expected = (FOLDER / family / f"{case}.txt").read_text("utf-8")
    assert template(family).render(CONVERSATIONS[case]) == expected


def test_every_golden_file_is_looked_at() -> None:
    assert {path.stem for path in FOLDER.glob("*.jinja")} == MARKS.keys()
    for family in MARKS:
        assert {path.stem for path in (FOLDER / family).iterdir()} == CONVERSATIONS.keys()


@pytest.mark.parametrize("family", MARKS)
def test_bounds_change_nothing_that_a_bare_sandbox_renders(family: str) -> None:
    bos, eos = MARKS[family]
    bare = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=Undefined,
        extensions=["jinja2.ext.loopcontrols", GenerationBlock],
    )
    bare.filters["tojson"] = to_json
    bare.globals.update(raise_exception=raise_exception, strftime_now=strftime_now)
    for messages in [*CONVERSATIONS.values(), [USER, Message("assistant", " x "), FOLLOW_UP]]:
        expected = bare.from_string(source(family)).render(
            messages=[{"role": each.role, "content": each.content} for each in messages],
            add_generation_prompt=True,
            bos_token=bos,
            eos_token=eos,
        )
        assert template(family).render(messages) == expected


@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("qwen2.5", "chatml"),
        ("qwen3", "chatml"),
        ("smollm2", "chatml"),
        ("gemma3", "gemma"),
        ("mistral-small", "mistral-v7-tekken"),
    ],
)
def test_formats_of_llama_cpp_are_the_same_where_there_is_nothing_of_the_familys_own(
    family: str, name: str
) -> None:
    messages = [SYSTEM, USER, REPLY, FOLLOW_UP]
    bos = "" if family == "smollm2" else MARKS[family][0]  # it has one, but does not write it
    assert template(family).render(messages) == bos + BuiltinTemplate(name).render(messages)


def test_llama_3_differs_from_its_format_by_the_date_alone() -> None:
    messages = [SYSTEM, USER, REPLY, FOLLOW_UP]
    dated = "Cutting Knowledge Date: December 2023\nToday Date: 01 Feb 2026\n\n"
    text = template("llama3").render(messages)
    assert dated in text
    plain = text.removeprefix("<|begin_of_text|>").replace(dated, "")
    assert plain == BuiltinTemplate("llama3").render(messages)


def test_thoughts_of_earlier_turns_are_left_out() -> None:
    for family in ("qwen3", "r1-distill"):
        text = template(family).render(CONVERSATIONS["follow-up"])
        assert "An array of buckets." in text
        assert "Buckets?" not in text


def test_variables_reach_the_template() -> None:
    text = template("qwen3", enable_thinking=False).render([USER])
    assert text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert "Reasoning: high" in template("gpt-oss", reasoning_effort="high").render([USER])


@pytest.mark.parametrize(
    ("family", "messages", "said"),
    [
        ("gemma3", [USER, USER], "roles must alternate"),
        ("gemma3", [REPLY], "roles must alternate"),
        ("gpt-oss", [USER, Message("assistant", "<|channel|>final")], "channel marks"),
        ("gemma3", [], "no element 0"),
    ],
)
def test_a_refusal_is_told_in_the_templates_words(
    family: str, messages: list[Message], said: str
) -> None:
    with pytest.raises(TemplateFailedError, match=said) as caught:
        template(family).render(messages)
    assert "(line " in caught.value.message
