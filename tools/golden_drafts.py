"""Records what llama.cpp's own program drafts with trained heads, for the tests to compare with.

The answer is the target's whatever is drafted, so a head that is fed the wrong states shows only in
its drafts. The models are small ones of random weights that the tests make too.

    python -m tools.golden_drafts --llama-bin DIR

``DIR`` has llama-speculative-simple, built from the sources of the llama-cpp-python that is pinned
(``cmake -B build vendor/llama.cpp && cmake --build build --target llama-speculative-simple``).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.drafters.golden import CASES, FILE, PROMPT, Case, Drafted, files_of

_CANDIDATE = re.compile(r"draft candidate   0, pos\s+(\d+):\s+(\d+) \(")
_VERDICT = re.compile(r"accepted (\d+)/\d+ draft tokens, the last target token is: \((\d+)\)")
_TOKENS = 60


def main() -> None:
    """Record all cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--llama-bin", type=Path, required=True, metavar="DIR")
    folder = parser.parse_args().llama_bin
    with TemporaryDirectory() as models:
        found = {case.name: record(case, folder, Path(models)) for case in CASES}
    lines = (f'  "{name}": {json.dumps(rounds)}' for name, rounds in found.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    for name, rounds in found.items():
        accepted = sum(count for _, count, _ in rounds) / len(rounds)
        print(f"{name}: {len(rounds)} rounds, {accepted:.2f} tokens accepted in each")


def record(case: Case, programs: Path, models: Path) -> list[Drafted]:
    """The rounds of one answer.

    Raises:
        ValueError: the program does not print them as expected.
    """
    target, head = files_of(case, models)
    command = [programs / "llama-speculative-simple", "-m", target, "-p", PROMPT]
    command += ["-md", head] if head else []
    command += ["--spec-type", "draft-mtp", "--spec-draft-n-max", str(case.length)]
    command += ["--spec-draft-p-min", "0", "-n", str(_TOKENS), "--temp", "0", "-c", "512"]
    command += ["-ngl", "0", "-t", "1", "-fa", "on", "--verbose"]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(programs)}
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    rounds: list[Drafted] = []
    draft: list[int] = []
    for line in done.stderr.decode("utf-8", "replace").splitlines():
        if match := _CANDIDATE.search(line):
            draft = [*(draft if int(match[1]) else []), int(match[2])]
        elif match := _VERDICT.search(line):
            rounds.append((draft, int(match[1]), int(match[2])))
    if not rounds:
        raise ValueError(f"no drafts of {case.name} were printed")
    return rounds[:-1]  # the last may be cut


if __name__ == "__main__":
    main()
