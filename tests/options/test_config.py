"""Where a value comes from: built-in < profile < config < environment < flag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from specdec_cli import paths
from specdec_cli.cli import commands
from specdec_cli.errors import Exit, UsageError
from specdec_cli.options.command import options_by_command
from specdec_cli.options.config_file import from_file
from specdec_cli.options.resolve import Layer, everything_wrong, from_environment, read_layers
from specdec_cli.options.table import RUN


def settings(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    """What ``--print-config --json`` says."""
    code = commands.invoke(["run", "--print-config", "--json", *map(str, arguments)])
    done = capsys.readouterr()
    assert code == Exit.OK, done.err
    return json.loads(done.out)


def value(told: dict[str, Any], name: str) -> tuple[Any, str]:
    entry = told["settings"][name]
    return entry["value"], entry["origin"]


def configure(text: str) -> None:
    file = paths.user_config()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_each_source_beats_the_one_before(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert value(settings(capsys), "top-k") == (40, "built-in")
    assert value(settings(capsys), "draft-max")[1] == "profile"
    configure("draft-max: 7\ntop_k: 3\n")
    assert value(settings(capsys), "draft-max") == (7, "config")
    assert value(settings(capsys), "top-k") == (3, "config")
    configure("draft-max: 7\nrun:\n  draft-max: 8\n")
    assert value(settings(capsys), "draft-max") == (8, "config")
    monkeypatch.setenv("SPECDEC_RUN_DRAFT_MAX", "9")
    assert value(settings(capsys), "draft-max") == (9, "environment")
    assert value(settings(capsys, "--draft-max", "10"), "draft-max") == (10, "flag")


def test_the_table_is_aligned(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert (
        commands.invoke(["run", "--print-config", "--temp", "0.5", "--stop", "a", "--stop", "b"])
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(RUN.options)  # a heading, and all but --print-config itself
    column = lines[0].index("origin")
    rows = {line.split()[0]: line for line in lines}
    assert rows["temp"][column:] == "flag"
    assert rows["temp"].split()[1] == "0.5"
    assert "a, b" in rows["stop"]
    assert all(line[column - 1] == " " for line in lines)


@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        (["--spec-draft-n-max", "4"], "draft-max", 4),
        (["--num-draft-tokens", "4"], "draft-max", 4),
        (["--num-speculative-tokens=4"], "draft-max", 4),
        (["--spec-draft-n-min", "1"], "draft-min", 1),
        (["--spec-draft-p-min", "0.5"], "draft-p-min", 0.5),
        (["--spec-type", "none"], "drafter", "none"),
        (["--n-gpu-layers", "2"], "gpu-layers", 2),
        (["-ngl", "0"], "gpu-layers", 0),
        (["-ngl=all"], "gpu-layers", "all"),
        (["-ngld", "1"], "gpu-layers-draft", 1),
        (["--max-tokens", "5"], "predict", 5),
        (["--n-predict", "5"], "predict", 5),
        (["-n", "5"], "predict", 5),
        (["-n5"], "predict", 5),
        (["-n", "-1"], "predict", -1),
        (["--temperature", "1"], "temp", 1.0),
        (["--system-prompt", "Be brief."], "system", "Be brief."),
        (["-sys", "Be brief."], "system", "Be brief."),
        (["-s", "3"], "seed", 3),
        (["-fa", "on"], "flash-attn", "on"),
        (["-ctk", "q8_0"], "cache-type-k", "q8_0"),
        (["-ub", "64"], "ubatch-size", 64),
        (["-td", "1"], "threads-draft", 1),
        (["--presence-penalty", "-0.5"], "presence-penalty", -0.5),
        (["--logit-bias", "5-1e-3", "--logit-bias", "6-inf"], "logit-bias", None),
        (["-q"], "quiet", True),
        (["--no-stats"], "stats", False),
    ],
)
def test_every_accepted_spelling(
    capsys: pytest.CaptureFixture[str],
    home: Path,
    arguments: list[str],
    name: str,
    expected: object,
) -> None:
    found, origin = value(settings(capsys, *arguments), name)
    assert origin == "flag"
    if name == "logit-bias":
        assert found == [[5, -0.001], [6, -float("inf")]]
    else:
        assert found == expected


def test_models_of_the_command_line_replace_the_profile(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECDEC_RUN_DRAFT_MODEL", "elsewhere.gguf")
    told = settings(capsys, "-m", "a.gguf")
    assert told["profile"] is None
    assert value(told, "model") == ("a.gguf", "flag")
    assert value(told, "draft-model") == (None, "built-in")
    monkeypatch.setenv("SPECDEC_RUN_MODEL", "b.gguf")
    told = settings(capsys)
    assert told["profile"] is None
    assert value(told, "model") == ("b.gguf", "environment")
    told = settings(capsys, "tiny")
    assert told["profile"] == "tiny"
    assert value(told, "model")[1] == "profile"


def test_variables_are_read_like_flags() -> None:
    environ = {
        "SPECDEC_RUN_EXACT": "yes",
        "SPECDEC_RUN_STOP": '["a", "b"]',
        "SPECDEC_RUN_TOP_P": "",
        "SPECDEC_RUN_GPU_LAYERS": "all",
        "SPECDEC_RUN_QUIET": "0",
    }
    layer = Layer("environment", from_environment(RUN, environ))
    found = read_layers(RUN, [layer])
    assert found.drafting.exact is True
    assert found.output.quiet is False
    assert found.answer.stop == ("a", "b")
    assert found.hardware.gpu_layers == "all"
    assert found.origins["top-p"] == "built-in"


def test_a_wrong_variable_is_named() -> None:
    environ = {"SPECDEC_RUN_DRAFT_MAX": "lots"}
    layer = Layer("environment", from_environment(RUN, environ))
    with pytest.raises(UsageError, match="SPECDEC_RUN_DRAFT_MAX: 'lots' is not a whole number"):
        read_layers(RUN, [layer])


def test_a_value_that_does_not_count_is_not_checked() -> None:
    layers = [Layer("config", {"draft-max": "lots"}), Layer("flag", {"draft-max": "2"})]
    assert read_layers(RUN, layers).drafting.draft_max == 2


def test_the_file_may_be_missing_or_empty(tmp_path: Path) -> None:
    assert from_file(tmp_path / "config.yaml", RUN) == {}
    (tmp_path / "config.yaml").write_text("# nothing yet\n")
    assert from_file(tmp_path / "config.yaml", RUN) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("draft-mx: 3", "'draft-mx' in .* is not an option"),
        ("- draft-max", "not a mapping"),
        ("run: 3", "not a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        from_file(file, RUN)
    assert caught.value.hint


def test_a_key_without_a_value_says_nothing(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    configure("model:\ntemp:\nrun:\n  draft-max:\n")
    found = settings(capsys)
    assert found["profile"] == "tiny"
    assert value(found, "model")[1] == "profile"
    assert value(found, "temp")[1] != "config"
    assert value(found, "draft-max")[1] != "config"


def test_yaml_words_for_on_and_off(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("flash-attn: off\nexact: on\nstop: END\n")
    found = read_layers(RUN, [Layer("config", from_file(file, RUN))])
    assert found.hardware.flash_attn == "off"
    assert found.drafting.exact is True
    assert found.answer.stop == ("END",)


def invoked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = commands.invoke(list(arguments))
    done = capsys.readouterr()
    return code, done.out, done.err


EVERY = [
    ("run", "--print-config"),
    ("chat", "--print-config"),
    ("bench", "--print-config"),
    ("tune", "--print-config"),
    ("verify", "--print-config"),
    ("export", "--to", "llama-server"),
    ("plan", "--no-confirm"),
    ("list",),
    ("show", "tiny"),
    ("check", "tiny"),
    ("rm", "tiny"),
    ("new", "mine"),
    ("validate", "tiny"),
    ("pull", "--dry-run", "tiny"),
    ("edit", "tiny"),
]


@pytest.mark.parametrize("arguments", EVERY, ids=lambda arguments: arguments[0])
def test_a_wrong_key_is_named_wherever_the_file_is_read(
    capsys: pytest.CaptureFixture[str],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setenv("VISUAL", "true")
    command = arguments[0]
    configure("thraeds: 2\n")
    code, out, err = invoked(capsys, *arguments)
    assert (code, out) == (Exit.USAGE, "")
    assert f"'thraeds' in {paths.user_config()} is not an option" in err
    assert "did you mean threads?" in err
    configure(f"{command}:\n  colour_of: 2\n")
    code, out, err = invoked(capsys, *arguments)
    assert (code, out) == (Exit.USAGE, "")
    assert f"'colour_of' in section {command} of {paths.user_config()} is not an option" in err
    other = "chat" if command != "chat" else "run"
    configure(f"{other}:\n  tepm: 2\n")
    code, out, err = invoked(capsys, *arguments)
    assert code == Exit.OK, err
    assert err.count(f"Warning: 'tepm' in section {other} of {paths.user_config()}") == 1
    assert "did you mean temp?" in err


def test_commands_without_models_read_the_file_too(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure("list:\n  json: true\nshow:\n  json: true\n")
    assert json.loads(invoked(capsys, "list")[1])["profiles"]
    assert json.loads(invoked(capsys, "show", "tiny")[1])["profile"] == "tiny"
    monkeypatch.setenv("SPECDEC_LIST_JSON", "no")
    assert invoked(capsys, "list")[1].startswith("profile ")
    assert json.loads(invoked(capsys, "list", "--json")[1])


def test_everything_wrong_is_found_at_once(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    configure("temp: hot\nrun:\n  tepm: 1\nchat: 3\nlist:\n  json: maybe\nthreads: 2\n")
    told = [error.message for error in everything_wrong(paths.user_config())]
    assert len(told) == 4
    for part in ("'hot' is not a number", "'tepm' in section run", "chat in", "'maybe' is neither"):
        assert any(part in message for message in told), part
    code, out, err = invoked(capsys, "doctor")
    assert code == 0, err
    assert str(paths.user_config()) in out
    assert all(message in out for message in told)
    code, out, _ = invoked(capsys, "validate")
    assert code == Exit.USAGE
    assert all(message in out for message in told)
    configure("temp: 1\n")
    assert "config.yaml: ok" in invoked(capsys, "validate")[1]


def test_every_command_has_a_section() -> None:
    registered = {command.name for command in commands.app.registered_commands if command.name}
    hidden = {command.name for command in commands.app.registered_commands if command.hidden}
    assert registered - hidden == set(options_by_command())


def test_spellings_of_llama_cpp(capsys: pytest.CaptureFixture[str]) -> None:
    told = settings(
        capsys,
        *("-s", "-1", "--repeat-last-n", "-1", "--dry-penalty-last-n", "-1", "--ignore-eos"),
        *("-r", "Stop.", "--reverse-prompt", "End.", "-f", "a", "-f", "b", "-vv"),
    )
    assert value(told, "seed") == (None, "flag")
    assert value(told, "repeat-last-n") == (-1, "flag")
    assert value(told, "dry-penalty-last-n") == (-1, "flag")
    assert value(told, "ignore-eos") == (True, "flag")
    assert value(told, "stop") == (["Stop.", "End."], "flag")
    assert value(told, "file") == (["a", "b"], "flag")
    assert value(told, "verbose") == (2, "flag")


@pytest.mark.parametrize(("written", "level"), [("1", 1), ("2", 2), ("9", 2), ("on", 1), ("0", 0)])
def test_how_much_is_said_may_be_a_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, written: str, level: int
) -> None:
    monkeypatch.setenv("SPECDEC_RUN_VERBOSE", written)
    assert value(settings(capsys), "verbose") == (level, "environment")
