"""What a chat template makes of messages, found by trying it, and how to write for it.

Templates differ in what they take: some have no place for a system message, and refuse one or leave
it out without a word; some take contents as lists of parts only, and see nothing in a text. A
conversation with a word in each message that occurs nowhere else shows which of them come through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from specdec_cli.templates.message import Message

Render = Callable[[Sequence["Message"], bool], str]
"""Writes messages, their contents as texts, or as lists of parts; raises what it likes."""

_BETWEEN = "\n\n"
NO_SYSTEM = (
    "the chat template has no place for a system message, so it goes in front of the first message "
    "of the user; leave -sys out if you want none"
)
LEAVES_OUT_EARLIER = (
    "the chat template leaves out what was said earlier, so the model sees only a part of the "
    "conversation; to use another one: --chat-template FILE"
)


@dataclass(frozen=True, slots=True)
class Fit:
    """What a template takes.

    Args:
        parts: contents must be lists of parts.
        user: a message of the user comes through; ``True`` also where trying it failed.
        system: a system message comes through.
        earlier: earlier turns come through; ``True`` also where trying it failed.
    """

    parts: bool = False
    user: bool = True
    system: bool = True
    earlier: bool = True

    def fitted(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The messages, with system messages in front of the user's where they have no place."""
        if self.system or not any(message.role == "system" for message in messages):
            return messages
        found: list[Message] = []
        waiting: list[str] = []
        for message in messages:
            if message.role == "system":
                waiting.append(message.content)
            elif message.role == "user" and waiting:
                found.append(replace(message, content=_BETWEEN.join([*waiting, message.content])))
                waiting.clear()
            else:
                found.append(message)
        if waiting and messages[-1].role == "system":
            found.append(replace(messages[-1], role="user", content=_BETWEEN.join(waiting)))
        return found

    def losses(self, messages: Sequence[Message]) -> list[str]:
        """What a person should know of these messages, a sentence each."""
        warnings = []
        if not self.system and any(message.role == "system" for message in messages):
            warnings.append(NO_SYSTEM)
        if not self.earlier and any(message.role == "assistant" for message in messages):
            warnings.append(LEAVES_OUT_EARLIER)
        return warnings


def try_out(render: Render) -> Fit:
    """Find out what a template takes, with a few short conversations."""

    def lost(*roles: str, parts: bool) -> bool | None:
        """Whether one of the messages does not come through; ``None`` if the template fails."""
        words = [f"qzprobe{i}zq" for i in range(len(roles))]
        messages = [Message(role, word) for role, word in zip(roles, words, strict=True)]  # type: ignore[arg-type]
        try:
            text = render(messages, parts)
        except Exception:  # noqa: BLE001 - a template raises what it likes
            return None
        return any(word not in text for word in words)

    alone = lost("user", parts=False)
    parts = alone is not False and lost("user", parts=True) is False
    if alone is None and not parts:
        return Fit()  # whatever is wrong with it, the messages themselves will show
    if alone and not parts:
        return Fit(user=False)
    return Fit(
        parts=parts,
        system=lost("system", "user", parts=parts) is False,
        earlier=not lost("user", "assistant", "user", parts=parts),
    )
