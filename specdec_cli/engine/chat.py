"""Messages to prompt text, by the chat template a model's file carries.

The template comes from the file, so it is untrusted: it runs in jinja2's immutable sandbox, which
has no access to Python's attributes and no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from json import dumps
from typing import Any, Literal, NoReturn

from jinja2 import TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from specdec_cli.errors import SpecdecError

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


class TemplateFailedError(SpecdecError):
    """A chat template is not valid, or refuses the conversation."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the model's chat template failed: {reason}",
            "use --raw to send the prompt as it is, without a template",
        )


class ChatTemplate:
    """A compiled chat template.

    Args:
        source: jinja2 text, as in the GGUF's ``tokenizer.chat_template``.
        bos: text of the beginning-of-sequence token, empty if there is none.
        eos: text of the end-of-sequence token.

    Raises:
        TemplateFailedError: the text is not a valid template.
    """

    def __init__(self, source: str, *, bos: str, eos: str) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=Undefined,
            extensions=["jinja2.ext.loopcontrols"],
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        self._special = {"bos_token": bos, "eos_token": eos}
        try:
            self._template = environment.from_string(source)
        except TemplateError as error:
            raise TemplateFailedError(str(error)) from error

    def render(self, messages: Sequence[Message]) -> str:
        """The text of a conversation, open for the assistant's next turn.

        Raises:
            TemplateFailedError: the template refuses these messages, or fails on them.
        """
        turns = [{"role": message.role, "content": message.content} for message in messages]
        try:
            # ``tools`` is left undefined: given as None, many published templates fail.
            return self._template.render(
                messages=turns, add_generation_prompt=True, **self._special
            )
        except Exception as error:  # the template can raise whatever it likes
            raise TemplateFailedError(f"{type(error).__name__}: {error}") from error


def _to_json(value: Any, indent: int | None = None, **_options: Any) -> str:
    """JSON without HTML escapes, which chat templates expect and jinja2's own filter adds."""
    return dumps(value, ensure_ascii=False, indent=indent)


def _refuse(reason: str) -> NoReturn:
    raise TemplateError(reason)
