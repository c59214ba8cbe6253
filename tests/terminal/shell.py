"""The part of a shell that Ctrl-Z and `fg` are about, run in a terminal as a program of its own.

It runs the command of its arguments in the foreground, says ``[stopped]`` when that is stopped, and
continues it when a line is typed. As most shells, it leaves the terminal's modes as they are.
"""

import os
import signal
import sys


def run(command: list[str]) -> int:
    """Run it; its exit code."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # who is in the background sets the foreground
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv(command[0], command)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        print("\n[stopped]", flush=True)
        sys.stdin.readline()
        os.tcsetpgrp(0, child)
        os.killpg(child, signal.SIGCONT)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
