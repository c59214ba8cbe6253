"""The prompt from arguments, files and standard input."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from specdec_cli.errors import Exit, NotFoundError, UsageError
from specdec_cli.run import prompt
from specdec_cli.run.prompt import gather
from specdec_cli.terminal.utf8 import EncodingError
from tests.cli.conftest import Specdec


class Stdin(io.TextIOWrapper):
    """Standard input with given bytes."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def asked(
    *words: str,
    stdin: bytes = b"",
    terminal: bool = False,
    text: str | None = None,
    file: str | None = None,
) -> str:
    files = file.split(",") if file else []
    return gather(words, text, files, lambda _: None, Stdin(stdin, terminal=terminal))


def test_words_are_joined() -> None:
    assert asked("Say", "hello.") == "Say hello."
    assert asked(text="Say hello.") == "Say hello."


def test_file_then_stdin_then_argument(tmp_path: Path) -> None:
    file = tmp_path / "part.txt"
    file.write_bytes(b"\xef\xbb\xbffile\n")
    assert asked("argument", stdin=b"stdin\r\n", file=str(file)) == "file\nstdin\nargument"
    assert asked(file=str(file)) == "file"
    assert asked(stdin="naïve\n\n".encode()) == "naïve\n"


def test_dash_reads_stdin_even_from_a_terminal() -> None:
    assert asked("-", stdin=b"typed", terminal=True) == "typed"
    assert asked(file="-", stdin=b"typed", terminal=True) == "typed"
    assert asked("Say hello.", stdin=b"not read", terminal=True) == "Say hello."


@pytest.mark.parametrize("terminal", [True, False])
def test_no_prompt(terminal: bool) -> None:
    with pytest.raises(UsageError, match="no prompt") as caught:
        asked(terminal=terminal)
    assert "specdec run" in caught.value.hint
    with pytest.raises(UsageError):
        asked("  ", terminal=terminal)


def test_closed_stdin_is_no_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert gather(["hi"], None, [], lambda _: None) == "hi"


def test_wrong_bytes_are_located(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="standard input is not UTF-8: byte 0xff at offset 3"):
        asked(stdin=b"abc\xff")
    file = tmp_path / "latin1.txt"
    file.write_bytes("né".encode("latin1"))
    with pytest.raises(EncodingError, match=r"latin1.txt is not UTF-8: byte 0xe9 at offset 1"):
        asked(file=str(file))


def test_wrong_bytes_of_the_command_line_are_located(specdec: Specdec) -> None:
    latin1 = os.fsdecode("né".encode("latin1"))
    with pytest.raises(EncodingError, match="prompt is not UTF-8: byte 0xe9 at offset 1") as caught:
        asked(latin1)
    assert caught.value.exit_code == Exit.USAGE
    done = specdec("run", "-sys", latin1, "hi")
    assert done.code == Exit.USAGE
    assert "--system: it is not UTF-8: byte 0xe9 at offset 1" in done.err


def test_every_file_is_read(tmp_path: Path) -> None:
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("a\n")
    two.write_text("b\n")
    assert asked("c", file=f"{one},{two}") == "a\nb\nc"
    assert asked("c", stdin=b"d", terminal=True, file=f"{two},-,{one}") == "b\na\nd\nc"


def test_a_folder_is_no_prompt(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="cannot be read"):
        asked(file=str(tmp_path))


def test_a_silent_pipe_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "_ready", lambda _: False)
    notes: list[str] = []
    assert gather(["hi"], None, [], notes.append, Stdin(b"late")) == "late\nhi"
    assert "waiting for standard input" in notes[0]
