"""``specdec pull`` as people run it, against the tests' own Hub."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hub.conftest import TOKEN
from hub.server import FakeHub, Fault

from specdec_cli import paths
from specdec_cli.errors import Exit

PAIR = """\
schema_version: 1
description: a pair of the tests
licence: mit
target: {repo: big/model-GGUF, file: model-Q4_K_M.gguf}
draft: {repo: small/model-GGUF, quant: q8_0}
"""


def profile(name: str, text: str = PAIR) -> None:
    file = paths.user_profiles() / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def run(
    home: Path, server: FakeHub, environment: dict[str, str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``specdec`` with the tests' Hub around it; the token may appear nowhere."""

    def specdec(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "specdec_cli", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, **environment, **variables},
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert TOKEN not in done.stdout + done.stderr
        assert "signature=" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert server.strange == []
        return done

    return specdec


def test_pull_then_run_offline(run, server: FakeHub) -> None:
    profile("pair")
    before = run("run", "pair", "Hello")
    assert before.returncode == Exit.NOT_FOUND
    assert "specdec pull pair" in before.stderr
    assert server.seen == []
    done = run("pull", "pair")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "model-Q4_K_M.gguf" in done.stderr
    assert "draft-Q8_0.gguf" in done.stderr
    assert "fits together" in done.stderr
    assert "(100 %)" in done.stderr
    asked = len(server.seen)
    answer = run("run", "pair", "-n", "4", "-q", "Hello")
    assert answer.returncode == 0, answer.stderr
    again = run("pull", "pair", HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert len(server.seen) == asked


def test_a_dry_run_fetches_headers_only(run, server: FakeHub, tmp_path: Path) -> None:
    profile("pair")
    done = run("pull", "--dry-run", "pair")
    assert done.returncode == 0, done.stderr
    assert "to fetch" in done.stdout
    assert "memory  weights" in done.stdout
    assert "licence mit" in done.stdout
    assert not list((tmp_path / "hf").rglob("*.gguf"))


def test_a_pair_that_does_not_fit_is_not_fetched(run, server: FakeHub, tmp_path: Path) -> None:
    profile("pair", PAIR.replace("small/model-GGUF", "other/model-GGUF"))
    done = run("pull", "pair")
    assert done.returncode == Exit.INCOMPATIBLE
    assert "token 65 is" in done.stderr
    assert not list((tmp_path / "hf").rglob("*.incomplete"))
    assert run("pull", "--force", "-q", "pair").returncode == 0


def test_killed_and_interrupted_it_goes_on(
    home: Path, run, server: FakeHub, environment: dict[str, str], tmp_path: Path, ggufs
) -> None:
    profile("pair")
    server.pace = 0.02
    kept = 0
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        before = server.sent
        process = subprocess.Popen(
            [sys.executable, "-m", "specdec_cli", "pull", "pair"],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        while process.poll() is None and server.sent < before + 2 * (1 << 18) + 100_000:
            time.sleep(0.005)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        if number == signal.SIGINT:
            assert process.returncode == Exit.INTERRUPTED
            assert "goes on from there" in said
        (left,) = (tmp_path / "hf").rglob("*.incomplete")
        assert left.stat().st_size > kept
        kept = left.stat().st_size
    server.pace = 0.0
    before = server.sent
    assert run("pull", "pair").returncode == 0
    (target,) = (tmp_path / "hf").rglob("model-Q4_K_M.gguf")
    assert target.read_bytes() == ggufs["target"]


def test_a_changed_file_is_noticed(run, server: FakeHub) -> None:
    profile("pair", PAIR.replace("file: model-Q4_K_M.gguf", "file: model-Q4_K_M.gguf, size: 12"))
    done = run("pull", "pair")
    assert done.returncode == Exit.INCOMPATIBLE
    assert "has changed" in done.stderr
    assert run("pull", "-q", "--accept-changed", "pair").returncode == 0


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, Exit.NETWORK, "token"),
        (403, Exit.NETWORK, "does not let you read"),
        (404, Exit.NOT_FOUND, "does not have"),
    ],
)
def test_failures_are_two_lines(run, server: FakeHub, status: int, code: int, said: str) -> None:
    profile("pair")
    server.faults = [Fault("head", status=status, times=9)]
    done = run("pull", "pair")
    assert done.returncode == code
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["Error", "Hint"]
    assert said in done.stderr


def test_what_is_no_profile(run, server: FakeHub) -> None:
    assert run("pull").returncode == Exit.USAGE
    assert run("pull", "nothing").returncode == Exit.NOT_FOUND
    assert run("pull", "tiny").returncode == 0
    assert server.seen == []
