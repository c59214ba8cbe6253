"""Becomes another program, which the system ends as soon as the one that measures is gone.

    python start.py PARENT PROGRAM ARGUMENTS…

Even SIGKILL leaves no server behind then. Only Linux can do that; elsewhere it just starts.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Start what the command line says."""
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):  # it was gone before
            sys.exit(1)
    try:
        os.execv(program, [program, *arguments])
    except OSError as error:
        sys.exit(f"{program} does not run: {error}")


if __name__ == "__main__":
    main()
