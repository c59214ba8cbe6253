"""Tuned settings: where they count, where they do not, and that their file is always whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from specdec_cli import paths
from specdec_cli.cli import commands
from specdec_cli.errors import Exit, UsageError
from specdec_cli.options.resolve import resolve_named
from specdec_cli.options.table import RUN
from specdec_cli.options.tuned import fingerprint
from specdec_cli.profiles import tuned
from specdec_cli.profiles.tuned import TunedEntry, TunedSettings

pytestmark = pytest.mark.usefixtures("home")
FIXED = {"drafter": "model", "adaptive": False, "draft_min": 0, "draft_max": 4, "draft_p_min": 0.0}


def entry(held: dict[str, Any], **settings: Any) -> TunedEntry:
    return TunedEntry(
        measured_on="2026-01-02",
        fingerprint=held,
        settings=TunedSettings.model_validate(settings),
        measured={"speedup_over_defaults": None},
    )


def here() -> dict[str, Any]:
    options = resolve_named(RUN, "tiny", {}, tuned=False)
    held = fingerprint(options)
    assert held is not None
    return held


def save(**settings: Any) -> Path:
    return tuned.save("tiny", tuned.text_with("tiny", entry(here(), **settings)))


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, Any], str]:
    """Settings that are not built in or of the profile, with their origin; and stderr."""
    code = commands.invoke(["run", "--print-config", "--json", *arguments])
    done = capsys.readouterr()
    assert code == Exit.OK, done.err
    found = json.loads(done.out)["settings"]
    return {name: (each["value"], each["origin"]) for name, each in found.items()}, done.err


def configure(text: str) -> None:
    file = paths.user_config()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_they_win_over_a_profile_that_ships(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys)[0]["draft-max"] == (16, "profile")
    save(**FIXED, threads=1, threads_draft=2)
    found, err = told(capsys)
    assert err == ""
    assert found["draft-max"] == (4, "tuned")
    assert found["adaptive"] == (False, "tuned")
    assert found["draft-p-min"] == (0.0, "tuned")
    assert found["threads"] == (1, "tuned")
    assert found["threads-draft"] == (2, "tuned")
    assert found["verify"] == ("auto", "built-in")


@pytest.mark.parametrize("source", ["flag", "environment", "config", "profile"])
def test_what_a_person_says_wins_and_takes_its_group_along(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    if source == "profile":  # of one's own
        file = paths.user_profiles() / "tiny.yaml"
        file.parent.mkdir(parents=True)
        models = "target: {embedded: tiny-target.gguf}\ndraft: {embedded: tiny-draft.gguf}\n"
        file.write_text(f"schema_version: 1\n{models}draft_max: 7\n")
    save(**FIXED, threads=1)
    if source == "config":
        configure("draft-max: 7\n")
    if source == "environment":
        monkeypatch.setenv("SPECDEC_RUN_DRAFT_MAX", "7")
    found, _ = told(capsys, *(["--draft-max", "7"] if source == "flag" else []))
    assert found["draft-max"] == (7, source)
    assert found["adaptive"] == (True, "built-in")
    assert found["drafter"][1] in ("built-in", "profile")
    assert found["threads"] == (1, "tuned")  # another group


def test_a_rule_gives_way_to_what_it_would_break(capsys: pytest.CaptureFixture[str]) -> None:
    save(verify="block", **FIXED)
    assert told(capsys, "--temp", "1")[0]["verify"] == ("block", "tuned")
    found, _ = told(capsys, "--temp", "1", "--seed", "3")
    assert found["verify"] == ("auto", "built-in")
    assert found["draft-max"] == (4, "tuned")


def test_a_drafter_gives_way_to_an_expected_text(capsys: pytest.CaptureFixture[str]) -> None:
    save(**FIXED)
    assert told(capsys, "--expect", "old.py")[0]["drafter"] == ("hybrid", "profile")
    assert told(capsys, "-b", "6")[0]["draft-max"] == (16, "profile")


def test_other_models_than_the_profile_s_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    save(**FIXED)
    found, err = told(capsys, "-m", str(paths.embedded() / "tiny-target.gguf"))
    assert (found["adaptive"], err) == ((True, "built-in"), "")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("machine", "another machine"),
        ("build", "another build of llama.cpp"),
        ("target", "another target"),
        ("draft", "another draft"),
    ],
)
def test_elsewhere_they_are_ignored_and_it_is_said(
    capsys: pytest.CaptureFixture[str], part: str, said: str
) -> None:
    tuned.save("tiny", tuned.text_with("tiny", entry({**here(), part: None}, **FIXED)))
    found, err = told(capsys)
    assert found["draft-max"] == (16, "profile")
    assert err.count("\n") == 1
    assert said in err and "specdec tune tiny" in err
    found, err = told(capsys, "-q")
    assert (found["draft-max"], err) == ((16, "profile"), "")


def test_how_the_pair_is_loaded_matters(capsys: pytest.CaptureFixture[str]) -> None:
    save(**FIXED)
    assert "GPU layers" in told(capsys, "-ngl", "0")[1]
    assert "cache types" in told(capsys, "-ctk", "q8_0")[1]
    assert told(capsys, "-c", "512", "--temp", "1")[1] == ""


def test_another_file_of_the_same_name_is_another_model(tmp_path: Path) -> None:
    file = tmp_path / "target.gguf"
    options = resolve_named(RUN, None, {"model": str(file)})
    assert fingerprint(options) is None  # there is no such file, so nothing holds for it
    file.write_bytes(b"one")
    first = fingerprint(options)
    file.write_bytes(b"another")
    assert first is not None
    assert fingerprint(options) != first


def test_entries_of_other_machines_are_kept() -> None:
    other = {**here(), "machine": ["elsewhere"]}
    tuned.save("tiny", tuned.text_with("tiny", entry(other, threads=3)))
    save(threads=1)
    save(threads=2)
    found = tuned.load("tiny")
    assert [each.settings.threads for each in found.entries] == [3, 2]
    mine, others = found.matching(here()), found.matching(other)
    assert mine is not None and mine.settings.options() == {"threads": 2}
    assert others is not None and others.settings.threads == 3


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe",
        b"a: [",
        b"- 1",
        b"schema_version: 2\nentries: []",
        b"schema_version: 1\nentries: [1]",
        b"schema_version: 1\nentres: []",
        b"!!python/object/apply:os.system ['true']",
    ],
)
def test_a_damaged_file_is_ignored_with_a_warning_and_replaced(
    capsys: pytest.CaptureFixture[str], damage: bytes
) -> None:
    file = save(**FIXED)
    file.write_bytes(damage)
    found, err = told(capsys)
    assert found["draft-max"] == (16, "profile")
    assert err.startswith("Warning: ") and err.count("\n") == 1
    assert "tiny.yaml" in err
    save(threads=1)
    assert told(capsys)[0]["threads"] == (1, "tuned")


@pytest.mark.parametrize(
    "settings",
    [{"threads": 0}, {"draft_max": 1000}, {"drafter": "magic"}, {"verify": "auto"}, {"temp": 1}],
)
def test_values_that_cannot_be_are_damage(
    capsys: pytest.CaptureFixture[str], settings: dict[str, Any]
) -> None:
    file = save(threads=1)
    text = file.read_text().replace("{threads: 1}", json.dumps(settings))
    assert json.dumps(settings) in text
    file.write_text(text)
    found, err = told(capsys)
    assert found["threads"][1] == "built-in"
    assert err.startswith("Warning: ")


def test_the_file_is_whole_or_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    file = save(threads=1)
    before = file.read_text()
    assert before.startswith("# Written by `specdec tune tiny`")

    def fails(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fails)
        with pytest.raises(UsageError, match="No space left"):
            save(threads=2)
    assert file.read_text() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]
