"""A conversation as JSON and back, with errors for bad files.

The messages are written as chat programs exchange them, so that other tools can read them::

    {"v": 1, "kind": "conversation", "saved": "2026-01-31T12:00:00+00:00",
     "models": {"target": "a.gguf", "draft": null},
     "messages": [{"role": "system", "content": "Be brief."},
                  {"role": "user", "content": "Hi"},
                  {"role": "assistant", "content": "Hello!", "finish_reason": "stop"}]}

Reading asks for the messages alone, so files of other programs are read too, also those that are
only a list of messages; see :mod:`specdec_cli.templates.json_messages`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

from specdec_cli.chat.conversation import Conversation, Turn
from specdec_cli.core.events import FinishReason
from specdec_cli.errors import SpecdecError
from specdec_cli.templates.json_messages import Role, role_and_text

VERSION = 1
_BETWEEN = "\n\n"
"""Between two messages that become one."""
_HALVES = re.compile("[\ud800-\udfff]")
_REASONS = get_args(FinishReason)


class BadConversationError(SpecdecError):
    """A file holds no conversation."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, 'a conversation is such as {"messages": [{"role": "user", "content": …}]}'
        )


def to_text(conversation: Conversation, models: Mapping[str, str | None], **more: Any) -> str:
    """The conversation as JSON text, with other fields as they are given."""
    messages: list[dict[str, Any]] = []
    if conversation.system:
        messages.append({"role": "system", "content": conversation.system})
    for turn in conversation:
        if turn.user:  # a greeting answers nothing
            messages.append({"role": "user", "content": turn.user})
        if turn.answer is not None:
            answer = {"role": "assistant", "content": turn.answer, "finish_reason": turn.reason}
            messages.append(answer)
    document = {
        "v": VERSION,
        "kind": "conversation",
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
        "models": dict(models),
        "messages": messages,
    }
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    # The bytes of a path that are not UTF-8; in JSON they can only stand inside strings.
    return _HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def from_text(text: str, name: str) -> tuple[Conversation, dict[str, Any]]:
    """The conversation of a JSON text, and the text's other fields.

    Args:
        name: what errors call it.

    Raises:
        BadConversationError: it holds none; the message says what is wrong.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadConversationError(f"{name} is not JSON: {error}") from None
    if isinstance(data, list):
        data = {"messages": data}
    if not isinstance(data, dict):
        raise BadConversationError(f"{name} is neither a JSON object nor a list of messages")
    version = data.get("v", VERSION)
    if version != VERSION:
        raise BadConversationError(
            f"{name} is of version {version!r}, this program reads {VERSION}"
        )
    messages = data.pop("messages", data.pop("conversations", None))
    if not isinstance(messages, list):
        raise BadConversationError(f"{name} has no list of messages")
    system: list[str] = []
    turns: list[Turn] = []
    for i, message in enumerate(messages):
        try:
            role, text = role_and_text(message)
        except ValueError as error:
            raise BadConversationError(f"messages[{i}] of {name} {error}") from None
        if role == "system":
            system.append(text)
        else:
            _add(turns, role, text, message.get("finish_reason"))
    return Conversation(_BETWEEN.join(system), turns), data


def _add(turns: list[Turn], role: Role, text: str, reason: Any) -> None:
    """One message more; two of one side in a row are taken as one."""
    last = turns[-1] if turns else None
    if role == "user":
        if last is not None and last.answer is None:
            turns[-1] = Turn(last.user + _BETWEEN + text)
        else:
            turns.append(Turn(text))
        return
    ended = reason if reason in _REASONS else None
    if last is None:  # a greeting
        turns.append(Turn("", text, ended))
    elif last.answer is None:
        turns[-1] = replace(last, answer=text, reason=ended)
    else:
        turns[-1] = replace(last, answer=last.answer + _BETWEEN + text, reason=ended)
