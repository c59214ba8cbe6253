"""Damaged models through the program itself: a slice of what ``python -m tools.fuzz`` hunts for."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specdec_cli.errors import Exit, SpecdecError
from specdec_cli.gguf.check import check, validate
from specdec_cli.gguf.header import parse_header
from tests.waiting import PATIENCE
from tools.fuzz.anatomy import take_apart
from tools.fuzz.child import Ended
from tools.fuzz.hunt import MEMORY, judge
from tools.fuzz.mutants import Nursery
from tools.fuzz.seeds import write_seeds

ROOT = Path(__file__).parents[2]
MUTANTS = 1000


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_seeds(tmp_path_factory.mktemp("seeds"))


def test_a_file_taken_apart_is_put_together_as_it_was(seeds: list[Path]) -> None:
    for path in seeds:
        validate(path)
        data = path.read_bytes()
        assert take_apart(data).assembled() == data


def test_a_mutant_is_the_same_wherever_it_is_made(seeds: list[Path]) -> None:
    one, other = Nursery(seeds), Nursery(seeds)
    for number in (7, 3, 99):
        assert one.mutant(number) == other.mutant(number)
    assert len({one.mutant(number).data for number in range(50)}) == 50


def test_reading_raises_nothing_but_our_own_errors(seeds: list[Path]) -> None:
    nursery, passed = Nursery(seeds), 0
    for number in range(MUTANTS):
        data = nursery.mutant(number).data
        try:
            check(parse_header(io.BytesIO(data), len(data), "mutant.gguf"))
        except SpecdecError as refusal:
            assert refusal.message.isprintable(), number
            assert refusal.hint, number
        else:
            passed += 1
    # The damage is of both kinds: what must be refused, and what goes on to llama.cpp.
    assert MUTANTS // 10 < passed < MUTANTS * 2 // 3


def test_check_and_run_survive_mutants() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.fuzz", "--count", "12", "--seed", "4000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == Exit.OK, done.stdout + done.stderr
    assert "36 commands, 0 faults" in done.stdout


@pytest.mark.parametrize(
    ("code", "out", "err", "memory", "said"),
    [
        (0, "text", "", 1, ""),
        (4, "", "Error: x is damaged\nHint: download it again\n", 1, ""),
        (4, "do not fit", "", 1, ""),
        (-signal.SIGABRT, "", "GGML_ASSERT(x)", 1, "SIGABRT: GGML_ASSERT(x)"),
        (-signal.SIGALRM, "", "", 1, "still not done"),
        (-signal.SIGPROF, "", "", 1, "still not done"),
        (1, "", "Error: unexpected KeyError: 3\nHint: report it\n", 1, "unexpected"),
        (70, "", "Traceback (most recent call last):\n", 1, "unexpected"),
        (130, "", "", 1, "exit code 130"),
        (4, "", "", 1, "without a word"),
        (4, "", "Error: x is damaged\n", 1, "no hint"),
        (4, "", "Error: \x1b[31m\nHint: y\n", 1, "control characters"),
        (0, "text", "", MEMORY + 1, "MB"),
    ],
)
def test_what_is_a_fault(code: int, out: str, err: str, memory: int, said: str) -> None:
    fault = judge(Ended(code, out, err, 31.0, memory))
    assert said in fault
    assert bool(fault) == bool(said)
