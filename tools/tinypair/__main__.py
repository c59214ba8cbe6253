"""Build the embedded pair: python -m tools.tinypair build --out specdec_cli/embedded."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from gguf import GGMLQuantizationType as Quantization

from tools.tinypair.build import Build, write_heldout
from tools.tinypair.check import check
from tools.tinypair.config import DRAFT, TARGET
from tools.tinypair.export import FILE_TYPES
from tools.tinypair.report import report
from tools.tinypair.train import load

STAGES = ("shards", "target", "lessons", "draft", "export", "report")
TOLERANCE = {Quantization.F16: 0.1}
"""How far an exported file's log-probabilities may be off; coarser types may be off by far more."""


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    build = Build(options.work)
    stages = STAGES if options.stage == "build" else (options.stage,)
    for stage in stages:
        build.log(stage)
        if stage == "shards":
            build.shards()
        elif stage == "target":
            build.target()
        elif stage == "lessons":
            build.lessons(options.lesson_minutes * 60)
        elif stage == "draft":
            build.draft()
        elif stage == "export":
            _export(build, options)
        elif stage == "report":
            _report(build, options)


def _export(build: Build, options: argparse.Namespace) -> None:
    kinds = [Quantization[options.target_type], Quantization[options.draft_type]]
    files = build.export(options.out, *kinds)
    for path, config, kind in zip(files, (TARGET, DRAFT), kinds, strict=True):
        check(
            path,
            load(config, build.work / f"{config.name}.pt"),
            build.codec,
            TOLERANCE.get(kind, 10.0),
        )
    if options.heldout:
        write_heldout(options.heldout)


def _report(build: Build, options: argparse.Namespace) -> None:
    target, draft = (load(config, build.work / f"{config.name}.pt") for config in (TARGET, DRAFT))
    files = [options.out / "tiny-target.gguf", options.out / "tiny-draft.gguf"]
    figures = report(target, draft, build.codec, files)
    (build.work / "report.json").write_text(
        json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    )
    print(json.dumps(figures, indent=1, ensure_ascii=False))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.tinypair", description=__doc__)
    parser.add_argument("stage", choices=("build", *STAGES), help="everything, or one stage of it")
    parser.add_argument(
        "--out", type=Path, default=Path("specdec_cli/embedded"), help="where the two files go"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("build/tinypair"),
        help="where checkpoints and shards are kept",
    )
    parser.add_argument("--heldout", type=Path, help="write the held-out prompts here too")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--lesson-minutes", type=float, default=600, help="an end to the target's answering"
    )
    types = [kind.name for kind in FILE_TYPES]
    parser.add_argument("--target-type", choices=types, default="Q8_0")
    parser.add_argument("--draft-type", choices=types, default="Q8_0")
    return parser.parse_args()


if __name__ == "__main__":
    main()
