"""Benchmarks in these tests are of the program, not of the machine they run on."""

from __future__ import annotations

import pytest

from specdec_cli.bench import action as benching


@pytest.fixture(autouse=True)
def _nobody_else_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benching, "busy_warning", lambda: "")
