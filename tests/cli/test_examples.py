"""The commands that README and docs show, run as they are written.

Every ``sh`` and ``console`` block with ``specdec`` in it is run by bash, in a folder with the files
it names. What cannot be run here has a comment before its block, which no reader sees:
``<!-- example: needs a download -->``, or for some of its lines, known by a word,
``<!-- example: needs a download (qwen3-8b) -->``. So is every ``python`` block.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from specdec_cli import paths
from tests.conftest import TinyPair
from tests.surroundings import own_home
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"((?:^<!-- [^\n]* -->\n)*)^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- example: ([\w ]+?)(?: \((.+)\))? -->")
COMMAND = re.compile(r"(?<![\w/.\\`])specdec ")
ELSEWHERE = ("<!-- help:", "<!-- command:")  # made by tools/docs.py, run by .ci/run
FOLLOWED = "docs/adding-a-drafter.md"
"""Its blocks are parts of the package; tests/drafters/test_new_drafter.py follows the page."""
NUMBER = re.compile(r"[\d.,]+( [kMG]B)?")

LIMITS = """
threads: 1
bench: {input: FOLDER/prompts.jsonl, predict: 8, seeds: 1}
tune: {input: FOLDER/prompts.jsonl, predict: 2}
verify: {input: FOLDER/prompts.jsonl, predict: 8, draws: 20, contexts: 1}
"""
"""Settings with which every command works as always, only not for minutes."""

FILES = {
    "old.py": "def double(x):\n    return x * 2\n",
    "mine.jinja": "{% for message in messages %}{{ message.content }}\n{% endfor %}",
    "prompts.jsonl": '{"prompt": "What is a compiler?"}\n{"prompt": "What is a byte?"}\n',
}


class Example(NamedTuple):
    """A block, or what is to be run of it."""

    place: str
    commands: list[str]
    shown: list[str]  # what the page shows of the output
    left_out: list[str]  # why, for each command that is not run


def pages() -> Iterator[tuple[str, str]]:
    for page in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]):
        yield page.relative_to(ROOT).as_posix(), page.read_text(encoding="utf-8")


def example(place: str, marks: str, language: str, text: str) -> Example:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    shown = []
    if language == "console":
        shown = [line for line in lines if not line.startswith("$ ")]
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    left_out = []
    for why, words in MARK.findall(marks):
        for word in re.split(", ", words):  # "" is in every line
            rest = [line for line in lines if word not in line]
            assert len(rest) < len(lines), f"{place}: no line has {word}"
            left_out += [why] * (len(lines) - len(rest))
            lines = rest
    return Example(place, lines, shown, left_out)


def examples() -> Iterator[Example]:
    for name, text in pages():
        for number, (marks, language, block) in enumerate(BLOCK.findall(text), start=1):
            if any(mark in marks for mark in ELSEWHERE) or language not in ("sh", "console"):
                continue
            if COMMAND.search(block):
                yield example(f"{name} {number}", marks, language, block)


EXAMPLES = list(examples())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_pair: TinyPair) -> Path:
    """A folder with the files that examples name, in a home where commands are short."""
    home, place, programs = (tmp_path / name for name in ("home", "work", "bin"))
    for made in (place, programs):
        made.mkdir()
    own_home(monkeypatch, home)
    paths.user_config().parent.mkdir(parents=True)
    paths.user_config().write_text(LIMITS.replace("FOLDER", str(place)))
    program = programs / "specdec"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m specdec_cli "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    monkeypatch.setenv("EDITOR", "true")
    for names, model in (("target big", tiny_pair.target), ("draft small", tiny_pair.draft)):
        for name in names.split():
            (place / f"{name}.gguf").symlink_to(model)
    for name, text in FILES.items():
        (place / name).write_text(text)
    return place


def bash(command: str, folder: Path, stdin: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="it needs bash")


@needs_bash
@pytest.mark.parametrize(
    "shown", [e for e in EXAMPLES if e.commands], ids=[e.place for e in EXAMPLES if e.commands]
)
def test_an_example_works_as_written(shown: Example, folder: Path) -> None:
    for command in shown.commands:
        done = bash(command, folder, "Hello!\n" if "specdec chat" in command else "")
        into = re.search(r" > (\S+)$", command)
        out = (folder / into[1]).read_text("utf-8") if into else done.stdout
        if shown.shown and shown.shown[0].startswith("Error: "):
            assert done.returncode > 0
            assert done.stderr.splitlines() == shown.shown
        else:
            assert done.returncode == 0, f"{command}\n{done.stderr}"
            assert out.strip() or command.startswith("specdec edit "), command
            check_output(shown.shown, out, done.stderr)


PROGRAMS = [
    (f"{name} {number}", block)
    for name, text in pages()
    for number, (_, language, block) in enumerate(BLOCK.findall(text), start=1)
    if language == "python" and name != FOLLOWED
]


@pytest.mark.parametrize(
    "program", [block for _, block in PROGRAMS], ids=[place for place, _ in PROGRAMS]
)
def test_a_program_works_as_written(program: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert done.stderr == ""


def check_output(shown: list[str], out: str, err: str) -> None:
    """Lines up to the first that leaves something out are there, numbers apart."""
    printed = [NUMBER.sub("#", line) for line in (out + err).splitlines()]
    for line in shown:
        if "…" in line:
            break
        assert NUMBER.sub("#", line) in printed


@needs_bash
def test_a_conversation_goes_as_the_readme_shows_it(folder: Path) -> None:
    (talk,) = (
        text
        for _, language, text in BLOCK.findall(dict(pages())["README.md"])
        if not language and text.startswith(">>> ")
    )
    turns = re.findall(r"^>>> (.*)\n(.*)\n", talk, re.MULTILINE)
    assert len(turns) > 1
    done = bash("specdec chat", folder, "".join(f"{message}\n" for message, _ in turns))
    assert done.returncode == 0, done.stderr
    answers = done.stdout.splitlines()
    at = [answers.index(answer) for _, answer in turns]
    assert at == sorted(at)


def test_every_example_is_run_or_counted() -> None:
    left_out = Counter(why for example in EXAMPLES for why in example.left_out)
    assert left_out == {
        "needs a download": 13,
        "needs a GPU": 2,
        "needs other machines": 2,
    }
    assert sum(len(example.commands) for example in EXAMPLES) == 38
    assert len(PROGRAMS) == 4


def test_examples_are_where_they_are_looked_for() -> None:
    for name, text in pages():
        assert len(MARK.findall(text)) == text.count("<!-- example:"), name
        for marks, language, block in BLOCK.findall(text):
            typed = re.search(r"^(\$ )?specdec ", block, re.MULTILINE)
            if typed and not any(mark in marks for mark in ELSEWHERE):
                assert language in ("sh", "console"), f"{name}: {block}"
