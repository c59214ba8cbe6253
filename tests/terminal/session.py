"""A program at a pseudo-terminal, with an emulator that answers it as terminals do."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

import pyte

from tests.terminal.emulator import Screen
from tests.waiting import PATIENCE, until

SPECDEC = (sys.executable, "-m", "specdec_cli")


class Session:
    """``specdec`` with arguments, in a terminal of its own.

    Args:
        flushes: Ctrl-C and Ctrl-Z drop what was written and not yet read here, as they usually do.
        program: what to run instead of ``specdec``, with the same arguments.
        env: more of the environment.
    """

    def __init__(
        self,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        flushes: bool = True,
        program: Sequence[str] = SPECDEC,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = Screen(columns, rows)
        self.screen.write_process_input = self._answer  # type: ignore[method-assign]
        self._stream = pyte.ByteStream(self.screen)
        self._main, side = pty.openpty()
        self._lock = threading.Lock()
        self._gone: list[str] = []
        self.raw = b""
        self.resize(columns, rows)
        if not flushes:
            modes = termios.tcgetattr(side)
            modes[3] |= termios.NOFLSH
            termios.tcsetattr(side, termios.TCSANOW, modes)
        self.process = subprocess.Popen(
            [*program, *arguments],
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
            # Of two threads one waits for the other, for long where others compute too.
            env={
                **os.environ,
                "SPECDEC_CHAT_THREADS": "1",
                "TERM": "xterm-256color",
                **(env or {}),
            },
        )
        os.close(side)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE)
        os.close(self._main)
        if error is not None:
            print("\n".join(self.lines()))

    def send(self, text: str) -> None:
        """Type."""
        os.write(self._main, text.encode())

    def enter(self, text: str) -> None:
        """Type a line at the prompt, once there is one."""
        self.wait(lambda: self.at_prompt)
        self.send(text)
        self.send("\r")

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._main)[3] & termios.ECHO)

    @property
    def reads_lines(self) -> bool:
        """Whether the terminal collects keys to lines, as the kernel does for simple programs."""
        return bool(termios.tcgetattr(self._main)[3] & termios.ICANON)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        with self._lock:
            self.screen.resize(rows, columns)
        fcntl.ioctl(self._main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def interrupt(self) -> None:
        """Send what Ctrl-C sends; the key also drops what was written and not yet read here."""
        os.kill(self.process.pid, signal.SIGINT)

    @property
    def line(self) -> str:
        """The line that the cursor is in."""
        return self.from_cursor()[0]

    @property
    def at_prompt(self) -> bool:
        """Whether the cursor stands at a prompt with nothing typed, and its status is below."""
        line, *rest = self.from_cursor()
        below = " ".join(rest)
        return line in (">>>", ">>> a message, or /help") and (" · " in below or "loading" in below)

    def on_screen(self) -> list[str]:
        """The lines of the screen."""
        with self._lock:
            return [line.rstrip() for line in self.screen.display]

    def from_cursor(self) -> list[str]:
        """The lines of the screen from that of the cursor on: at a prompt, its status is among
        them."""
        with self._lock:
            return [line.rstrip() for line in self.screen.display[self.screen.cursor.y :]]

    def lines(self) -> list[str]:
        """All lines, those scrolled away first, without empty ones at the end."""
        with self._lock:
            columns = range(self.screen.columns)
            for row in self.screen.gone[len(self._gone) :]:  # which nothing changes any more
                self._gone.append("".join(row[x].data for x in columns).rstrip())
            lines = [*self._gone, *(line.rstrip() for line in self.screen.display)]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def text(self) -> str:
        """All lines, as one text."""
        return "\n".join(self.lines())

    def wait_for(self, text: str, count: int = 1) -> None:
        """Wait until a text is there, so many times."""
        self.wait(lambda: self.text().count(text) >= count)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds."""
        until(condition, self.text)

    def code(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def _read(self) -> None:
        while True:
            try:
                if not select.select([self._main], [], [], 1.0)[0]:
                    if self.process.poll() is not None:
                        return
                    continue
                data = os.read(self._main, 1 << 16)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            with self._lock:
                self.raw += data
                self._stream.feed(data)

    def _answer(self, data: str) -> None:
        os.write(self._main, data.encode())
