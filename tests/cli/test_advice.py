"""Advice works: every command and option that a message names is there, and takes what is named.

All strings of the package are looked at, whoever says them: errors and hints, warnings, notes, the
causes that ``doctor`` names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import specdec_cli
from specdec_cli.cli import commands
from specdec_cli.options.command import options_by_command
from specdec_cli.options.option import OptionSet

PACKAGE = Path(specdec_cli.__file__).parent
OTHERS = ("export/", "models/build_info.py", "options/table.py", "cli/commands.py")
"""What speaks of other programs' options, and what declares ours."""

ADVICE = re.compile(r"specdec ([a-z][a-z-]*)((?: (?![;,)|>])(?:'[^']*'|\"[^\"]*\"|[^\s;,)'\"]+))*)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]+|-[a-zA-Z]{1,4})(?![\w-])")
PROSE = re.compile(r"\b(?!or|and|try|use|see)[a-z]+ $")
"""What stands before our name where a sentence speaks of the program, not of a command."""

FOREIGN = frozenset(
    {
        *("--force-reinstall", "--no-deps", "--no-cache-dir", "--no-binary", "--upgrade"),  # pip
        *("--wait", "--clipboard"),  # editors, clipboards
        *("--help", "-h", "--version", "-vv"),  # every command has them
    }
)


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """All strings of a module but its docstrings; what is filled in is ``X``."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
              for part in ast.walk(node) if part is not node}  # fmt: skip
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in inside or id(node) in bare:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "X"
                    for part in node.values
                ),
            )


def said() -> list[tuple[str, str]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(OTHERS):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [(f"{name}:{line}", text) for line, text in strings(tree)]
    return found


def spellings(offered: OptionSet) -> set[str]:  # type: ignore[type-arg]
    flags = {flag for each in offered.options for flag in each.flags}
    return {part for flag in flags for part in flag.split("/")} | FOREIGN


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    assert commands.invoke(["--version"]) == 0  # every command is registered
    return {name: spellings(offered) for name, offered in options_by_command().items()}


def test_every_command_that_is_named_takes_what_is_named(known: dict[str, set[str]]) -> None:
    wrong, seen = [], 0
    for place, text in said():
        for found in ADVICE.finditer(text):
            command, rest = found[1], found[2]
            if command not in known and (command == "needs" or PROSE.search(text[: found.start()])):
                continue
            seen += 1
            if command not in known:
                wrong.append(f"{place}: there is no command {command}: {text!r}")
                continue
            wrong += [
                f"{place}: {command} has no {option}: {text!r}"
                for option in OPTION.findall(rest)
                if option not in known[command]
            ]
    assert seen > 100
    assert not wrong, "\n".join(wrong)


def test_every_option_that_is_named_is_there(known: dict[str, set[str]]) -> None:
    every = set.union(*known.values())
    wrong = [
        f"{place}: no command has {option}: {text!r}"
        for place, text in said()
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+(?![\w-])", text)
        if option not in every
    ]
    assert not wrong, "\n".join(wrong)
