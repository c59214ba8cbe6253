"""``specdec bench`` on the embedded pair, with very few prompts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

import specdec_cli.cli
from specdec_cli.bench import action as benching
from specdec_cli.bench.command import BENCH
from specdec_cli.bench.workload import tiny
from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from tests.waiting import PATIENCE

SCHEMA = json.loads(
    (Path(specdec_cli.cli.__file__).parent / "schema" / "bench.schema.json").read_text("utf-8")
)
SMALL = ["--per-kind", "1", "-n", "10", "--bandwidth", "20"]


@pytest.fixture(autouse=True)
def _own_home(home: Path) -> None:
    """What is learnt of costs stays out of the other tests."""


def measured(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = Exit.OK
) -> dict[str, Any]:
    """The object of ``--json``, checked; runs in this process."""
    found = commands.invoke(["bench", "--json", *SMALL, *map(str, arguments)])
    done = capsys.readouterr()
    assert found == code, done.err
    assert done.out.count("\n") == 1
    result = json.loads(done.out)
    jsonschema.validate(result, SCHEMA)
    return result


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    code = commands.invoke(["bench", *map(str, arguments)])
    done = capsys.readouterr()
    assert done.out == ""
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 2
    return code, done.err


def test_json_of_the_embedded_pair(capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(capsys, "--exact", "--assert-equal", "--assert-speedup", "0")
    assert result["complete"] and result["profile"] == "tiny"
    (arm,) = result["arms"]
    assert arm["name"] == "default"
    assert set(arm["kinds"]) == {task.kind for task in tiny()}
    whole = arm["overall"]
    assert (whole["prompts"], whole["pairs"]) == (4, 4)
    assert whole["same"] == whole["compared"] == 8
    shares = [whole[f"{part}_share"] for part in ("draft", "verify", "overhead")]
    assert sum(shares) == pytest.approx(1)
    assert result["bandwidth"] == 20e9 and whole["bandwidth_share"] > 0


def test_the_table_is_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.invoke(["benchmark", *SMALL, "--kinds", "code", "--arms", "default,k2"]) == 0
    done = capsys.readouterr()
    lines = done.out.splitlines()
    assert any(line.startswith("code ") and "×" in line for line in lines)
    assert any(line.startswith("plain ") for line in lines)
    assert any(line.startswith("k2 ") for line in lines)
    assert done.err.splitlines() == [
        "tiny · tiny-target.gguf + tiny-draft.gguf · drafted by model and n-grams"
    ]
    assert "\x1b" not in done.out


def test_arms_and_seeds_when_sampling(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--kinds", "code", "--temp", "0.8", "--seeds", "2", "--seed", "5"]
    result = measured(capsys, *options, "--arms", "default,match,block,ngram")
    assert [arm["name"] for arm in result["arms"]] == ["default", "match", "block", "ngram"]
    assert [arm["verify"] for arm in result["arms"]][1:3] == ["match", "block"]
    assert result["arms"][3]["drafter"] == "ngram"
    assert result["settings"]["seeds"] == [5, 6]
    assert all(arm["overall"]["pairs"] == 2 for arm in result["arms"])
    assert all(arm["overall"]["compared"] == 0 for arm in result["arms"])


def test_an_assertion_that_does_not_hold(capsys: pytest.CaptureFixture[str]) -> None:
    code = commands.invoke(["bench", *SMALL, "--kinds", "tech", "--assert-speedup", "1000"])
    done = capsys.readouterr()
    assert code == Exit.CHECK_FAILED
    assert "less than 1000" in done.err
    assert "tech" in done.out  # the table says why


def test_the_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "report"
    # Adaptive lengths may be 0 where the machine is busy, and then there is no acceptance to show.
    options = ["--kinds", "code", "--fixed", "--arms", "default,k2,k4", "--report", folder]
    result = measured(capsys, *options)
    assert [point["rows"] for point in result["costs"]][:4] == [1, 2, 3, 4]
    assert result["costs"][-1]["rows"] == 32
    names = {file.name for file in folder.iterdir()}
    assert names == {
        "index.html",
        "speedup.svg",
        "acceptance.svg",
        "costs.svg",
        "draft-length.svg",
    }
    for name in names - {"index.html"}:
        ET.fromstring((folder / name).read_text("utf-8"))


def test_a_report_without_charts_is_told_of_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    folder = tmp_path / "report"
    options = ["--kinds", "code", "--arms", "k2", "--report", str(folder)]
    assert commands.invoke(["bench", *SMALL, *options]) == Exit.OK
    lines = capsys.readouterr().err.splitlines()
    assert "pip install 'specdec-cli[report]'" in lines[1]
    assert [file.name for file in folder.iterdir()] == ["index.html"]


def test_prompts_of_one_s_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    edit = {"prompt": "Write a function.", "kind": "edit", "expect": "def f():\n    return 1\n"}
    long = {"prompt": "word " * 3000, "kind": "long"}
    file.write_text(f"{json.dumps(edit)}\n{json.dumps(long)}\n")
    result = measured(capsys, "--input", file)
    assert list(result["arms"][0]["kinds"]) == ["edit"]
    assert "prompt 2 (long)" in result["warnings"][0]
    assert result["settings"]["workload"] == str(file)


def test_a_stop_gives_what_is_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [6]

    class Stopped(benching.Summary):
        def add(self, record: Any) -> None:
            super().add(record)
            left[0] -= 1

    def asked(_: object) -> bool:
        return left[0] <= 0

    monkeypatch.setattr(benching, "Summary", Stopped)
    monkeypatch.setattr(benching.Interrupts, "asked", asked)
    result = measured(capsys, code=Exit.INTERRUPTED)
    assert not result["complete"]
    assert list(result["arms"][0]["kinds"]) == ["code", "facts"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["tiny", "extra"], 2, "one word too many"),
        (["tinny"], 3, "did you mean tiny"),
        (["--kinds", "poems"], 2, "there are: code, facts"),
        (["--arms", "k4", "--assert-equal"], 2, "default arm"),
        (["--temp", "0.5", "--assert-equal"], 2, "greedy"),
        (["-n", "0"], 2, "no tokens"),
        (["--input", "missing.jsonl"], 3, "does not exist"),
        (["--arms", "fast"], 2, "possible"),
        (["--repeats", "0"], 2, "--repeats"),
    ],
)
def test_what_cannot_be(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    found, err = refused(capsys, *arguments)
    assert (found, said in err) == (code, True), err


def test_a_bad_line_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (file := tmp_path / "bad.jsonl").write_text('{"prompt": "a"}\n{"promt": "b"}\n')
    code, err = refused(capsys, "--input", file)
    assert code == Exit.FAILURE
    assert "bad.jsonl, line 2" in err


def test_help_names_every_option_and_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from specdec_cli.cli.commands import invoke\n"
        "invoke(['bench', '--help'])\n"
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
    assert "Usage: specdec bench [OPTIONS] [PROFILE]\n" in done.stdout
    for option in BENCH.options:
        assert re.search(rf"^  .*--{option.name}\b", done.stdout, re.MULTILINE), option.name
    flags = [part for option in BENCH.options for flag in option.flags for part in flag.split("/")]
    assert len(flags) == len(set(flags))
