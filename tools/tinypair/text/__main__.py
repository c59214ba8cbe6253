"""Print samples as JSON lines: python -m tools.tinypair.text --seed 1 --count 20 --kind code."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from itertools import islice

from tools.tinypair.text.corpus import KINDS, conversations


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.tinypair.text", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--split", choices=("train", "heldout"), default="train")
    options = parser.parse_args()
    for conversation in islice(
        conversations(options.seed, options.split, options.kind), options.count
    ):
        print(json.dumps(asdict(conversation)))


if __name__ == "__main__":
    main()
