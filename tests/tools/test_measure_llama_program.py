"""llama.cpp's own program, played by a script."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.errors import BackendError, NotFoundError
from specdec_cli.models.settings import ModelSettings
from tools.measure.llama.program import NAME, arguments, find, measure, parse

PAIR = PairSettings(
    ModelChoice(Path("t.gguf"), ModelSettings(gpu_layers=0), threads=3),
    ModelChoice(Path("d.gguf")),
)
TOLD = """
decoded 9 tokens in 1.0 seconds, as the answer says

encoded   12 tokens in    0.014 seconds, speed:  852.091 t/s
decoded   60 tokens in    0.512 seconds, speed:  117.188 t/s

n_draft   = 3
n_predict = 60
n_drafted = 48
n_accept  = 36
accept    = 75.000%
"""
HELP = "--spec-draft-n-max N\n--spec-type none,draft-simple\n-e, --escape, --no-escape\n"


def program(folder: Path, body: str, help_text: str = HELP) -> Path:
    """Put a script in the program's place; it writes down its arguments and its prompt."""
    script = folder / NAME
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, signal, sys\n"
        "args = sys.argv[1:]\n"
        f"if '--help' in args: print({help_text!r}); sys.exit()\n"
        "prompt = pathlib.Path(args[args.index('-f') + 1]).read_text()\n"
        f"seen = pathlib.Path({str(folder / 'seen.json')!r})\n"
        "seen.write_text(json.dumps([args, prompt]))\n" + body
    )
    script.chmod(0o755)
    return folder


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="scripts are no programs there")


def test_what_it_tells() -> None:
    found = parse(TOLD)
    assert (found.count, found.seconds) == (60, 0.512)
    assert (found.drafted, found.accepted) == (48, 36)


def test_lines_may_have_a_prefix_and_counts_may_be_missing() -> None:
    found = parse("0.01.234 I decoded 5 tokens in 2 seconds, speed: 2.5 t/s\n0.0 I n_drafted = 4\n")
    assert (found.count, found.seconds, found.drafted, found.accepted) == (5, 2.0, 4, 0)


def test_silence_is_an_error() -> None:
    with pytest.raises(BackendError, match=r"did not say how fast it was: main: oh"):
        parse("loading\nmain: oh\n\n")


def test_it_gets_our_models_settings_and_prompt(tmp_path: Path) -> None:
    found = find(str(program(tmp_path, f"print({TOLD!r})\n")))
    assert found is not None
    answer = AnswerSettings(Sampling(temperature=0.7, top_k=11), seed=(1 << 32) + 5)
    options = arguments(found, PAIR, answer, n_ctx=512, max_tokens=40, draft_max=8)
    assert measure(found, options, "one\\n\ntwo\n").count == 60
    args, prompt = json.loads((tmp_path / "seen.json").read_text())
    given = dict(zip(args[::2], args[1::2], strict=False))
    assert given["-m"] == "t.gguf" and given["-md"] == "d.gguf"
    assert (given["-n"], given["-c"], given["-t"], given["-ngl"]) == ("40", "512", "3", "0")
    assert (given["--temp"], given["--top-k"], given["--seed"]) == ("0.7", "11", "5")
    assert given["--spec-draft-n-max"] == "8"
    assert given["--spec-type"] == "draft-simple"
    assert "--no-escape" in args and "-ngld" not in args
    assert prompt == "one\\n\ntwo\n\n"  # it takes one newline off


def test_older_programs_spell_it_otherwise(tmp_path: Path) -> None:
    found = find(str(program(tmp_path, "", help_text="--draft-max N")))
    assert found is not None
    options = arguments(found, PAIR, AnswerSettings(), n_ctx=1, max_tokens=1, draft_max=4)
    assert "--draft-max" in options and "--spec-type" not in options
    own = arguments(found, PAIR, AnswerSettings(), n_ctx=1, max_tokens=1, draft_max=None)
    assert "--draft-max" not in own


def test_failure_is_told_by_its_last_line(tmp_path: Path) -> None:
    found = find(str(program(tmp_path, "print('error: no such model'); sys.exit(3)\n")))
    assert found is not None
    with pytest.raises(BackendError, match="ended with 3: error: no such model"):
        measure(found, [], "x")


def test_one_that_loses_its_last_lines_is_run_again(tmp_path: Path) -> None:
    lines = (
        "runs = seen.with_name('runs')\n"
        "runs.write_text(runs.read_text() + 'x' if runs.exists() else 'x')\n"
        f"if len(runs.read_text()) > 2: print({TOLD!r})\n"
    )
    found = find(str(program(tmp_path, lines)))
    assert found is not None
    assert measure(found, [], "x").count == 60
    assert (tmp_path / "runs").read_text() == "xxx"


def test_one_that_is_no_program_is_told(tmp_path: Path) -> None:
    found = find(str(program(tmp_path, "")))
    assert found is not None
    found.path.write_text("nothing that runs")
    with pytest.raises(
        BackendError, match=r"ended with 1: .*llama-speculative-simple does not run"
    ):
        measure(found, [], "x")


def test_where_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find(None) is None
    with pytest.raises(NotFoundError, match="does not hold"):
        find(str(tmp_path))


def test_it_needs_a_draft_model(tmp_path: Path) -> None:
    found = find(str(program(tmp_path, "")))
    assert found is not None
    with pytest.raises(ValueError, match="draft model"):
        arguments(
            found,
            replace(PAIR, draft=None),
            AnswerSettings(),
            n_ctx=1,
            max_tokens=1,
            draft_max=None,
        )
