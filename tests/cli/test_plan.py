"""``specdec plan`` from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from tests.ggufs import write_gguf


def planned(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    assert commands.invoke(["plan", "--json", *map(str, arguments)]) == Exit.OK
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A target of some megabytes, with eight layers."""
    file = tmp_path_factory.mktemp("plan") / "large.gguf"
    return write_gguf(file, n_layers=8, d=256, ff=1024, heads=4, kv_heads=4, context=8192)


def test_the_built_in_pair_fits_and_llama_cpp_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    found = planned(capsys)
    assert found["profile"] == "tiny"
    assert found["verdict"] == "fits"
    assert abs(found["confirmed"]["difference"]) < 1_000_000
    (memory,) = [each for each in found["devices"] if each["name"] == "RAM"]
    parts = sum(sum(memory[role].values()) for role in ("target", "draft"))
    assert memory["needed"] == parts < memory["free"]


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.invoke(["plan", "tiny"]) == Exit.OK
    out = capsys.readouterr().out
    assert "target weights" in out and "draft cache" in out
    assert "It fits." in out


def test_a_gpu_that_is_described_gets_the_draft_and_what_has_room(
    capsys: pytest.CaptureFixture[str], models: Path, large: Path
) -> None:
    pair = ["-m", large, "-md", models / "draft.gguf", "-c", "2048"]
    roomy = planned(capsys, *pair, "--gpu", "4")
    assert roomy["models"]["target"]["gpu_layers"] == 9
    assert roomy["verdict"] == "fits"
    assert roomy["confirmed"] is None, "it is no machine of ours"
    tight = planned(capsys, *pair, "--gpu", "0.045")
    layers = [tight["models"][role]["gpu_layers"] for role in ("target", "draft")]
    assert layers[1] == tight["models"]["draft"]["layers"]
    assert 0 < layers[0] < 9
    assert tight["verdict"] == "partly"
    none = planned(capsys, *pair, "--gpu", "0")
    assert [none["models"][role]["gpu_layers"] for role in ("target", "draft")] == [0, 0]


def test_what_has_no_room_is_said_with_what_would_help(
    capsys: pytest.CaptureFixture[str], large: Path
) -> None:
    code = commands.invoke(
        ["plan", "-m", str(large), "-c", "8192", "--ram", "0.08", "--gpu", "0", "--json"]
    )
    found = json.loads(capsys.readouterr().out)
    assert (code, found["verdict"]) == (Exit.BACKEND, "no")
    assert any("-c" in each["options"] for each in found["suggestions"] if each["options"])


def test_devices_that_are_not_here_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--device", "--device-draft"):
        assert commands.invoke(["plan", "tiny", flag, "CUDA7"]) == Exit.USAGE
        assert f"{flag} CUDA7" in capsys.readouterr().err


def test_options_of_answers_that_plan_has_not_are_not_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert planned(capsys, "tiny", "--exact", "--temp", "0.8")["verdict"] == "fits"


def test_wrong_input_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + bytes(40))
    for arguments, code in (
        (["-m", str(damaged)], Exit.INCOMPATIBLE),
        (["-m", str(tmp_path / "missing.gguf")], Exit.NOT_FOUND),
        (["no-such-profile"], Exit.NOT_FOUND),
        (["tiny", "--gpu", "-1"], Exit.USAGE),
        (["tiny", "-fa", "off", "-ctv", "q8_0"], Exit.USAGE),
        (["tiny", "--ram", "much"], Exit.USAGE),
    ):
        assert commands.invoke(["plan", *arguments]) == code, arguments
        error = capsys.readouterr().err
        assert error.startswith("Error: ") and "Hint: " in error
