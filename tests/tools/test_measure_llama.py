"""llama.cpp's own programs beside ours, played by scripts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from specdec_cli.bench.workload import select, tiny
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.errors import NotFoundError, UsageError
from tests.conftest import TinyPair
from tests.tools.test_measure_llama_program import TOLD, program
from tests.tools.test_measure_llama_server import bodies, server, starts
from tools.measure.llama.report import arms, report

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="scripts are no programs there")

TASKS = select(tiny(), per_kind=1)[:2]


def reported(
    pair: TinyPair, folder: Path, names: list[str], capsys: pytest.CaptureFixture[str]
) -> dict[str, list[str]]:
    """The table's rows by arm, split into columns."""
    settings = PairSettings(
        ModelChoice(pair.target), ModelChoice(pair.draft), n_ctx=512, remember=False
    )
    report(settings, TASKS, AnswerSettings(Sampling()), arms(names, str(folder)), 10)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    return {line[0]: line[1:] for line in lines}


def test_both_programs_are_measured_on_the_same_prompts(
    tiny_pair: TinyPair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(server(tmp_path), f"print({TOLD!r})\n")
    rows = reported(tiny_pair, tmp_path, ["llama", "llama-k8", "llama-server"], capsys)
    assert list(rows)[:5] == ["arm", "default", "llama", "llama-k8", "llama-server"]
    assert rows["llama"][:3] == rows["llama-k8"][:3] == ["2", f"{60 / 0.512:.1f}", "0.750"]
    assert rows["llama-server"][:3] == ["2", "118.0", "0.750"]
    args, prompt = json.loads((tmp_path / "seen.json").read_text())
    assert args[args.index("-n") + 1] == "10"
    assert any(task.prompt in prompt for task in TASKS) and prompt.startswith("<|im_start|>")
    asked = bodies(tmp_path)
    assert len(starts(tmp_path)) == 1 and len(asked) == 1 + 2 * len(TASKS)
    assert {body["n_predict"] for body in asked[1:]} == {10}


def test_one_that_fails_only_loses_its_row(
    tiny_pair: TinyPair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(tmp_path, "print('no memory'); sys.exit(1)\n")
    rows = reported(tiny_pair, tmp_path, ["llama"], capsys)
    assert "default" in rows
    assert rows["llama"][:3] == ["is", "left", "out:"]


def test_without_names_all_that_are_found_are_measured(tmp_path: Path) -> None:
    program(tmp_path, "")
    assert [arm.name for arm in arms([], str(tmp_path))] == ["llama", "llama-k8"]
    server(tmp_path)
    assert [arm.draft_max for arm in arms([], str(tmp_path))] == [None, 8, None, 8]


def test_what_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no arm llama-k0"):
        arms(["llama-k0"], str(tmp_path))
    with pytest.raises(NotFoundError, match="does not hold llama-server"):
        arms(["llama-server"], str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="are not found"):
        arms([], None)
    with pytest.raises(NotFoundError, match="is not on PATH"):
        arms(["llama"], None)
