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

HEAVY = ("llama_cpp", "numpy", "huggingface_hub", "prompt_toolkit")


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


@pytest.mark.parametrize(
    ("package", "module"),
    [
        ("llama_cpp", "specdec_cli.models.binding"),
        ("huggingface_hub", "specdec_cli.hub"),
        ("prompt_toolkit", "specdec_cli.cli.repl"),
    ],
)
def test_a_heavy_package_is_imported_in_one_place(package: str, module: str) -> None:
    found = importers(package)
    assert len(found) <= 1
    assert all(name.startswith(module) for name in found)


def test_prompt_toolkit_is_imported_by_the_terminal() -> None:
    assert importers("prompt_toolkit") == {"specdec_cli.chat.terminal"}


def test_llama_cpp_is_imported_by_the_binding() -> None:
    assert importers("llama_cpp") == {"specdec_cli.models.binding"}


@pytest.mark.parametrize(
    ("package", "room"),
    [("rich", "render"), ("typer", "cli"), ("click", "cli"), ("pydantic", "profiles")],
)
def test_a_package_stays_in_its_room(package: str, room: str) -> None:
    assert all(name.startswith(f"specdec_cli.{room}") for name in importers(package))


def test_the_core_knows_numpy_and_the_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "numpy"}
    for name, path in FILES.items():
        if name.startswith("specdec_cli.core"):
            for module in imported(path):
                inside = module.startswith("specdec_cli.core.")
                assert inside or module.split(".")[0] in allowed, f"{name} imports {module}"


def test_render_sees_events_and_statistics_only() -> None:
    core = ("core.events", "core.stats", "core.clock")
    seen = ("render", *core, "bench.results", "errors", "atomic")
    allowed = tuple(f"specdec_cli.{module}" for module in seen)
    for name, path in FILES.items():
        if name.startswith("specdec_cli.render"):
            for module in imported(path):
                inside = module.split(".")[0] != "specdec_cli" or module.startswith(allowed)
                assert inside, f"{name} imports {module}"


def test_nothing_imports_the_tools() -> None:
    assert importers("tools") == set()
    assert importers("torch") == set()
