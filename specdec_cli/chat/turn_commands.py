"""Commands on the conversation itself."""

from __future__ import annotations

from specdec_cli.chat.conversation import Conversation
from specdec_cli.chat.session import Chat
from specdec_cli.errors import UsageError
from specdec_cli.terminal.editor import edited


def clear(chat: Chat, _rest: str) -> None:
    """Start again, with the same system message."""
    chat.replace(Conversation(chat.conversation.system))
    chat.note("the conversation is empty")


def reset(chat: Chat, _rest: str) -> None:
    """As at the start."""
    options = chat.started_with
    if chat.options is not options:
        chat.change(options)
    clear(chat, "")
    chat.conversation.system = chat.options.prompt.system or ""


def system(chat: Chat, rest: str) -> None:
    """Set the system message for all answers to come."""
    if not rest:
        chat.show((chat.conversation.system or "there is no system message").splitlines())
        return
    chat.ready()  # a profile's own would otherwise come later
    chat.conversation.system = "" if rest == "off" else rest
    chat.keep()


def regen(chat: Chat, _rest: str) -> None:
    """Answer the last message again."""
    turn = chat.conversation.last
    if turn is None:
        raise UsageError("there is nothing to answer again", "send a message first")
    chat.conversation.reopen()
    del chat.turns[-1:]
    if chat.ready().loaded.settings.sampling.temperature == 0.0:
        chat.note("at temperature 0 the answer stays the same: /set temp 0.8")
    try:
        chat.answer()
    except BaseException:
        if chat.conversation.waiting and turn.answer is not None:
            chat.conversation.answer(turn.answer, turn.reason)
            chat.keep()
        raise


def undo(chat: Chat, _rest: str) -> None:
    """Take the last turn back, and let its message be changed."""
    turn = chat.take_back()
    if turn is None:
        raise UsageError("there is nothing to take back", "send a message first")
    if chat.reader is not None:
        chat.reader.offer(turn.user)
    left = len(chat.conversation)
    chat.note(f"the last turn is taken back, {left} {'is' if left == 1 else 'are'} left")


def edit(chat: Chat, rest: str) -> None:
    """Change the last message, or write one, and answer it."""
    turn = chat.conversation.last
    if not rest and not chat.interactive:
        raise UsageError("/edit needs the new text where there is no terminal", "/edit TEXT")
    text = rest or edited(turn.user if turn else "")
    if not text.strip() or (turn is not None and not rest and text == turn.user):
        chat.note("nothing was changed")
        return
    if turn is not None:
        chat.take_back()
    if not rest:
        chat.show([f">>> {line}" for line in text.splitlines()])
    try:
        chat.ask(text)
    except BaseException:
        if turn is not None and turn.answer is not None:
            chat.conversation.ask(turn.user)
            chat.conversation.answer(turn.answer, turn.reason)
            chat.keep()
        raise
