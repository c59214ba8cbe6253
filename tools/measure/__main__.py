"""Measure specdec: speed-up by kind of task, own overhead, memory, useless drafts, real shapes,
conversations, bits, llama.cpp's own programs.

Examples:
  python -m tools.measure speedup
  python -m tools.measure speedup --fixed --draft-max 5
  python -m tools.measure speedup --modes adaptive hybrid ngram 1 2 4 8 --each 3
  python -m tools.measure overhead
  python -m tools.measure overhead --shapes 1b 0.1b
  python -m tools.measure memory
  python -m tools.measure guard --runs 5
  python -m tools.measure agreement --pair 1b+0.1b
  python -m tools.measure plan
  python -m tools.measure chat
  python -m tools.measure busy --starts 50
  python -m tools.measure bits -m FILE
  python -m tools.measure rewind
  python -m tools.measure llama --llama-bin DIR -m FILE -md FILE
  python -m tools.measure llama --llama-bin DIR --arms llama-k4 --fixed --draft-max 4
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from specdec_cli import paths
from specdec_cli.bench import loaders, workload
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.errors import SpecdecError
from specdec_cli.models.settings import ModelSettings
from tools.measure import (
    agreement,
    bits,
    busy,
    chat,
    guard,
    memory,
    modes,
    overhead,
    plan,
    rewind,
    speedup,
)
from tools.measure.llama import report as llama
from tools.measure.prompts import heldout
from tools.measure.shapes import PAIRS, SHAPES, write

_TOKENS, _TOKENS_OF_RANDOM_MODELS = 256, 48
_TOKENS_OF_GUARD = 2000


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what",
        choices=(
            "speedup",
            "overhead",
            "memory",
            "guard",
            "agreement",
            "plan",
            "chat",
            "bits",
            "busy",
            "rewind",
            "llama",
        ),
    )
    parser.add_argument("-m", "--model", type=Path, help="without it, the pair that comes along")
    parser.add_argument("-md", "--draft-model", type=Path, help="a model, or a head")
    parser.add_argument("--draft-max", type=int, default=16)
    parser.add_argument("--fixed", action="store_true", help="draft --draft-max tokens, no less")
    parser.add_argument("--drafter", default="auto")
    parser.add_argument(
        "--modes",
        nargs="+",
        choices=modes.MODES,
        help="compare these side by side; a number is a fixed draft length",
    )
    parser.add_argument("--each", type=int, default=10, help="prompts of each kind")
    parser.add_argument("--draft-p-min", type=float, default=0.0)
    parser.add_argument("--threads-draft", type=int, default=0)
    parser.add_argument("--temp", type=float, default=0.0)
    parser.add_argument("--verify", default="auto")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--kernels", choices=("auto", "fast"), default="auto")
    parser.add_argument("--max-tokens", type=int, help="of an answer")
    parser.add_argument("--rests", type=float, nargs="+", default=agreement.RESTS, help="see there")
    parser.add_argument("--bandwidth", type=float, help="of the target's memory in GB/s")
    parser.add_argument("--shapes", nargs=2, metavar=("TARGET", "DRAFT"))
    parser.add_argument("--pair", choices=PAIRS, default="1b+0.1b", help="for agreement")
    parser.add_argument("--repeats", type=int, default=1, help="of each prompt, for --modes")
    parser.add_argument("--runs", type=int, default=5, help="for guard")
    parser.add_argument("--starts", type=int, default=50, help="for busy")
    parser.add_argument("--gpu-layers", type=int, default=-1, help="of both models; -1 for all")
    parser.add_argument("--llama-bin", metavar="DIR", help="of llama.cpp's programs, if not PATH")
    parser.add_argument(
        "--arms",
        nargs="+",
        default=[],
        help="for llama: llama (llama-speculative-simple), llama-server, or with a draft length "
        "llama-k4, llama-server-k4; all that are found",
    )
    parser.add_argument("--input", type=Path, help="for llama: prompts as specdec bench reads them")
    options = parser.parse_args()
    if options.model is None:
        options.model = paths.embedded() / "tiny-target.gguf"
        options.draft_model = options.draft_model or paths.embedded() / "tiny-draft.gguf"
    if options.what == "plan":
        plan.report()
    elif options.what == "rewind":
        rewind.report()
    elif options.what == "busy":
        busy.report(options.starts)
    elif options.what == "chat":
        chat.report(options.model, options.draft_model)
    elif options.shapes:
        with TemporaryDirectory() as folder:
            options.model, options.draft_model = (
                Path(folder) / f"{role}.gguf" for role in ("target", "draft")
            )
            write(options.model, SHAPES[options.shapes[0]])
            write(options.draft_model, SHAPES[options.shapes[1]], seed=1)
            _measure(options)
    else:
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
    load = ModelSettings(options.gpu_layers)
    random = options.shapes or options.what == "agreement"
    tokens = options.max_tokens or (_TOKENS_OF_RANDOM_MODELS if random else _TOKENS)
    settings = PairSettings(
        ModelChoice(options.model, load),
        options.draft_model and ModelChoice(options.draft_model, load, options.threads_draft),
        n_ctx=1024,
        draft_max=options.draft_max,
        draft_p_min=options.draft_p_min,
        exact=options.exact,
        kernels=options.kernels,
        drafter=options.drafter,
        adaptive=not options.fixed,
        proven=True,  # as with a profile
    )
    if options.what == "memory":
        memory.report(settings, context=2048)
    elif options.what == "overhead":
        texts = [] if options.shapes else [prompt.text for prompt in heldout()][::4]
        overhead.report(settings, texts, tokens)
    elif options.what == "guard":
        texts = [prompt.text for prompt in heldout()]
        guard.report(settings, texts, _TOKENS_OF_GUARD, options.runs)
    elif options.what == "bits":
        bits.report(settings, sys.argv[1:], tokens, min(options.each, bits.EACH))
    elif options.what == "llama":
        answer = AnswerSettings(Sampling(options.temp), options.verify)
        theirs = llama.arms(options.arms, options.llama_bin)
        llama.report(settings, _tasks(options), answer, theirs, tokens)
    elif options.what == "agreement":
        answer = AnswerSettings(Sampling(options.temp), options.verify)
        bandwidth = options.bandwidth and options.bandwidth * 1e9
        agreement.report(settings, options.pair, answer, tokens, options.rests, bandwidth)
    else:
        answer = AnswerSettings(Sampling(options.temp), options.verify)
        prompts = heldout(options.each)
        if options.modes:
            modes.report(settings, prompts, options.modes, answer, tokens, options.repeats)
        else:
            speedup.report(settings, prompts, answer, tokens)


def _tasks(options: argparse.Namespace) -> list[workload.Task]:
    """Prompts of a file, or those of ``specdec bench``."""
    if options.input:
        tasks = loaders.read_tasks(options.input)
    else:
        embedded = options.model.parent == paths.embedded()
        tasks = workload.tiny() if embedded else workload.general()
    return workload.select(tasks, per_kind=options.each)


if __name__ == "__main__":
    try:
        main()
    except SpecdecError as error:
        sys.exit(f"Error: {error.message}\nHint: {error.hint}")
