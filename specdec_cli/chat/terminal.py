"""The prompt in a terminal. prompt_toolkit is imported here only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.defaults import create_output
from prompt_toolkit.styles import Style

from specdec_cli import atomic
from specdec_cli.chat.lines import is_open
from specdec_cli.chat.session import Chat
from specdec_cli.terminal.safe import safe_line

_STYLE = Style.from_dict(
    {
        "prompt": "bold",
        "placeholder": "fg:ansibrightblack",
        "bottom-toolbar": "noreverse",
        "bottom-toolbar.text": "fg:ansibrightblack",
    }
)
_PLAIN = Style.from_dict({"bottom-toolbar": "noreverse"})
_INVITATION = "a message, or /help"
_LARGEST = 1 << 20
"""Bytes of typed lines that are remembered; the older half goes when there are more."""


Complete = Callable[[str], list[tuple[str, str]]]


class Terminal:
    """Reads entries with editing, history, completion, and the chat's status below.

    Args:
        complete: whole entries that what is typed so far may become, and what each means.
        history: where typed entries are remembered over runs; ``None`` to forget them.
    """

    interactive = True

    def __init__(self, chat: Chat, complete: Complete, history: Path | None) -> None:
        self._chat = chat
        self._next = ""
        streams = chat.streams
        shows = streams.out if streams.out_tty else streams.err
        color = (streams.out_color if streams.out_tty else streams.err_color)(
            chat.options.output.color
        )
        self._session: PromptSession[str] = PromptSession(
            message=FormattedText([("class:prompt", ">>> ")]),
            multiline=True,
            prompt_continuation=_continuation,
            key_bindings=self._keys(),
            bottom_toolbar=self._status,
            history=_Remembered(history) if history else InMemoryHistory(),
            auto_suggest=AutoSuggestFromHistory(),
            completer=_Commands(complete),
            complete_while_typing=True,
            enable_open_in_editor=True,
            enable_suspend=True,
            tempfile_suffix=".md",
            style=_STYLE if color else _PLAIN,
            color_depth=None if color else ColorDepth.DEPTH_1_BIT,
            output=create_output(stdout=shows),
        )
        # A terminal that answers late, on a busy machine say, is no reason for a warning.
        self._session.app.renderer.cpr_not_supported_callback = None

    def read(self) -> str:
        loader = self._chat.loader
        if loader.error is not None:
            raise loader.error
        loader.when_changed(self._loading_changed)
        default, self._next = self._next, ""
        # The first prompt is drawn before loading begins, which takes the interpreter's time.
        hint = "" if self._chat.conversation.last else _INVITATION
        while True:
            try:
                return self._session.prompt(
                    default=default,
                    pre_run=self._start_later,
                    placeholder=FormattedText([("class:placeholder", hint)]),
                )
            except KeyboardInterrupt:
                if not self._session.default_buffer.text:
                    raise
                default = ""

    def offer(self, text: str) -> None:
        self._next = text

    def _start_later(self) -> None:
        app = self._session.app
        loop = app.loop
        assert loop is not None
        loop.call_soon(loop.call_soon, self._chat.loader.start)

    def _loading_changed(self) -> None:
        """Called in the loading thread: draw the progress, or end the prompt with the error."""
        app = self._session.app
        loop, error = app.loop, self._chat.loader.error
        if loop is None or not app.is_running:
            return
        if error is None:
            app.invalidate()
            return

        def end() -> None:
            if app.is_running and not app.is_done:
                self._next = app.current_buffer.text
                app.exit(exception=error)

        with suppress(RuntimeError):  # the loop has just been closed
            loop.call_soon_threadsafe(end)

    def _status(self) -> FormattedText:
        columns = self._session.app.output.get_size().columns
        text = safe_line(self._chat.status())
        if len(text) > columns:
            text = text[: columns - 1] + "…"
        return FormattedText([("", text)])

    def _keys(self) -> KeyBindings:
        bindings = KeyBindings()

        @bindings.add("enter")
        def _enter(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            if self._chat.options.own.multiline or is_open(buffer.text):
                buffer.newline(copy_margin=False)
            else:
                buffer.validate_and_handle()

        @bindings.add("escape", "enter")
        def _alt_enter(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            if self._chat.options.own.multiline:
                buffer.validate_and_handle()
            else:
                buffer.newline(copy_margin=False)

        return bindings


def _continuation(_width: int, _line: int, wrapped: int) -> str:
    """What stands before the rows below the first: a new line has its mark, a long one has none."""
    return "" if wrapped else "... "


class _Commands(Completer):
    """Completes entries that are commands."""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002
    ) -> Iterable[Completion]:
        text = document.text_before_cursor
        for whole, meaning in self._complete(text):
            last = max(text.rfind(" "), text.rfind(os.sep)) + 1 if " " in text else 0
            yield Completion(whole, -len(text), whole[last:], meaning)


class _Remembered(FileHistory):
    """A history that only its owner can read, of bounded size, and lost rather than in the way."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self._shorten()

    def load_history_strings(self) -> Iterable[str]:
        try:
            return list(super().load_history_strings())
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)

    def _shorten(self) -> None:
        if self._path.stat().st_size > _LARGEST:
            data = self._path.read_bytes()[-_LARGEST // 2 :]
            atomic.write_bytes(self._path, data[max(data.find(b"\n# "), 0) :], private=True)
