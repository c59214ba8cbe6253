"""A question on the terminal that is answered with yes or no."""

from __future__ import annotations

import sys

from specdec_cli.errors import UsageError
from specdec_cli.terminal import keys
from specdec_cli.terminal.safe import safe_line


def confirmed(question: str, *, default: bool = False) -> bool:
    """Ask; an empty line takes the default, the end of input means no.

    Raises:
        UsageError: there is nobody to ask.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", "give --yes")
    with keys.seen():
        sys.stderr.write(f"{safe_line(question)} [{'Y/n' if default else 'y/N'}] ")
        sys.stderr.flush()
        line = sys.stdin.readline()
    if not line:
        sys.stderr.write("\n")
        return False
    answer = line.strip().lower()
    return default if not answer else answer in ("y", "yes")
