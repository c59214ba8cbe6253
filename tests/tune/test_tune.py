"""``specdec tune`` on the embedded pair, with very few and short answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import specdec_cli.cli
from specdec_cli import paths
from specdec_cli.bench.samples import Sample
from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from specdec_cli.models import environment
from specdec_cli.profiles import tuned
from specdec_cli.tune import action as tuning
from specdec_cli.tune.rig import TuningRig
from tests.conftest import TinyPair
from tests.waiting import PATIENCE

SCHEMA = json.loads(
    (Path(specdec_cli.cli.__file__).parent / "schema" / "tune.schema.json").read_text("utf-8")
)
pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def few(tmp_path: Path) -> list[str]:
    """Options for the smallest workload."""
    file = tmp_path / "tasks.jsonl"
    prompts = ["What is the capital of Portugal?", "What is 7 plus 12?", "Name three planets."]
    file.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in prompts))
    return ["--quick", "-n", "4", "--input", str(file)]


def tune(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = Exit.OK
) -> dict[str, Any]:
    """The object of ``--json``, checked."""
    found = commands.invoke(["tune", "--json", *map(str, arguments)])
    done = capsys.readouterr()
    assert found == code, done.err
    assert done.out.count("\n") == 1
    result: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(result, SCHEMA)
    return result


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is as these tests say, whatever else runs on it."""
    monkeypatch.setattr(environment, "busy_fraction", lambda: 0.0)


