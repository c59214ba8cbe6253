"""``specdec chat``, from the first prompt to the last."""

from __future__ import annotations

import signal
import sys
from contextlib import nullcontext
from pathlib import Path

from specdec_cli import paths
from specdec_cli.chat import slash_command as table
from specdec_cli.chat import store
from specdec_cli.chat.commands import COMMANDS
from specdec_cli.chat.conversation import Conversation
from specdec_cli.chat.lines import LineReader, Reader, stdin_reader, unwrapped
from specdec_cli.chat.loading import Gather
from specdec_cli.chat.options import ChatOptions
from specdec_cli.chat.session import Chat, Leave
from specdec_cli.errors import Cancelled, Exit, NotFoundError, SpecdecError
from specdec_cli.terminal import keys
from specdec_cli.terminal.ask import confirmed
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.safe import safe_line

_HINT = "Ctrl-D or /exit leaves, /help lists the commands"
_SHOWN = 24
_MAX_LINES, _MAX_CHARACTERS = 24, 2000
_LEAVING = ("exit", "quit")
"""Messages that end the program, as in a shell."""


def converse(gather: Gather, options: ChatOptions, streams: Streams) -> int:
    """Chat until the person leaves or the pipe ends; return the exit code.

    Raises:
        SpecdecError: the conversation to go on with cannot be read, or the pair not be loaded.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = paths.conversations() if options.own.history else None
    autosave = store.Autosave(folder)
    typed = sys.stdin is not None and sys.stdin.isatty()
    conversation = _begun(options, autosave, ask=typed and streams.err_tty)
    chat = Chat(options, gather, streams, conversation, autosave)
    try:
        chat.reader = _reader(chat, typed=typed)
        if len(conversation):
            _tell_begun(chat)
        with nullcontext() if isinstance(chat.reader, LineReader) else keys.unseen():
            _talk(chat, chat.reader)
    except KeyboardInterrupt:
        chat.code = Exit.INTERRUPTED
    finally:
        chat.close()
    return chat.code


def _talk(chat: Chat, reader: Reader) -> None:
    waiting = chat.conversation.waiting
    while True:
        unanswered, waiting = waiting, False
        try:
            _turn(chat, reader, unanswered=unanswered)
        except (EOFError, Leave):
            if not reader.interactive:
                chat.loader.require_models()
            return
        except Cancelled:
            if not reader.interactive:
                raise KeyboardInterrupt from None
        except KeyboardInterrupt:  # wherever it came: an error may just have been on its way
            if not reader.interactive:
                raise
            chat.show([_HINT])


def _turn(chat: Chat, reader: Reader, *, unanswered: bool) -> None:
    """Handle the next entry; errors are printed.

    Args:
        unanswered: first answer the last question of the conversation to go on with.
    """
    try:
        if unanswered:
            chat.answer()
        text = reader.read()
        if not reader.interactive:
            _echo(chat, text)
        take(chat, text)
    except SpecdecError as error:
        if error is chat.loader.error:
            raise
        chat.fail(error)


def take(chat: Chat, text: str) -> None:
    """Handle an entry: run a command, or send a message.

    Raises:
        Leave: it is the command to leave.
        Cancelled: the person stopped it before anything was said.
        SpecdecError: it cannot be done.
    """
    message, is_block = unwrapped(text)
    if not message.strip():
        return
    if not is_block:
        message = message.strip()
        if message.lower() in _LEAVING:
            raise Leave
        if table.is_command(message):
            table.dispatch(chat, COMMANDS, message)
            return
        if message.startswith("//"):
            message = message[1:]
    chat.ask(message)


def _reader(chat: Chat, *, typed: bool) -> Reader:
    streams = chat.streams
    if not typed:
        return stdin_reader(None)
    if not (streams.out_tty or streams.err_tty) or streams.env.get("TERM") in ("dumb", "unknown"):
        return stdin_reader(streams.err)
    from specdec_cli.chat.terminal import Terminal

    return Terminal(
        chat,
        lambda text: table.completions(chat, COMMANDS, text),
        paths.chat_history() if chat.options.own.history else None,
    )


def _begun(options: ChatOptions, autosave: store.Autosave, *, ask: bool) -> Conversation:
    """The conversation to go on with, or a new one."""
    system = options.prompt.system or ""
    if options.own.load is not None:
        return _with_system(store.load(Path(options.own.load)), options)
    folder = paths.conversations()
    if options.own.resume:
        saved = store.latest(folder)
        if saved is None:
            raise NotFoundError("there is no conversation to go on with", "specdec chat")
        autosave.take_over(saved)
        return _with_system(saved.conversation, options)
    if ask and options.own.history:
        for saved in store.interrupted(folder):
            last = saved.conversation.last
            said = safe_line(last.user) if last else ""
            said = said if len(said) <= _SHOWN else said[: _SHOWN - 1] + "…"
            question = f"Interrupted {saved.when}: {said!r}. Go on with it?"
            if confirmed(question, default=True):
                autosave.take_over(saved)
                return _with_system(saved.conversation, options)
            store.mark_ended(saved)
    return Conversation(system)


def _with_system(conversation: Conversation, options: ChatOptions) -> Conversation:
    """A system message of the command line replaces the saved one."""
    if options.origins["system"] == "flag":
        conversation.system = options.prompt.system or ""
    return conversation


def _tell_begun(chat: Chat) -> None:
    """Show where the conversation was."""
    last = chat.conversation.last
    assert last is not None
    count = len(chat.conversation)
    chat.note(f"going on after {count} turn{'' if count == 1 else 's'}; the last one was")
    if not chat.options.output.quiet:
        chat.show([f">>> {line}" for line in _excerpt(last.user)])
        chat.show(_excerpt(last.answer or ""))


def _excerpt(text: str) -> list[str]:
    """The beginning of a text, to know it by; /show history has all of it."""
    lines = text[:_MAX_CHARACTERS].splitlines()[:_MAX_LINES]
    if len("\n".join(lines)) < len(text.rstrip("\n")):
        lines.append(f"… ({len(text):,} characters in all)")
    return lines


def _echo(chat: Chat, text: str) -> None:
    """On a terminal, show what a pipe asks, as if it were typed."""
    if chat.streams.out_tty and chat.streams.err_tty and text.strip():
        chat.note(f">>> {text}")
