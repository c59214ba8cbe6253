"""The project's own files agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FIRST_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
MEGABYTE = 1_000_000

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(name: str) -> set[tuple[str, str]]:
    """Packages and versions of a requirements file."""
    return set(FIRST_PIN.findall(text(name)))


def needed(requirements: list[str]) -> set[str]:
    """Names out of lines like ``rich>=13.9``."""
    return {re.split(r"[<>=~!\[; ]", line, maxsplit=1)[0] for line in requirements}


@pytest.mark.parametrize(
    ("file", "requirements"),
    [
        ("requirements.txt", PROJECT["dependencies"]),
        ("requirements-report.txt", PROJECT["optional-dependencies"]["report"]),
        ("requirements-test.txt", PROJECT["optional-dependencies"]["test"]),
        ("requirements-dev.txt", PROJECT["optional-dependencies"]["dev"]),
    ],
)
def test_requirements_hold_what_the_project_needs(file: str, requirements: list[str]) -> None:
    assert needed(requirements) <= {package for package, _ in pins(file)}
    assert pins(file) <= pins("constraints.txt")


def test_constraints_hold_nothing_else() -> None:
    files = [path.name for path in ROOT.glob("requirements*.txt")]
    assert set().union(*map(pins, files)) == pins("constraints.txt")
    assert "torch" not in {package for package, _ in pins("constraints.txt")}


@pytest.mark.parametrize("file", sorted(path.name for path in ROOT.glob("*.txt")))
def test_every_version_has_its_hashes_and_no_address(file: str) -> None:
    lines = text(file)
    for block in re.split(r"^(?=[a-z0-9])", lines, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block
    assert "://" not in lines
    assert "index-url" not in lines
    assert "find-links" not in lines


def test_llama_is_pinned_once() -> None:
    (pinned,) = (line for line in PROJECT["dependencies"] if line.startswith("llama-cpp-python"))
    name, version = pinned.split("==")
    assert (name, version) in pins("requirements.txt")
    for file in ("README.md", "docs/install.md"):
        assert set(re.findall(r"llama-cpp-python==([\w.]+)", text(file))) == {version}
    assert (ROOT / "tools" / "build" / "llama.cmake").is_file()


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_readme_has_its_commands_on_one_line(name: str) -> None:
    found = re.search(
        rf"^<!-- command: {name} -->\n```sh\n(.*?)^```", text("README.md"), re.MULTILINE | re.DOTALL
    )
    assert found
    assert found[1].count("\n") == 1
    for file in re.findall(r"-r (\S+)", found[1]):
        assert (ROOT / file).is_file()


@pytest.mark.parametrize(
    "page",
    [str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))],
)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(page)):
        assert ((ROOT / page).parent / target).exists(), target


def test_before_a_commit_the_checks_of_ci_are_run() -> None:
    ci = re.findall(r'^ *check "(\w+)" "\$bin/(.+)$', text(".ci/run"), re.MULTILINE)
    (repo,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    hooks = [(hook["id"], hook["entry"]) for hook in repo["hooks"]]
    assert len(hooks) > 4
    assert hooks == [(name, f".venv/bin/{command.replace(chr(34), '')}") for name, command in ci]
    assert all(hook["pass_filenames"] is False for hook in repo["hooks"])


@pytest.mark.parametrize("form", ["fault", "feature"])
def test_an_issue_asks_for_what_doctor_says(form: str) -> None:
    fields = yaml.safe_load(text(f".github/ISSUE_TEMPLATE/{form}.yml"))["body"]
    labels = [field["attributes"].get("label", "") for field in fields]
    assert "Output of `specdec doctor`" in labels


def test_the_changelog_has_this_version() -> None:
    assert f"\n## {PROJECT['version']}" in text("CHANGELOG.md")


def test_the_embedded_pair_is_small(tiny_pair: tuple[Path, Path]) -> None:
    assert sum(path.stat().st_size for path in tiny_pair) <= 32 * MEGABYTE
