"""``specdec doctor``: on this machine, on broken ones, and on pairs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import specdec_cli.cli
from specdec_cli import paths
from specdec_cli.cli import commands
from specdec_cli.doctor import directories as places
from specdec_cli.doctor import system as facts
from specdec_cli.errors import Exit
from tests.cli.conftest import Specdec

SCHEMA = json.loads(
    (Path(specdec_cli.cli.__file__).parent / "schema" / "doctor.schema.json").read_text("utf-8")
)
SECRET = "hf_0123456789abcdefSECRET"


def report(
    specdec: Specdec, *arguments: str | Path, env: Mapping[str, str] | None = None, code: int = 0
) -> dict[str, Any]:
    """The object of ``--json``, checked."""
    done = specdec("doctor", "--json", *arguments, env=env)
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, SCHEMA)
    return found


def test_the_machine(specdec: Specdec) -> None:
    found = report(specdec)
    assert found["versions"]["python"].startswith(sys.version.split()[0])
    assert found["llama"]["loads"] and "CPU" in found["llama"]["backends"]
    assert found["llama"]["commit"] and Path(found["llama"]["library"]).exists()
    (cpu,) = [each for each in found["devices"] if each["kind"] == "cpu"]
    assert 0 < cpu["free"] <= cpu["total"]
    assert 1 <= found["threads"]["used"] <= found["threads"]["processors"]
    assert all(each["writable"] for each in found["directories"].values())
    assert found["pair"] is None


def test_as_text(specdec: Specdec) -> None:
    done = specdec("doctor")
    assert done.code == Exit.OK and done.err == ""
    rows = {line.split("  ")[0].strip() for line in done.out.splitlines()}
    assert {"specdec", "llama.cpp", "backends", "device CPU", "threads", "hub cache"} <= rows
    assert specdec("env").out.splitlines()[0] == done.out.splitlines()[0]


def test_what_openmp_is_told_and_by_whom(specdec: Specdec) -> None:
    told = {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "7"}
    found = report(specdec, env=told)["threads"]
    assert found["waiting"] == told
    assert not found["waiting_set_here"]


def test_a_token_is_never_shown(specdec: Specdec) -> None:
    env = {
        "HF_TOKEN": SECRET,
        "HF_ENDPOINT": f"https://me:{SECRET}@hub.example/api?key={SECRET}",
        "HF_SOMETHING_NEW": SECRET,
        "HF_HUB_OFFLINE": "1",
    }
    for arguments in (("--json",), ()):
        done = specdec("doctor", *arguments, env=env)
        assert done.code == Exit.OK
        assert SECRET not in done.out + done.err and "me:" not in done.out
    hub = report(specdec, env=env)["hub"]
    assert hub["token"] == "set"
    assert hub["endpoint"] == "https://hub.example/api"
    assert hub["variables"] == {
        "HF_ENDPOINT": "https://hub.example/api",
        "HF_HUB_OFFLINE": "1",
        "HF_SOMETHING_NEW": "set",
        "HF_TOKEN": "set",
    }


def test_the_size_of_the_cache(specdec: Specdec, tmp_path: Path) -> None:
    blob = tmp_path / "hub" / "models--a--b" / "blobs" / ("0" * 64)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(bytes(12345))
    hub = report(specdec, env={"HF_HOME": str(tmp_path)})["hub"]
    assert (hub["cache"], hub["bytes"]) == (str(tmp_path / "hub"), 12345)


def test_folders_that_cannot_be_used(specdec: Specdec, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    env = {name: str(file) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
    found = report(specdec, env={**env, "HF_HOME": str(file)})
    if sys.platform.startswith("linux"):
        assert not any(each["writable"] for each in found["directories"].values())
        assert f"{file} is not a folder" in found["directories"]["config"]["reason"]
    assert any("Hugging Face cache" in each["what"] for each in found["problems"])
    assert all(each["fix"] for each in found["problems"])


def test_a_broken_configuration_is_a_finding(specdec: Specdec, home: Path) -> None:
    paths.user_config().parent.mkdir(parents=True)
    paths.user_config().write_text("nonsense: 3\n")
    paths.user_profiles().mkdir()
    (paths.user_profiles() / "bad.yaml").write_text("{")
    paths.tuned().mkdir()
    (paths.tuned() / "tiny.yaml").write_text("- 3\n")
    found = report(specdec)
    told = " ".join(each["what"] for each in found["problems"])
    assert "'nonsense'" in told and "profile bad" in told and "tiny.yaml is not usable" in told
    assert found["measured"]["tuned"] == ["tiny"]


def test_a_llama_that_cannot_be_loaded(specdec: Specdec, tmp_path: Path) -> None:
    env = {"LLAMA_CPP_LIB_PATH": str(tmp_path / "nowhere")}
    found = report(specdec, env=env, code=Exit.BACKEND)
    assert not found["llama"]["loads"] and found["llama"]["reason"]
    assert any("cannot be loaded" in each["what"] for each in found["problems"])
    # A pair is not tried then.
    done = specdec("doctor", "tiny", env=env)
    assert done.code == Exit.BACKEND and "CANNOT BE LOADED" in done.out
    assert "Traceback" not in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_llama_that_ends_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -ILL $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    assert facts.loads() == ("it ends the process with SIGILL: it was built for another processor")


def test_a_pair(specdec: Specdec) -> None:
    pair = report(specdec, "tiny", "-n", "6")["pair"]
    assert pair["profile"] == "tiny" and pair["drafter"] == "hybrid"
    assert pair["prompts"] == 4 and pair["speedup"] > 0
    assert 0 < pair["acceptance"] <= 1
    assert pair["step"] > 0 and pair["passes"][0]["rows"] == 1
    assert pair["target_on_gpu"] == 0
    assert (pair["verdict"] == "faster") or pair["causes"]


def test_a_pair_as_text(specdec: Specdec) -> None:
    done = specdec("doctor", "tiny", "-n", "4", "--drafter", "none", "-q")
    assert done.code == Exit.OK and done.err == ""
    assert "Nothing was drafted" in done.out and "no drafter" in done.out
    assert "specdec doctor tiny --drafter ngram" in done.out


def test_a_busy_machine_is_told_of_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr("specdec_cli.doctor.action.busy_fraction", lambda: 3.0)
    told = "other programs could use 3 times as many processors as there are"
    for pair in ([], ["tiny", "-n", "4", "-q"]):
        assert commands.invoke(["doctor", *pair]) == Exit.OK
        assert capsys.readouterr().out.count(told) == 1, pair


def test_random_models_are_no_pair(specdec: Specdec, models: Path, tmp_path: Path) -> None:
    """Of two random models one agrees with the other by chance only."""
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text('{"prompt": "abc"}\n{"prompt": "xyz"}\n')
    files = ["-m", models / "target.gguf", "-md", models / "draft.gguf"]
    pair = report(specdec, *files, "-n", "24", "--input", tasks, "--drafter", "model")["pair"]
    assert pair["profile"] is None and pair["acceptance"] < 0.6
    if pair["verdict"] != "faster":  # which the clock of a busy machine may say of anything
        assert "low acceptance" in [cause["name"] for cause in pair["causes"]]


def test_a_pair_that_is_not_here(specdec: Specdec) -> None:
    done = specdec("doctor", "qwen3-8b")
    assert done.code == Exit.NOT_FOUND
    assert "llama.cpp" in done.out  # the machine was examined all the same
    assert done.err.splitlines()[-1] == "Hint: specdec pull qwen3-8b"
    found = report(specdec, "qwen3-8b", code=Exit.NOT_FOUND)
    assert found["pair"]["error"]["hint"] == "specdec pull qwen3-8b"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["no-such"], Exit.NOT_FOUND),
        (["tiny", "more"], Exit.USAGE),
        (["-n", "1"], Exit.USAGE),
        (["-m", "missing.gguf"], Exit.NOT_FOUND),
    ],
)
def test_wrong_input(specdec: Specdec, arguments: list[str], code: int) -> None:
    done = specdec("doctor", *arguments)
    assert done.code == code
    assert done.err.splitlines()[-2].startswith("Error: ")


def test_a_folder_without_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not places.why_not_writable(tmp_path / "below" / "more")
    monkeypatch.setattr(os, "access", lambda *_: False)  # as root, nothing is without rights
    assert places.why_not_writable(tmp_path / "below") == f"{tmp_path} cannot be written"

    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    assert places.why_not_writable(tmp_path) == "Permission denied"


def test_what_was_learnt_can_be_forgotten_of_a_pair_or_of_all(
    specdec: Specdec, tmp_path: Path, models: Path
) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    folder = tmp_path / "specdec" / "learnt"
    folder.mkdir(parents=True)

    def learnt(name: str, target: Path) -> None:
        about = {"target": {"path": str(target.resolve())}, "draft": None}
        (folder / f"{name}.json").write_text(json.dumps({"about": about}))

    learnt("tiny", paths.embedded() / "tiny-target.gguf")
    learnt("other", models / "target.gguf")
    (folder / "damaged.json").write_text("{")
    done = specdec("doctor", "--forget", "tiny", env=env)
    assert done.code == Exit.OK and "tiny-target.gguf" in done.out and done.err == ""
    assert sorted(file.stem for file in folder.iterdir()) == ["damaged", "other"]
    assert "nothing was learnt" in specdec("doctor", "--forget", "tiny", env=env).out
    done = specdec("doctor", "--forget", "-m", models / "target.gguf", "--json", env=env)
    (gone,) = json.loads(done.out)["forgotten"]
    assert gone == {"target": str((models / "target.gguf").resolve()), "draft": ""}
    assert specdec("doctor", "--forget", env=env).code == Exit.OK
    assert not list(folder.iterdir())
    assert "nothing was learnt" in specdec("doctor", "--forget", env=env).out
