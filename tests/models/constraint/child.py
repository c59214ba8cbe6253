"""Code in a process of its own, which a grammar or schema may end."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.waiting import PATIENCE


def survives(code: str, texts: list[str], *arguments: str) -> None:
    """Give texts to a program as JSON; its last line is "done", or names the one that ended it."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    last = (done.stdout.splitlines() or [""])[-1]
    assert last == "done", (done.returncode, last, done.stderr[-2000:])
