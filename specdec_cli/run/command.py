"""``specdec run``: answer one prompt, or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from specdec_cli.errors import Exit, UsageError
from specdec_cli.options.chosen import pair_and_prompt
from specdec_cli.options.layers import MODELS, gather_options
from specdec_cli.options.print_config import print_config
from specdec_cli.options.prompt import gather
from specdec_cli.options.resolved import Resolved
from specdec_cli.options.table import RUN
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.view import View, ViewOptions, make_view

WORDS = (
    "A profile, a GGUF file, or a model of the Hub that is downloaded, OWNER/NAME:QUANT; the rest "
    "is the prompt. A first word that looks like a model is never taken for a prompt, unless with "
    "-p. As a prompt, - reads standard input"
)
EXAMPLES = """\
Examples:
  specdec run "Write a function that adds two numbers."
  git diff | specdec run qwen3-8b "Summarise this change."
  specdec run --temp 0.8 --seed 7 --show-drafts "Write a short story."
  specdec run -m target.gguf -md draft.gguf --draft-max 5 "Explain what a cache is."
  specdec run qwen3-8b --json-schema '{"type": "object", "required": ["city"]}' "Name a city."
  specdec run --grammar 'root ::= "yes" | "no"' "Is Rome in Italy?"
  specdec run --json "What is the capital of France?" > answer.json
  specdec run --input prompts.jsonl > answers.jsonl
  specdec run --print-config --temp 0.8

Every option is also read from a variable, --draft-max from SPECDEC_RUN_DRAFT_MAX, and from the
configuration file, which specdec doctor shows. A flag wins over a variable, over the file, over the
profile.
"""
BRIEF = (
    "model",
    "draft-model",
    "file",
    "system",
    "predict",
    "temp",
    "seed",
    "ctx-size",
    "gpu-layers",
    "json-schema",
    "json",
    "input",
    "quiet",
    "verbose",
)
"""Options that the short help shows."""
_COMMAND = "run"


def run(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Answer one prompt, or many, with a target and a draft model.

    The prompt is PROMPT, the text of -f FILE, standard input, or all of them: file first, then
    standard input, then PROMPT, each on a line of its own. The answer goes to stdout, everything
    else to stderr.
    """
    options, words, profile = _resolve(words, flags)
    streams = Streams.standard()
    if options["print-config"]:
        print_config(options, profile, streams.out, as_json=bool(options["json"]))
        return Exit.OK
    _keep_trace_apart(options)
    view = make_view(_view_options(options), streams)
    try:
        if options["input"] is not None:
            return _many(options, words, profile, view, streams.out)
        return _one(options, words, profile, view, streams.out)
    finally:
        view.close()


def _resolve(
    words: Sequence[str], flags: Mapping[str, object]
) -> tuple[Resolved, list[str], str | None]:
    """Every option's value, the words of the prompt, and the profile in use if there is one."""
    named, rest, flags = pair_and_prompt(words, flags)
    options, profile = gather_options(RUN, _COMMAND, named, flags)
    if options["json"] and options["jsonl"]:
        raise UsageError("--json and --jsonl exclude each other", "give one of them")
    return options, rest, profile


def _keep_trace_apart(options: Resolved) -> None:
    """Writing a trace erases its file, which must not be one that is read."""
    trace = options["trace"]
    for name in ("input", "file", *MODELS, "grammar-file"):
        given = options[name] or ()
        for read in (given,) if isinstance(given, str) else given:
            if trace and Path(trace).resolve() == Path(read).resolve():
                raise UsageError(
                    f"--trace would overwrite the file of --{name}", "give another file"
                )


def _view_options(options: Resolved) -> ViewOptions:
    many = options["input"] is not None
    return ViewOptions(
        output="json" if options["json"] or many else "jsonl" if options["jsonl"] else "text",
        quiet=bool(options["quiet"]),
        verbose=bool(options["verbose"]),
        stats=options["stats"],
        show_drafts=bool(options["show-drafts"]),
        color=options["color"],
        trace=Path(options["trace"]) if options["trace"] else None,
    )


def _one(
    options: Resolved, words: Sequence[str], profile: str | None, view: View, out: TextIO
) -> int:
    if options["raw"] and options.origins["system"] == "flag":
        raise UsageError(
            "--system needs the chat template, which --raw leaves out",
            "write the system message into the prompt, or leave --raw out",
        )
    text = gather(words, options["prompt"], options["file"], view.note)
    from specdec_cli.run.action import answer_one

    return answer_one(text, options, profile, view, out)


def _many(
    options: Resolved, words: Sequence[str], profile: str | None, view: View, out: TextIO
) -> int:
    also = [f"--{name}" for name in ("prompt", "file") if options.origins[name] == "flag"]
    if words or also:
        other = "PROMPT" if words else also[0]
        raise UsageError(f"--input and {other} exclude each other", "give one of them")
    if options["jsonl"]:
        raise UsageError("--input has one result per line already", "leave --jsonl out")
    from specdec_cli.run.action import answer_many

    return answer_many(options, profile, view, out)
