"""A conversation as JSON, and back, with everything a file may have wrong.

The messages are written as chat programs exchange them, so that other tools can read them::

    {"v": 1, "kind": "conversation", "saved": "2026-01-31T12:00:00+00:00",
     "models": {"target": "a.gguf", "draft": null},
     "messages": [{"role": "system", "content": "Be brief."},
                  {"role": "user", "content": "Hi"},
                  {"role": "assistant", "content": "Hello!", "finish_reason": "stop"}]}

Reading asks for the messages alone, so files of other programs are read too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from specdec_cli.chat.conversation import Conversation
from specdec_cli.core.events import FinishReason
from specdec_cli.errors import SpecdecError

VERSION = 1
_HALVES = re.compile("[\ud800-\udfff]")
_REASONS = get_args(FinishReason)


class BadConversationError(SpecdecError):
    """A file holds no conversation."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, 'it is an object with messages: {"messages": [{"role": "user", "content": …}]}'
        )


def to_text(conversation: Conversation, models: Mapping[str, str | None], **more: Any) -> str:
    """The conversation as JSON text, with other fields as they are given."""
    messages: list[dict[str, Any]] = []
    if conversation.system:
        messages.append({"role": "system", "content": conversation.system})
    for turn in conversation:
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
    if not isinstance(data, dict):
        raise BadConversationError(f"{name} is not a JSON object")
    version = data.get("v", VERSION)
    if version != VERSION:
        raise BadConversationError(
            f"{name} is of version {version!r}, this program reads {VERSION}"
        )
    messages = data.pop("messages", None)
    if not isinstance(messages, list):
        raise BadConversationError(f"{name} has no list of messages")
    conversation = Conversation()
    for i, message in enumerate(messages):
        _add(conversation, message, first=i == 0, place=f"messages[{i}] of {name}")
    return conversation, data


def _add(conversation: Conversation, message: object, *, first: bool, place: str) -> None:
    if not isinstance(message, dict):
        raise BadConversationError(f"{place} is not an object")
    role, content = message.get("role"), _content(message, place)
    if role == "system" and first:
        conversation.system = content
    elif role == "user" and not conversation.waiting:
        conversation.ask(content)
    elif role == "assistant" and conversation.waiting:
        reason = message.get("finish_reason")
        conversation.answer(content, reason if reason in _REASONS else None)
    else:
        expected = "assistant" if conversation.waiting else "user"
        raise BadConversationError(f"{place} is of {role!r}, expected was {expected!r}")


def _content(message: Mapping[str, Any], place: str) -> str:
    content = message.get("content")
    if not isinstance(content, str):
        raise BadConversationError(f"{place} has no text as its content")
    try:
        content.encode()
    except UnicodeEncodeError:
        raise BadConversationError(f"{place} has half of a surrogate pair") from None
    return content
