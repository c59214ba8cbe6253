"""Help: complete, plain, and quick to come."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

from specdec_cli.cli import commands
from specdec_cli.cli.parsing import parsed
from specdec_cli.errors import Exit
from specdec_cli.options.table import RUN
from specdec_cli.run import command as run
from tests.waiting import PATIENCE

HEAVY = (
    "huggingface_hub",
    "jinja2",
    "llama_cpp",
    "numpy",
    "prompt_toolkit",
    "pydantic",
    "rich",
    "yaml",
)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert commands.invoke(list(arguments)) == Exit.OK
    done = capsys.readouterr()
    assert done.err == ""
    return done.out


def test_bare_command_is_short_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert "run " in told(capsys)
    assert told(capsys) == told(capsys, "--help") == told(capsys, "-h")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.fullmatch(r"specdec \S.*\n", told(capsys, "--version"))


@pytest.mark.parametrize("columns", ["80", "60"])
def test_the_list_of_commands_cuts_no_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = told(capsys)
    assert "..." not in text.partition("Commands:")[2]
    assert max(map(len, text.splitlines())) <= int(columns)
    assert "caches and compute buffers on each device." in " ".join(text.split())


LONG = ("run", "chat", "plan", "bench", "tune", "verify", "doctor", "export")


@pytest.mark.parametrize("command", LONG)
def test_short_help_is_short_and_says_where_the_rest_is(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    short, whole = told(capsys, command, "-h"), told(capsys, command, "--help")
    options_shown = re.findall(r"^  (?:-\w+, )?(--[a-z-]+)", short, re.MULTILINE)
    assert 8 <= len(options_shown) <= 14
    assert short.count("\n") < whole.count("\n") / 2
    assert set(options_shown) <= set(re.findall(r"--[a-z-]+", whole))
    assert f"\n  specdec {command}" in short
    assert short.endswith(f"specdec {command} --help\n")


@pytest.mark.parametrize("command", ["list", "rm", "pull"])
def test_commands_of_few_options_have_one_help(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert told(capsys, command, "-h") == told(capsys, command, "--help")


def test_h_may_be_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(capsys, "run", "--print-config", "-p", "-h")
    assert re.search(r"^prompt +-h +flag$", shown, re.MULTILINE)


def test_every_option_has_a_line_and_a_description(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "run", "--help")
    for option in RUN.options:
        assert len(option.help) > 10
        assert re.search(rf"^  .*--{option.name}\b", text, re.MULTILINE), option.name
        for other in option.also:
            assert other in text
    for group in RUN.groups:
        assert f"\n{group.title}:\n" in text
    assert "Usage: specdec run [OPTIONS] [PROFILE] [PROMPT]...\n" in text
    assert '  specdec run "Write a function' in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_no_spelling_is_used_twice() -> None:
    flags = [
        spelling for option in RUN.options for flag in option.flags for spelling in flag.split("/")
    ]
    assert len(flags) == len(set(flags))


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from specdec_cli.cli.commands import invoke\n"
        f"invoke({arguments!r})\n"
        f"sys.exit(' '.join(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stderr.strip() == ""


def test_the_signature_is_what_typer_reads() -> None:
    names = inspect.signature(parsed(run.COMMAND, lambda _: None)).parameters
    assert "draft_max" in names
    assert "words" in names
