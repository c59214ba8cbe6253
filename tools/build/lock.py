"""Write constraints.txt and the requirements files anew from pyproject.toml.

    python tools/build/lock.py               keep the versions that are there, where they still fit
    python tools/build/lock.py --upgrade     take the newest that fit

Needs uv. All files hold exact versions and hashes, for Python 3.11 and newer on Linux, macOS and
Windows. constraints.txt has every package; requirements.txt those specdec runs with,
requirements-report.txt, requirements-test.txt and requirements-dev.txt what is added to them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python tools/build/lock.py"

LLAMA = """\
# Compiled on this machine, without the parts that specdec does not use: half of the work saved.
# pip puts the current directory for PWD; Windows has no such variable, and builds a little more.
"""
SETTINGS = {
    'sys_platform != "win32"': [
        "cmake.define.LLAVA_BUILD=OFF",
        "cmake.define.CMAKE_PROJECT_INCLUDE=${PWD}/tools/build/llama.cmake",
    ],
    'sys_platform == "win32"': ["cmake.define.LLAVA_BUILD=OFF"],
}

Locked = dict[str, str]
"""Requirement lines with their hashes, by package and version."""


def compiled(*options: str) -> Locked:
    """What ``uv pip compile`` answers for pyproject.toml."""
    text = subprocess.run(
        [
            *("uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"),
            *("--no-header", "--no-annotate", "--quiet"),
            *options,
        ],
        check=True,
        cwd=ROOT,
        env={**os.environ, "UV_CUSTOM_COMPILE_COMMAND": COMMAND},
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    if "--output-file" in options:
        text = (ROOT / options[options.index("--output-file") + 1]).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    return {block.split(" ", 1)[0]: block for block in blocks if block.strip()}


def llama_lines(block: str) -> str:
    """llama-cpp-python with its build settings, once per platform."""
    version, _, hashes = block.partition(" ")
    lines = [LLAMA]
    for marker, settings in SETTINGS.items():
        lines.append(f"{version} ; {marker} \\\n")
        lines.extend(f'    --config-settings="{setting}" \\\n' for setting in settings)
        lines.append(hashes.removeprefix("\\\n"))
    return "".join(lines)


def write(name: str, head: str, blocks: list[str]) -> None:
    """Write one file, with a line on what it is."""
    text = f"# Written by `{COMMAND}`; not to be edited.\n# {head}\n\n{''.join(blocks)}"
    (ROOT / name).write_text(text, encoding="utf-8", newline="\n")


def added(everything: Locked, name: str, keys: set[str], base: str) -> None:
    """Write the file that adds some packages to another file."""
    blocks = [block for key, block in everything.items() if key in keys]
    write(f"requirements-{name}.txt", f"{base} and more.", [f"-r {base}\n\n", *blocks])


def main() -> None:
    """Compile everything, what runs, what draws reports too, and what runs the tests."""
    everything = compiled("--all-extras", "--output-file", "constraints.txt", *sys.argv[1:])
    write(
        "constraints.txt",
        "Every package specdec, its tests and its checks use.",
        list(everything.values()),
    )
    held = ("--constraints", "constraints.txt")
    runtime = compiled(*held)
    drawing = compiled(*held, "--extra", "report")
    tested = compiled(*held, "--extra", "report", "--extra", "test")

    first = [llama_lines(runtime[key]) for key in runtime if key.startswith("llama-cpp-python")]
    rest = [block for key, block in runtime.items() if not key.startswith("llama-cpp-python")]
    write("requirements.txt", "What specdec runs with.", [*first, "\n", *rest])
    added(everything, "report", drawing.keys() - runtime.keys(), "requirements.txt")
    added(everything, "test", tested.keys() - drawing.keys(), "requirements-report.txt")
    added(everything, "dev", everything.keys() - tested.keys(), "requirements-test.txt")


if __name__ == "__main__":
    main()
