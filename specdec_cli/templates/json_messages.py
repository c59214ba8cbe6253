"""Messages as chat programs write them in JSON, whatever program it was.

A message has a role and a content. Contents are text, a list of parts, or nothing where tools are
called; roles have more names than the three that chat templates know. What cannot be shown to a
model as text, such as an image, is refused and not left out.
"""

from __future__ import annotations

import json
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("system", "developer"), "system"),
    # What a tool answered comes from outside the model, as what a person says does.
    **dict.fromkeys(("user", "human", "tool", "function"), "user"),
    **dict.fromkeys(("assistant", "model", "gpt", "bot", "ai"), "assistant"),
}
_CALLS = ("tool_calls", "function_call")


def role_and_text(message: object) -> tuple[Role, str]:
    """The role and the text of one message.

    Raises:
        ValueError: it is none; says why, to follow the message's place: ``is not an object``.
    """
    if not isinstance(message, dict):
        raise ValueError("is not an object")
    named = message.get("role", message.get("from"))
    role = _ROLES.get(named) if isinstance(named, str) else None
    if named is None:
        raise ValueError("has no role")
    if role is None:
        raise ValueError(f"has the role {named!r}, which is none of {', '.join(_ROLES)}")
    text = _text(message.get("content", message.get("value")), message)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("has half of a surrogate pair") from None
    return role, text


def _text(content: object, message: dict[str, Any]) -> str:
    calls = next((message[name] for name in _CALLS if message.get(name)), None)
    if content is None and calls is not None:
        return json.dumps(calls, ensure_ascii=False)
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ValueError("has no text as its content")
    return "".join(_part(part) for part in content)


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, dict):
        for name in ("text", "refusal"):
            if isinstance(part.get(name), str):
                return str(part[name])
        raise ValueError(f"has a part of the type {part.get('type')!r}; only text is read")
    raise ValueError("has no text as its content")