def test_on_a_busy_machine_nothing_is_saved(
    capsys: pytest.CaptureFixture[str], few: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    favour(monkeypatch, "always 4 tokens")
    monkeypatch.setattr(environment, "busy_fraction", lambda: 2.0)
    result = tune(capsys, *few)
    assert result["busy"] and not result["written"] and result["text"]
    assert not Path(result["file"]).exists()
    assert commands.invoke(["tune", *few]) == Exit.OK
    done = capsys.readouterr()
    assert "could use 2 times as many processors as there are" in done.err
    assert "as the machine was busy" in done.out


def favour(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """Let candidates of this name be twice as fast as all others."""

    def measure(self: TuningRig, candidate: Any, task: Any, seed: int, plain: bool) -> Sample:
        return Sample(10, 0.5 if words in candidate.name else 1.0)

    monkeypatch.setattr(TuningRig, "measure", measure)


def test_it_measures_and_writes_a_file_that_run_takes(
    capsys: pytest.CaptureFixture[str], few: list[str]
) -> None:
    result = tune(capsys, *few)
    assert result["written"] and result["profile"] == "tiny"
    assert result["searched"] == ["threads", "drafting"]
    assert "temperature" in result["not_searched"]["rule"]
    assert {each["role"] for each in result["threads"]} == {"target", "draft"}
    names = [each["name"] for each in result["trials"]]
    assert any("ngram" in name for name in names)
    assert any("always 4 tokens" in name for name in names)
    rows = [point["rows"] for point in result["costs"]]
    assert rows and rows == sorted(rows)
    file = tuned.load("tiny")
    (entry,) = file.entries
    assert entry.settings.options() == result["chosen"]["settings"]
    assert entry.measured["pass_seconds"].keys() == set(map(str, rows))
    assert commands.invoke(["run", "--print-config", "tiny"]) == Exit.OK
    done = capsys.readouterr()
    assert done.err == ""
    assert ("tuned" in done.out) == bool(entry.settings.options())


def test_what_is_better_is_saved_and_used(
    capsys: pytest.CaptureFixture[str], few: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    favour(monkeypatch, "always 4 tokens")
    result = tune(capsys, *few)
    assert result["speedup"]["value"] == pytest.approx(2.0)
    assert result["chosen"]["settings"]["draft-max"] == 4
    assert "--fixed" in result["options"]
    done = subprocess.run(
        [sys.executable, "-m", "specdec_cli", "run", "-n", "8", "--json", "Hello"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    )
    assert done.stderr == b""
    settings = json.loads(done.stdout)["settings"]
    assert (settings["drafter"], settings["draft_max"]) == ("model", 4)
    assert settings["adaptive"] is False


def test_rules_are_tried_when_sampling(
    capsys: pytest.CaptureFixture[str], few: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    favour(monkeypatch, "rule block")
    result = tune(capsys, *few, "--temp", "0.8", "--drafter", "model", "-t", "2")
    assert result["searched"] == ["rule"]
    assert result["not_searched"]["drafting"] == "drafter is set by flag"
    assert result["chosen"]["settings"] == {"verify": "block"}


def test_a_dry_run_shows_and_does_not_write(
    capsys: pytest.CaptureFixture[str], few: list[str]
) -> None:
    options = ["--dry-run", "--drafter", "none"]
    result = tune(capsys, *few, *options)
    assert not result["written"]
    assert "schema_version: 1" in result["text"]
    assert not paths.tuned().exists()
    assert commands.invoke(["tune", *few, *options]) == Exit.OK
    done = capsys.readouterr()
    assert "would be written to" in done.out and "fingerprint:" in done.out
    assert "\x1b" not in done.out


def test_a_pair_without_a_profile_gets_options(
    capsys: pytest.CaptureFixture[str],
    few: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tiny_pair: TinyPair,
) -> None:
    favour(monkeypatch, "no drafts")
    pair = ["-m", str(tiny_pair.target), "-md", str(tiny_pair.draft)]
    assert commands.invoke(["tune", *few, "-t", "1", *pair]) == Exit.OK
    done = capsys.readouterr()
    assert "to use it: --drafter none" in done.out
    assert "threads: threads is set by flag" in done.out
    assert not paths.tuned().exists()


def test_a_stop_writes_nothing_and_says_so(
    capsys: pytest.CaptureFixture[str], few: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = [0]

    def asked(_: object) -> bool:
        looks[0] += 1
        return looks[0] > 60

    monkeypatch.setattr(tuning.Interrupts, "asked", asked)
    assert commands.invoke(["tune", *few]) == Exit.INTERRUPTED
    done = capsys.readouterr()
    assert done.out == ""
    assert "interrupted: nothing was written" in done.err
    assert not paths.tuned().exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["tiny", "extra"], 2, "one word too many"),
        (["tinny"], 3, "did you mean tiny"),
        (["-n", "0"], 2, "--predict"),
        (["--input", "missing.jsonl"], 3, "does not exist"),
        (["-m", "missing.gguf"], 3, "missing.gguf"),
    ],
)
def test_what_cannot_be(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert commands.invoke(["tune", *arguments]) == code
    done = capsys.readouterr()
    assert (done.out, said in done.err) == ("", True), done.err
    assert done.err.count("\n") == 2


def test_prompts_that_do_not_fit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (file := tmp_path / "long.jsonl").write_text(json.dumps({"prompt": "word " * 3000}))
    assert commands.invoke(["tune", "--drafter", "none", "--input", str(file)]) == Exit.FAILURE
    assert "no prompt fits" in capsys.readouterr().err


def test_some_that_do_not_fit_are_left_out(
    capsys: pytest.CaptureFixture[str], few: list[str]
) -> None:
    with Path(few[-1]).open("a") as file:
        file.write(json.dumps({"prompt": "word " * 3000}) + "\n")
    result = tune(capsys, *few, "--drafter", "none", "-t", "1")
    assert result["searched"] == []
    assert "1 of 4 prompts" in result["warnings"][0]
    assert result["chosen"] == {"name": "default", "settings": {}}
    assert result["over_plain"] == {"default": None, "chosen": None}


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from specdec_cli.cli.commands import invoke\n"
        "invoke(['tune', '--help'])\n"
        "heavy = ('jinja2', 'llama_cpp', 'numpy', 'pydantic', 'rich', 'yaml')\n"
        "sys.exit(' '.join(name for name in heavy if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stderr.strip() == ""
    assert "Usage: specdec tune [OPTIONS] [PROFILE]\n" in done.stdout
