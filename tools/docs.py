"""Writes the generated parts of the documentation: what ``--help`` prints.

A page marks such a part with ``<!-- help: specdec run -->`` before a fenced block.

  python tools/docs.py          write them anew
  python tools/docs.py --check  fail if one is out of date
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_PART = re.compile(
    r"(<!-- help: specdec ?([\w ]*)-->\n```text\n).*?(\n```)$", re.DOTALL | re.MULTILINE
)


def main() -> int:
    check = "--check" in sys.argv[1:]
    stale = []
    for page in sorted([_ROOT / "README.md", *(_ROOT / "docs").rglob("*.md")]):
        text = page.read_text(encoding="utf-8")
        fresh = _PART.sub(lambda part: part[1] + _help(part[2].split()) + part[3], text)
        if fresh != text:
            stale.append(str(page.relative_to(_ROOT)))
            if not check:
                page.write_text(fresh, encoding="utf-8")
    for name in stale:
        print(f"{name}: {'out of date, run python tools/docs.py' if check else 'written'}")
    return 1 if check and stale else 0


def _help(command: list[str]) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SPECDEC_")}
    environment |= {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    result = subprocess.run(
        [sys.executable, "-m", "specdec_cli", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
        env=environment,
    )
    return result.stdout.rstrip()


if __name__ == "__main__":
    sys.exit(main())
