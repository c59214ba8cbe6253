"""What the C libraries are told before they are loaded."""

from __future__ import annotations

import os
import sys

import pytest

from specdec_cli.models import environment

_NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "GGML_CPU_TILED_MM")


@pytest.fixture(autouse=True)
def _nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "llama_cpp", raising=False)
    monkeypatch.setattr(environment, "_tiled", None)
    monkeypatch.setattr(environment, "_ours", set())
    monkeypatch.setattr(environment, "_others_at_start", 0)
    for name in _NAMES:
        monkeypatch.setenv(name, "")  # so that what is set here is undone
        monkeypatch.delenv(name)


def told(monkeypatch: pytest.MonkeyPatch, busy: float) -> dict[str, str]:
    monkeypatch.setattr(environment, "busy_fraction", lambda: busy)
    environment.prepare()
    return {name: os.environ[name] for name in _NAMES if name in os.environ}


def test_threads_spin_on_a_quiet_machine_and_for_a_moment_on_a_busy_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert told(monkeypatch, 0.1) == {}
    assert told(monkeypatch, 0.9) == {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}


def test_others_leave_fewer_threads_to_begin_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert environment.threads_at_start(6) == 6
    told(monkeypatch, 0.25)
    assert environment.threads_at_start(6) == 6  # not busy
    told(monkeypatch, 0.5)
    assert environment.threads_at_start(6) == 4
    assert environment.threads_at_start(2) == 2
    told(monkeypatch, 3.0)
    assert environment.threads_at_start(6) == 1


def test_llama_cpp_starts_no_debugger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GGML_NO_BACKTRACE", "")
    monkeypatch.delenv("GGML_NO_BACKTRACE")
    monkeypatch.setitem(sys.modules, "llama_cpp", sys)  # what is read later is set even then
    environment.prepare()
    assert os.environ["GGML_NO_BACKTRACE"] == "1"


def test_what_a_person_has_set_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert told(monkeypatch, 0.9) == {"OMP_WAIT_POLICY": "active"}


def test_the_first_model_decides_on_tiled_kernels_for_the_whole_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not environment.tiled_kernels(False)
    assert os.environ["GGML_CPU_TILED_MM"] == "0"
    assert not environment.tiled_kernels(True)
    assert "GGML_CPU_TILED_MM" not in environment.of_others()
    monkeypatch.setattr(environment, "_tiled", None)
    monkeypatch.delenv("GGML_CPU_TILED_MM")
    assert environment.tiled_kernels(True)
    assert environment.tiled_kernels(False)
    assert "GGML_CPU_TILED_MM" not in os.environ


def test_a_persons_tiled_kernels_stay_unless_exact_bits_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GGML_CPU_TILED_MM", "1")
    assert environment.tiled_kernels(False)
    monkeypatch.setattr(environment, "_tiled", None)
    assert not environment.tiled_kernels(False, insist=True)
    monkeypatch.setattr(environment, "_tiled", None)
    monkeypatch.setenv("GGML_CPU_TILED_MM", "0")
    monkeypatch.setattr(environment, "_ours", set())
    monkeypatch.setattr(environment, "_others_at_start", 0)
    assert not environment.tiled_kernels(True)
    assert environment.of_others()["GGML_CPU_TILED_MM"] == "0"
