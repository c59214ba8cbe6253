"""What is said to have been interrupted: threads that waited, and a process that was stopped."""

from __future__ import annotations

import os
import sys

import pytest

from specdec_cli.core import clock
from specdec_cli.engine import interruptions
from specdec_cli.engine.interruptions import Interruptions, NoMeter


class Threads:
    """How long two threads waited, in nanoseconds, and how often they were switched out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waited = [5, 7]
        self.switches = 3
        self.reads = 0
        monkeypatch.setattr(os, "listdir", lambda _: ["1", "2"])
        monkeypatch.setattr(os, "open", lambda path, _: int(path.parent.name) - 1)
        monkeypatch.setattr(os, "close", lambda _: None)
        monkeypatch.setattr(os, "pread", self._read)
        monkeypatch.setattr(interruptions, "_switches", lambda: self.switches)

    def _read(self, file: int, _size: int, _offset: int) -> bytes:
        self.reads += 1
        return f"123456789 {self.waited[file]} 42\n".encode()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    return Threads(monkeypatch)


def test_a_tenth_of_the_time_is_allowed(threads: Threads) -> None:
    meter = Interruptions()
    assert meter.tells
    assert not meter.happened(1.0)
    threads.switches += 2
    threads.waited = [5 + 40_000_000, 7 + 50_000_000]
    assert not meter.happened(1.0)
    threads.switches += 1
    threads.waited[1] += 110_000_000
    assert meter.happened(1.0)
    threads.switches += 1
    assert not meter.happened(1.0)  # each wait counts once


def test_nothing_is_read_while_nobody_was_switched_out(threads: Threads) -> None:
    meter = Interruptions()
    reads = threads.reads
    for _ in range(10):
        assert not meter.happened(0.001)
    assert threads.reads == reads


def test_a_process_that_was_stopped_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_stopped", 0.0)
    monkeypatch.setattr(clock, "_stops", 0)
    monkeypatch.setattr(interruptions, "_THREADS", interruptions.Path("/nowhere"))
    meter = Interruptions()
    assert not meter.tells and not meter.happened(1.0)
    before = clock.now()
    clock.leave_out(1000.0)
    assert clock.now() < before - 900.0
    assert meter.happened(1.0)
    assert not meter.happened(1.0)
    assert not NoMeter().happened(1.0)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_this_kernel_tells() -> None:
    meter = Interruptions()
    assert meter.tells
    assert not meter.happened(1e9)
    meter.close()
    assert not meter.tells and not meter.happened(0.0)
