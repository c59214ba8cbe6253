"""Files that anybody may have written: no text of a profile takes the program's time or wits."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from specdec_cli import paths
from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from specdec_cli.reading import RULES, BadYamlError, TooLargeError, bounded_line, read_yaml
from specdec_cli.run import batch, prompt

SOUND = "schema_version: 1\ntarget: {embedded: tiny-target.gguf}\n"
MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 9)
)
"""A billion keys in 342 bytes."""
ALIASES = "a0: &a0 [1, 2]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)

BAD = {
    "merges": (MERGES, "more than 10,000 values"),
    "aliases": (ALIASES, "more than 10,000 values"),
    "itself": ("a: &a [*a]\n", "holds itself, line 1"),
    "brackets": ("[" * 500, "levels deep"),
    "mappings": ("".join(f"{' ' * i}a:\n" for i in range(300)), "levels deep"),
    "digits": (f"{SOUND}context: {'9' * 5000}\n", "cannot be used"),
    "number": (f"{SOUND}context: {'9' * 400}\n", "context: "),
    "infinity": (f"{SOUND}memory_gb: .inf\n", "finite"),
    "twice": (f"{SOUND}context: 1\ncontext: 2\n", "'context' is there 2 times, line 1"),
    "inner": ("schema_version: 1\ntarget:\n  path: a\n  path: b\n", "2 times, line 3"),
    "key": ("? [a, b]\n: c\n", "a key is not a word"),
    "date": (f"{SOUND}description: 2020-99-99\n", "cannot be used"),
    "python": ("a: !!python/object/apply:os.system [true]\n", "cannot be used"),
    "long": ("schema_version: 1\ntarget: {path: %s}\n" % ("x" * 5000), "target.path"),
    "large": ("#" * 300_000, "more than 262,144 bytes"),
}


def add(name: str, text: str) -> Path:
    file = paths.user_profiles() / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize("name", BAD)
def test_a_bad_profile_is_named_and_the_others_are_listed(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, reason = BAD[name]
    add(name, text)
    assert commands.invoke(["list", "--json"]) == Exit.OK
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)["profiles"]}
    assert reason in listed[name]["error"]
    assert "error" not in listed["tiny"]
    for command in (["validate", name], ["show", name]):
        assert commands.invoke(command) == Exit.USAGE
        told = capsys.readouterr()
        assert reason in told.out + told.err
        assert name in told.out + told.err


@pytest.mark.parametrize("place", ["~nosuch/x.gguf", "x" * 300, '"a\\0b"'])
def test_a_place_nothing_can_have(
    place: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add("odd", f"schema_version: 1\ntarget: {{path: {place}}}\n")
    assert commands.invoke(["list"]) == Exit.OK
    assert "tiny" in capsys.readouterr().out
    assert commands.invoke(["validate", "odd", "tiny"]) == Exit.USAGE
    assert "tiny: ok" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
def test_what_is_no_file_is_no_profile(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = add("sound", SOUND).parent
    os.mkfifo(folder / "pipe.yaml")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    (folder / "folder.yaml").mkdir()
    assert commands.invoke(["list"]) == Exit.OK
    assert capsys.readouterr().out.count("not a regular file") == 3


@pytest.mark.parametrize("name", ["merges", "brackets", "twice", "large"])
def test_the_configuration_file_is_read_as_profiles_are(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.user_config().parent.mkdir(parents=True)
    paths.user_config().write_text(BAD[name][0], "utf-8")
    assert commands.invoke(["run", "hi"]) == Exit.USAGE
    assert BAD[name][1] in capsys.readouterr().err


def test_what_yaml_is_for_still_works(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("\ufeffbase: &b {x: 1}\nother: {<<: *b, y: [1, 2.5, yes]}\n", "utf-8")
    assert read_yaml(file) == {"base": {"x": 1}, "other": {"x": 1, "y": [1, 2.5, True]}}
    file.write_text("", "utf-8")
    assert read_yaml(file) is None
    file.write_text("- [", "utf-8")
    with pytest.raises(BadYamlError):
        read_yaml(file)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
@pytest.mark.parametrize(
    "options",
    [
        ["run", "--chat-template", "/dev/zero", "hi"],
        ["run", "--grammar-file", "/dev/zero", "hi"],
        ["run", "--json-schema", "/dev/zero", "hi"],
        ["run", "-f", "/dev/zero"],
        ["run", "--expect", "/dev/zero", "hi"],
        ["bench", "--input", "/dev/zero"],
    ],
    ids=lambda options: options[1],
)
def test_a_device_without_an_end_is_refused(
    options: list[str],
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert commands.invoke(options) == Exit.USAGE
    assert "/dev/zero has more than" in capsys.readouterr().err


def test_a_template_of_a_profile_is_bounded_too(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    large = add("mine", f"{SOUND}chat_template: large.jinja\n").with_name("large.jinja")
    large.write_text("x" * (RULES + 1))
    assert commands.invoke(["run", "mine", "hi"]) == Exit.USAGE
    assert "large.jinja has more than" in capsys.readouterr().err


def test_lines_without_an_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specdec_cli.reading.TEXT", 10)
    assert bounded_line(io.BytesIO(b"0123456789")) == b"0123456789"
    with pytest.raises(TooLargeError):
        bounded_line(io.BytesIO(b"01234567890"))
    with pytest.raises(TooLargeError):
        list(batch.numbered(io.BytesIO(b"one\n01234567890")))
    with pytest.raises(TooLargeError, match="standard input"):
        prompt.gather([], None, [], print, io.TextIOWrapper(io.BytesIO(b"01234567890")))
