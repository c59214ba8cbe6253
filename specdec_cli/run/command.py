"""``specdec run``: answer one prompt, or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from specdec_cli.errors import UsageError
from specdec_cli.options.chosen import pair_and_prompt
from specdec_cli.options.command import Command
from specdec_cli.options.print_config import print_config
from specdec_cli.options.resolve import resolve_named
from specdec_cli.options.table import RUN, Options, OutputOptions
from specdec_cli.terminal.console import Streams

if TYPE_CHECKING:
    from specdec_cli.terminal.view import View

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
    "model draft-model file system predict temp seed ctx-size gpu-layers json-schema json "
    "input quiet verbose"
)


def run(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Answer one prompt, or many, with a target and a draft model.

    The prompt is PROMPT, the text of -f FILE, standard input, or all of them: file first, then
    standard input, then PROMPT, each on a line of its own. The answer goes to stdout, everything
    else to stderr.
    """
    named, words, flags = pair_and_prompt(words, flags)
    options = resolve_named(RUN, named, flags)
    output = options.output
    if output.json and output.jsonl:
        raise UsageError("--json and --jsonl exclude each other", "give one of them")
    streams = Streams.standard()
    if output.print_config:
        return print_config(RUN, options, streams.out)
    _keep_trace_apart(options)
    source = options.prompt.input
    view = _view(output, streams, many=source is not None)
    try:
        if source is not None:
            return _many(source, options, words, view, streams.out)
        return _one(options, words, view, streams.out)
    finally:
        view.close()


def _keep_trace_apart(options: Options) -> None:
    """Writing a trace erases its file, which must not be one that is read."""
    trace = options.output.trace
    prompt, models = options.prompt, options.models
    for name, given in (
        ("input", prompt.input),
        *(("file", file) for file in prompt.file),
        ("model", models.model),
        ("draft-model", models.draft_model),
        ("grammar-file", options.answer.grammar_file),
    ):
        if trace and given and Path(trace).resolve() == Path(given).resolve():
            raise UsageError(f"--trace would overwrite the file of --{name}", "give another file")


def _view(output: OutputOptions, streams: Streams, *, many: bool) -> View:
    from specdec_cli.terminal.view import ViewOptions, make_view

    wanted = ViewOptions(
        output="json" if output.json or many else "jsonl" if output.jsonl else "text",
        quiet=bool(output.quiet),
        verbose=bool(output.verbose),
        stats=output.stats,
        show_drafts=bool(output.show_drafts),
        color=output.color,
        trace=Path(output.trace) if output.trace else None,
    )
    return make_view(wanted, streams)


def _one(options: Options, words: Sequence[str], view: View, out: TextIO) -> int:
    if options.prompt.raw and options.origins["system"] == "flag":
        raise UsageError(
            "--system needs the chat template, which --raw leaves out",
            "write the system message into the prompt, or leave --raw out",
        )
    from specdec_cli.run.prompt import gather

    text = gather(words, options.prompt.prompt, options.prompt.file, view.note)
    from specdec_cli.run.action import answer_one

    return answer_one(text, options, view, out)


def _many(source: str, options: Options, words: Sequence[str], view: View, out: TextIO) -> int:
    also = [f"--{name}" for name in ("prompt", "file") if options.origins[name] == "flag"]
    if words or also:
        other = "PROMPT" if words else also[0]
        raise UsageError(f"--input and {other} exclude each other", "give one of them")
    if options.output.jsonl:
        raise UsageError("--input has one result per line already", "leave --jsonl out")
    from specdec_cli.run.action import answer_many

    return answer_many(source, options, view, out)


COMMAND = Command(run, RUN, WORDS, EXAMPLES, arguments=("[PROFILE]", "[PROMPT]..."), brief=BRIEF)
