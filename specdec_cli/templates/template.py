"""Messages to prompt text, by a chat template.

A template in Jinja comes from a model's file, so it is untrusted: it runs in a sandbox that bounds
what it may do and for how long. llama.cpp's built-in formats stand in where a file has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from traceback import walk_tb
from types import MappingProxyType
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError

from specdec_cli.errors import SpecdecError
from specdec_cli.templates.budget import Budget, TooMuchWorkError
from specdec_cli.templates.fit import Fit, try_out
from specdec_cli.templates.functions import RefusedError
from specdec_cli.templates.message import Message
from specdec_cli.templates.sandbox import BoundedEnvironment

_UNITS = 500_000
_UNITS_OF_MESSAGE = 5_000
_UNITS_OF_CHARACTER = 4
_FILE = "<template>"
"""What jinja2 calls the file of a template that was given as text."""
_LONGEST_REASON = 300
_NO_VARIABLES: Mapping[str, Any] = MappingProxyType({})


class TemplateFailedError(SpecdecError):
    """A chat template is not valid, or refuses the conversation."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the chat template failed: {reason}",
            "use another one: --chat-template FILE, or the name of a format such as chatml; "
            "--raw sends the prompt as it is",
        )


class ChatTemplate:
    """What turns a conversation into the text of a prompt: a compiled template in Jinja.

    Attributes:
        warn: told, once each, what a person should know of how messages are written.

    Args:
        source: jinja2 text, as in the GGUF's ``tokenizer.chat_template``.
        bos: text of the beginning-of-sequence token, empty if there is none.
        eos: text of the end-of-sequence token.
        variables: what else the template may ask for, such as ``enable_thinking``.

    Raises:
        TemplateFailedError: the text is not a valid template.
    """

    warn: Callable[[str], None] = staticmethod(lambda _: None)

    def __init__(
        self, source: str, *, bos: str, eos: str, variables: Mapping[str, Any] = _NO_VARIABLES
    ) -> None:
        self._environment = BoundedEnvironment()
        self._variables = {**variables, "bos_token": bos, "eos_token": eos}
        try:
            self._template = self._environment.template(source)
        except Exception as error:  # a text of many thousand brackets is too deep for any parser
            raise TemplateFailedError(_reason(error)) from error

    def write(self, messages: Sequence[Message]) -> str:
        """The text of a conversation, open for the assistant's next turn, with nothing left out.

        What the template takes is tried once. System messages for which it has no place go in front
        of the user's, and ``warn`` is told.

        Raises:
            TemplateFailedError: the template refuses these messages, fails on them, or leaves out
                the one to answer.
        """
        fit = self._fit
        if not fit.user:
            raise TemplateFailedError("it leaves the message out, so the model would not see it")
        for loss in fit.losses(messages):
            if loss not in self._reported:
                self._reported.add(loss)
                self.warn(loss)
        return self.render(fit.fitted(messages), parts=fit.parts)

    @cached_property
    def _fit(self) -> Fit:
        return try_out(lambda messages, parts: self.render(messages, parts=parts))

    @cached_property
    def _reported(self) -> set[str]:
        return set()

    def render(self, messages: Sequence[Message], *, parts: bool = False) -> str:
        """What the template makes of messages as they are, open for the assistant's next turn.

        Args:
            parts: contents are lists of one part, a text.

        Raises:
            TemplateFailedError: the template refuses these messages, fails on them, or does more
                work than they can need: about a second's, and more for long messages.
        """
        turns = [
            {"role": message.role, "content": _parts(message) if parts else message.content}
            for message in messages
        ]
        self._environment.budget = _budget(messages)
        try:
            # ``tools`` is left undefined: given as None, many published templates fail.
            return self._template.render(
                {**self._variables, "messages": turns, "add_generation_prompt": True}
            )
        except Exception as error:  # the template can raise whatever it likes
            raise TemplateFailedError(_reason(error)) from error


class BuiltinTemplate(ChatTemplate):
    """One of llama.cpp's own formats in place of a template.

    Args:
        name: such as ``chatml``.

    Raises:
        UsageError: there is no such format.
    """

    def __init__(self, name: str) -> None:
        from specdec_cli.models import builtin_templates

        builtin_templates.require(name)
        self._name = name

    def render(self, messages: Sequence[Message], *, parts: bool = False) -> str:  # noqa: ARG002
        """The text of a conversation, open for the assistant's next turn."""
        from specdec_cli.models import builtin_templates

        turns = [(message.role, message.content) for message in messages]
        return builtin_templates.render(self._name, turns)


def _parts(message: Message) -> list[dict[str, str]]:
    return [{"type": "text", "text": message.content}]


def _budget(messages: Sequence[Message]) -> Budget:
    characters = sum(len(message.content) for message in messages)
    return Budget(_UNITS + _UNITS_OF_MESSAGE * len(messages) + _UNITS_OF_CHARACTER * characters)


def _reason(error: Exception) -> str:
    """What went wrong, on one line, and where in the template."""
    if isinstance(error, RecursionError):
        return "it calls itself without end, or is nested too deep"
    if isinstance(error, MemoryError):
        return "it needs too much memory"
    text = " ".join(str(error)[: 4 * _LONGEST_REASON].split())
    if isinstance(error, TemplateSyntaxError):
        text, line = error.message or "", error.lineno
    else:
        line = _line(error)
    if isinstance(error, RefusedError):
        text = f"it says: {text}"
    elif isinstance(error, SyntaxError):  # jinja2's parser takes more nesting than Python's
        text = error.msg
    elif not isinstance(error, (TooMuchWorkError, TemplateError)):
        text = f"{type(error).__name__}: {text}"
    if len(text) > _LONGEST_REASON:
        text = text[: _LONGEST_REASON - 1] + "…"
    return f"{text} (line {line})" if line else text


def _line(error: Exception) -> int:
    """The line of the template where the error came up; 0 if that is not known."""
    lines = [line for frame, line in walk_tb(error.__traceback__) if _is_template(frame)]
    return lines[-1] if lines else 0


def _is_template(frame: Any) -> bool:
    return bool(frame.f_code.co_filename == _FILE)
