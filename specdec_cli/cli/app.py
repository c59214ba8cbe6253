"""Where the program starts and ends. The commands are in ``commands``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from specdec_cli.errors import Exit
from specdec_cli.terminal.standard import prepare


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line, by default the process's own, and end the process."""
    prepare()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from specdec_cli.cli.commands import invoke, report, silence  # it takes a while

    code = invoke(sys.argv[1:] if arguments is None else list(arguments))
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:  # nobody reads the output, or what was left cannot be written
        broken = silence()
        code = broken if isinstance(error, BrokenPipeError) else code or report(error)
    if signal.getsignal(signal.SIGINT) is _leave:
        # All is said. The interpreter's own end would put back the default, which kills.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """Ctrl-C while there is nothing to keep: the program starts, or waits for its prompt."""
    if os.isatty(2):
        os.write(2, b"\n")
    os._exit(Exit.INTERRUPTED)
