"""Fuzz specdec with damaged models.

Every mutant goes through `check` and `run`, in a process forked for it. Prints every mutant that
ended in a crash, a traceback, a hang, too much memory or no word, and the figures at the end.

Examples:
  python -m tools.fuzz --count 3000
  python -m tools.fuzz --seed 1234 --count 1 --keep mutants
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from specdec_cli.errors import Exit
from tools.fuzz.child import import_everything
from tools.fuzz.hunt import Findings, hunt
from tools.fuzz.mutants import Nursery
from tools.fuzz.seeds import write_seeds

_EVERY = 250


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=1000, help="mutants")
    parser.add_argument("--seed", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--keep", type=Path, help="a folder for the mutants that found something")
    options = parser.parse_args()
    found = Findings()
    import_everything()
    with TemporaryDirectory() as name:
        folder = Path(name)
        for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            os.environ[variable] = str(folder / "home")
        nursery = Nursery(write_seeds(folder))
        for number in range(options.seed, options.seed + options.count):
            before, mutant = len(found.faults), nursery.mutant(number)
            hunt([mutant], folder, found, _say)
            if options.keep and (len(found.faults) > before or options.count == 1):
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{number}.gguf").write_bytes(mutant.data)
            if (number + 1 - options.seed) % _EVERY == 0:
                _say(f"{number + 1 - options.seed} mutants, {len(found.faults)} faults")
    _say(_summary(found))
    return Exit.CHECK_FAILED if found.faults else Exit.OK


def _summary(found: Findings) -> str:
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(found.codes.items()))
    return (
        f"{found.commands} commands, {len(found.faults)} faults; exit codes {codes}; "
        f"slowest {found.slowest:.1f} s, peak {found.memory >> 20} MB"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
