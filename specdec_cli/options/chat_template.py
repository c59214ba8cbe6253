"""``--chat-template``: a file in Jinja, or one of llama.cpp's formats by name."""

from __future__ import annotations

import json
from typing import TypedDict

from specdec_cli.errors import UsageError
from specdec_cli.options.table import ModelOptions
from specdec_cli.reading import RULES, read_file
from specdec_cli.templates.names import is_name
from specdec_cli.terminal.utf8 import decode

_KWARGS = "--chat-template-kwargs"


class ChatTemplateSettings(TypedDict):
    """The fields of ``PairSettings`` that say how a conversation becomes a prompt."""

    chat_template: str
    chat_format: str
    template_variables: str


def chat_template(models: ModelOptions) -> ChatTemplateSettings:
    """The template that is asked for, if any.

    Whether a name is a format's is left to the engine: only llama.cpp knows.

    Raises:
        NotFoundError: the file is missing.
        UsageError: it is empty, or the variables are not an object of JSON.
    """
    given = models.chat_template
    named = given is not None and is_name(given)
    return ChatTemplateSettings(
        chat_template="" if named or given is None else _text(given),
        chat_format=given if named and given else "",
        template_variables=_variables(models.chat_template_kwargs),
    )


def _text(file: str) -> str:
    text = decode(read_file(file, RULES), file)
    if not text.strip():
        raise UsageError(f"the chat template {file} is empty", "to send prompts as they are: --raw")
    return text


def _variables(text: str | None) -> str:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{_KWARGS} is not JSON: {error}", _example()) from None
    if not isinstance(found, dict):
        raise UsageError(f"{_KWARGS} is not a JSON object", _example())
    return json.dumps(found)


def _example() -> str:
    return f"for example: {_KWARGS} '{{\"enable_thinking\": false}}'"
