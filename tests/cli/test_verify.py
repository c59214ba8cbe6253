"""``specdec verify`` on the embedded pair: sound as it is, and with defects put in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import specdec_cli.cli
from specdec_cli.cli import commands
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.types import DistributionAt, Draft, Logits, Verdict
from specdec_cli.core.verify import RULES, greedy
from specdec_cli.engine import verifier
from specdec_cli.errors import Exit
from specdec_cli.verify import action as verifying
from specdec_cli.verify import sampling, subject
from specdec_cli.verify.subject import Run
from tests.cli.conftest import Specdec

SCHEMA = json.loads(
    (Path(specdec_cli.cli.__file__).parent / "schema" / "verify.schema.json").read_text("utf-8")
)
PROMPTS = (
    "Tell me a short story about a fox and a lantern.",
    "Write a Python function that counts the vowels in a string.",
)


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("prompts") / "prompts.jsonl"
    file.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in PROMPTS), "utf-8")
    return file


def verified(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, dict[str, Any]]:
    """The exit code and the object of ``--json``, checked; runs in this process."""
    code = commands.invoke(["verify", "--json", *map(str, arguments)])
    done = capsys.readouterr()
    assert done.out.count("\n") == 1, done.err
    report = json.loads(done.out)
    jsonschema.validate(report, SCHEMA)
    return code, report


def test_the_embedded_pair_passes(capsys: pytest.CaptureFixture[str], prompts: Path) -> None:
    few = ("--input", prompts, "-n", 16, "--draws", 60, "--contexts", 1)
    code, report = verified(capsys, *few)
    assert code == Exit.OK
    assert report["passed"] is True
    assert report["profile"] == "tiny"
    assert report["greedy"]["prompts"] == len(PROMPTS)
    assert report["greedy"]["accepted"] > 0
    assert report["greedy"]["noise"]["contexts"] > 0
    tests = report["sampling"]["tests"]
    assert [test["rule"] for test in tests] == ["match", "rejection", "block"]
    assert all(test["drafted"] for test in tests)


def test_exact_mode_gives_the_same_bits(specdec: Specdec, prompts: Path) -> None:
    """In a process of its own: the C libraries read the mode when they are loaded."""
    done = specdec("verify", "--exact", "--json", "--draws", "0", "-n", "16", "--input", prompts)
    assert done.code == Exit.OK, done.err
    report = json.loads(done.out)
    assert report["greedy"]["differences"] == []
    assert report["greedy"]["noise"]["largest"] == 0.0


def test_a_greedy_defect_is_exit_7(
    capsys: pytest.CaptureFixture[str], prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generous(rows: Logits, draft: Draft) -> Verdict:
        verdict = greedy(rows, draft)
        return Verdict(min(verdict.accepted + 1, len(draft)), verdict.token)

    monkeypatch.setattr(verifier, "greedy", generous)
    arguments = ["--input", str(prompts), "-n", "16", "--draws", "0", "--draft-p-min", "0"]
    code, report = verified(capsys, *arguments)
    assert code == Exit.CHECK_FAILED
    assert report["passed"] is False
    found = [item for item in report["greedy"]["differences"] if item["verdict"] == "defect"]
    assert found
    assert found[0]["gap"] > found[0]["tolerance"]
    assert found[0]["prompt"] in PROMPTS

    assert commands.invoke(["verify", *arguments]) == Exit.CHECK_FAILED
    out = capsys.readouterr().out
    assert "defects: the output is not the target's own" in out
    assert "\x1b" not in out


def test_a_rule_that_keeps_the_draft_s_distribution_is_exit_7(
    capsys: pytest.CaptureFixture[str], prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gullible(p: DistributionAt, draft: Draft, position: int, u: Uniforms) -> Verdict:
        verdict = RULES["match"](lambda i: p(len(draft)), Draft(), position + len(draft), u)
        return Verdict(len(draft), verdict.token)

    monkeypatch.setitem(RULES, "rejection", gullible)
    arguments = ("--input", prompts, "-n", 16, "--draws", 150, "--verify", "rejection")
    arguments += ("--contexts", 1)
    code, report = verified(capsys, *arguments)
    assert code == Exit.CHECK_FAILED
    assert report["greedy"]["defects"] == 0
    assert "defect" in {test["verdict"] for test in report["sampling"]["tests"]}


def test_without_drafts_there_is_nothing_to_compare(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = verified(capsys, "--drafter", "none")
    assert code == Exit.OK
    assert report["compared"] is False
    assert report["passed"] is None
    assert commands.invoke(["verify", "-q", "--drafter", "none"]) == Exit.OK
    done = capsys.readouterr()
    assert "nothing to compare" in done.out
    assert done.err == ""


def test_a_pair_of_one_s_own(
    capsys: pytest.CaptureFixture[str], models: Path, prompts: Path
) -> None:
    arguments = ("-m", models / "target.gguf", "-md", models / "draft.gguf", "--input", prompts)
    code, report = verified(capsys, *arguments, "-n", 12, "--draws", 40, "--contexts", 1)
    assert code == Exit.OK
    assert report["profile"] is None
    assert report["models"]["draft"] == str(models / "draft.gguf")


def test_ctrl_c_tells_what_is_known(
    capsys: pytest.CaptureFixture[str], prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = 0

    def answer(*arguments: Any, **options: Any) -> Run:
        nonlocal draws
        draws += 1
        return subject.answer(*arguments, **options)

    monkeypatch.setattr(sampling, "answer", answer)
    monkeypatch.setattr(verifying.Interrupts, "asked", lambda _: draws > 50)
    arguments = ("--input", prompts, "-n", 16, "--draws", 40, "--contexts", 1)
    code, report = verified(capsys, *arguments)
    assert code == Exit.INTERRUPTED
    assert report["interrupted"] is True
    assert report["passed"] is None
    assert report["greedy"]["prompts"] == len(PROMPTS)
    assert [test["rule"] for test in report["sampling"]["tests"]] == ["match"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tiny", "again"], "one word too many"),
        (["no-such-profile"], "no-such-profile"),
        (["--draws", "many"], "--draws"),
        (["--input", "/nonexistent.jsonl"], "does not exist"),
        (["--input", "/dev/null"], "no prompts"),
    ],
)
def test_what_cannot_be_is_two_lines(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert commands.invoke(["verify", *arguments]) in (Exit.USAGE, Exit.NOT_FOUND)
    done = capsys.readouterr()
    assert done.out == ""
    error, hint = done.err.splitlines()
    assert error.startswith("Error: ") and told in error
    assert hint.startswith("Hint: ")


def test_a_bad_line_of_the_input_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "Hello"}\n{"promt": "Hello"}\n', "utf-8")
    assert commands.invoke(["verify", "--input", str(file)]) == Exit.USAGE
    assert "line 2 of --input" in capsys.readouterr().err
