"""Who may import what, and what a mere ``--help`` must not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import specdec_cli
from tests.waiting import PATIENCE

PACKAGE = Path(specdec_cli.__file__).parent
FILES = {
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", "."): path
    for path in PACKAGE.rglob("*.py")
}

HEAVY = ("llama_cpp", "numpy", "huggingface_hub", "matplotlib", "prompt_toolkit")


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules a file imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(package: str) -> set[str]:
    """Modules of specdec that import a package."""
    return {
        name
        for name, path in FILES.items()
        if any(module.split(".")[0] == package for module in imported(path))
    }


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["run", "--help"], ["chat", "--help"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from specdec_cli.cli.app import main\n"
        f"sys.argv = ['specdec', *{arguments!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "finally:\n"
        f"    loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    print('loaded:', *loaded, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert done.stderr.split() == ["loaded:"]


def test_nothing_imports_the_tools() -> None:
    assert importers("tools") == set()
    assert importers("torch") == set()
