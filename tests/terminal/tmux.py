"""A program in a real terminal."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.waiting import until


class Tmux:
    """A tmux server of its own with one window that runs a command.

    Args:
        socket: where the server listens.
        command: for the shell.
    """

    def __init__(self, socket: Path, command: str, columns: int, rows: int) -> None:
        self._tmux = [shutil.which("tmux") or "", "-f", "/dev/null", "-S", str(socket)]
        self._start = ["new-session", "-d", "-x", str(columns), "-y", str(rows), command]

    def __enter__(self) -> "Tmux":
        self._do(*self._start)
        self._do("set", "-g", "window-size", "manual")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size, and wait until the program can know it: tmux takes time."""
        self._do("resize-window", "-x", str(columns), "-y", str(rows))
        terminal = os.open(
            self._do("display-message", "-p", "#{pane_tty}").strip(), os.O_RDONLY | os.O_NOCTTY
        )
        try:
            until(lambda: os.get_terminal_size(terminal).columns == columns)
        finally:
            os.close(terminal)

    def capture(self) -> str:
        """Return the text of scrollback and screen, wrapped lines joined."""
        return self._do("capture-pane", "-p", "-J", "-S", "-")

    def _do(self, *command: str) -> str:
        done = subprocess.run([*self._tmux, *command], capture_output=True, check=True, text=True)
        return done.stdout
