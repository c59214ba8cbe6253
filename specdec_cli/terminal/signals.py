"""Ctrl-C and Ctrl-Z.

The first Ctrl-C asks the work to stop, the second, or a later one, leaves at once. After Ctrl-Z the
time until the process is continued is no time of the work.

Python runs signal handlers between two of its own instructions, so one pass of a large model
would delay them. The interpreter's wake-up pipe is written at once; a thread reads it, so the
flag is up while llama.cpp still computes, and a second Ctrl-C need not wait for it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from types import FrameType, TracebackType
from typing import Any

from specdec_cli.core import clock
from specdec_cli.errors import Exit
from specdec_cli.terminal import keys
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.sequences import ERASE_FOOTER


class _Suspended:
    """While entered, the time for which the process is suspended is left out of all times.

    By Ctrl-Z, that is. Who sends SIGSTOP does not tell when, but is noticed when the process goes
    on, so that nothing is learnt from it.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._redraws = False

    def start(self) -> None:
        """Take the signals over where they are as the system has them."""
        if sys.platform == "win32":
            return
        self._redraws = Streams.standard().can_redraw
        for number, handler in ((signal.SIGTSTP, self._stop), (signal.SIGCONT, self._continued)):
            if signal.getsignal(number) is signal.SIG_DFL:
                self._before[number] = signal.signal(number, handler)

    def end(self) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        began = perf_counter()
        if self._redraws:  # past all buffers, as this may be in the middle of anything
            with suppress(OSError):
                os.write(2, ERASE_FOOTER.encode())
        with keys.seen():  # by the shell that goes on
            signal.signal(number, signal.SIG_DFL)  # which knows when a process may not be stopped
            os.kill(os.getpid(), number)
            signal.signal(number, self._stop)
        clock.leave_out(perf_counter() - began)

    def _continued(self, _number: int, _frame: FrameType | None) -> None:
        clock.leave_out(0.0)


class Interrupts:
    """While entered, SIGINT raises a flag instead of an exception.

    Args:
        leave: restores the terminal; called by the last SIGINT, before the process ends.
        leaves_at: which one that is.
    """

    def __init__(self, leave: Callable[[], None] = lambda: None, leaves_at: int = 2) -> None:
        self._leave = leave
        self._leaves_at = leaves_at
        self._asked = threading.Event()
        self._waits = False
        self._reader: socket.socket | None = None
        self._writer: socket.socket | None = None
        self._before: tuple[Any, int] | None = None
        self._suspended = _Suspended()

    def asked(self) -> bool:
        """Whether a stop was asked for; polled by everything that takes long."""
        return self._asked.is_set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While waiting for input, SIGINT raises ``KeyboardInterrupt`` to end the wait."""
        self._waits = True
        try:
            if self.asked():
                raise KeyboardInterrupt
            yield
        finally:
            self._waits = False

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._suspended.start()
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a background job of a shell
            return self
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        before = signal.signal(signal.SIGINT, self._on_signal)
        self._before = (
            before,
            signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False),
        )
        threading.Thread(target=self._watch, args=(self._reader,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._suspended.end()
        if self._before is None or self._writer is None:
            return
        handler, wakeup = self._before
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGINT, handler)
        self._before = None
        self._writer.close()  # ends the thread, which closes the other end

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked.set()
        if self._waits:
            raise KeyboardInterrupt

    def _watch(self, reader: socket.socket) -> None:
        seen = 0
        with reader:
            while received := reader.recv(16):
                seen += received.count(signal.SIGINT)
                if seen:
                    self._asked.set()
                if seen >= self._leaves_at:
                    with suppress(Exception):
                        self._leave()
                    os._exit(Exit.INTERRUPTED)
