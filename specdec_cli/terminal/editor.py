"""The person's own editor, on a file."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from specdec_cli.errors import NotFoundError, SpecdecError
from specdec_cli.terminal import keys


def editor() -> list[str]:
    """The editor's command line.

    Raises:
        NotFoundError: there is no such program.
    """
    fallback = "notepad" if os.name == "nt" else "vi"
    text = os.environ.get("VISUAL") or os.environ.get("EDITOR") or fallback
    try:
        command = shlex.split(text, posix=os.name != "nt")
    except ValueError:
        command = []
    if not command or shutil.which(command[0]) is None:
        raise NotFoundError(f"the editor {text!r} is not there", "set EDITOR to one that is")
    return command


def run_editor(command: list[str], file: Path) -> int:
    """Wait for the editor; its exit code."""
    with keys.seen():
        return subprocess.run([*command, str(file)], check=False).returncode


def edited(text: str) -> str:
    """A text as the person has it after editing.

    Raises:
        NotFoundError: there is no editor.
        SpecdecError: the editor failed, or left no text that can be read.
    """
    command = editor()
    with TemporaryDirectory(prefix="specdec-") as folder:
        file = Path(folder) / "message.md"
        file.write_text(text, encoding="utf-8", newline="\n")
        code = run_editor(command, file)
        if code:
            raise SpecdecError(f"the editor ended with {code}, so nothing was changed")
        try:
            return file.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SpecdecError(f"what the editor left cannot be read: {error}") from error
