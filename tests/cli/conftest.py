"""Running the program as people do, and models made for the purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.ggufs import default_tokens, write_gguf
from tests.waiting import PATIENCE


class Done(NamedTuple):
    """What a finished program left."""

    code: int
    out: str
    err: str


Specdec = Callable[..., Done]


@pytest.fixture(scope="session")
def specdec() -> Specdec:
    """Runs ``specdec`` with arguments; standard input is empty unless given."""

    def run(
        *arguments: str | Path, stdin: str | bytes = b"", env: Mapping[str, str] | None = None
    ) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "specdec_cli", *map(str, arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env={**os.environ, **(env or {})},
            timeout=PATIENCE,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small random models: a pair, one of another vocabulary, one that talks long."""
    folder = tmp_path_factory.mktemp("models")
    write_gguf(folder / "target.gguf", seed=1, context=512)
    write_gguf(folder / "draft.gguf", seed=2, context=512)
    write_gguf(folder / "plain.gguf", seed=1, context=512, chat_template=None)
    # No end: the end-of-sequence token is one the model hardly ever takes.
    write_gguf(folder / "long.gguf", seed=3, context=1 << 17, eos=0, n_layers=2)
    other = default_tokens()
    other[65], other[66] = other[66], other[65]
    write_gguf(folder / "other.gguf", seed=4, context=512, tokens=other)
    return folder
