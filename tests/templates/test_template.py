"""Chat templates run, and only in their sandbox."""

from __future__ import annotations

import pytest

from specdec_cli.templates.message import Message
from specdec_cli.templates.template import ChatTemplate, TemplateFailedError

CHATML = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def test_turns_are_rendered_open_for_the_assistant() -> None:
    text = ChatTemplate(CHATML, bos="<s>", eos="").render(
        [Message("system", "Be brief."), Message("user", "Hi {{ 1 }}")]
    )
    assert text == (
        "<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi {{ 1 }}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{% for i in range(10 ** 9) %}x{% endfor %}",
        "{{ raise_exception('roles must alternate') }}",
        "{{ messages[99].content.x }}",
    ],
)
def test_a_template_that_misbehaves_is_an_error_with_a_way_out(source: str) -> None:
    with pytest.raises(TemplateFailedError) as caught:
        ChatTemplate(source, bos="", eos="").render([Message("user", "x")])
    assert "--raw" in caught.value.hint


def test_a_template_that_is_not_one_is_refused_at_once() -> None:
    with pytest.raises(TemplateFailedError):
        ChatTemplate("{% for %}", bos="", eos="")


def test_tools_are_undefined_and_json_keeps_its_characters() -> None:
    source = "{% if tools is defined %}T{% endif %}{{ messages[0].content | tojson }}"
    assert ChatTemplate(source, bos="", eos="").render([Message("user", "<é>")]) == '"<é>"'
