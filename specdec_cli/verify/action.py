"""Loads the pair, checks it, and reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from time import perf_counter

from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, Loading
from specdec_cli.errors import Cancelled, Exit, UsageError
from specdec_cli.options.settings import answer_settings, pair_settings
from specdec_cli.options.table import length_asked
from specdec_cli.run import batch
from specdec_cli.run.banner import first_lines
from specdec_cli.run.particulars import particulars
from specdec_cli.run.used import Models, drafting
from specdec_cli.templates.encode import encode
from specdec_cli.templates.message import Message
from specdec_cli.terminal import logs
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report
from specdec_cli.terminal.keys import show_cursor
from specdec_cli.terminal.progress import Progress
from specdec_cli.terminal.signals import Interrupts
from specdec_cli.verify.check import QUICK, Check, Effort
from specdec_cli.verify.options import VerifyOptions
from specdec_cli.verify.prompts import PROMPTS
from specdec_cli.verify.prompts import QUICK as QUICK_PROMPTS
from specdec_cli.verify.report import print_report
from specdec_cli.verify.results import Settings, VerifyReport
from specdec_cli.verify.subject import Prompt


def verify_pair(options: VerifyOptions, streams: Streams) -> int:
    """Check a pair; the exit code."""
    began = perf_counter()
    settings = _answers(options)
    progress = Progress(streams, quiet=bool(options.output.quiet), color=options.output.color)
    logs.start(level=options.output.verbose)
    with ExitStack() as stack:
        stack.callback(progress.close)
        stop = stack.enter_context(Interrupts(show_cursor))
        texts = _conversations(options)

        def on_loading(loading: Loading) -> bool:
            progress.loading(loading)
            return not stop.asked()

        try:
            # What the odd contexts of a check teach is of no use to anybody's next answer.
            chosen = replace(pair_settings(options), remember=False)
            decoder = stack.enter_context(Decoder.load(chosen, on_loading))
        except Cancelled:
            return Exit.INTERRUPTED
        progress.note(first_lines(options, decoder.settings))
        for warning in decoder.models.warnings:
            progress.warn(warning)
        if options.output.verbose:
            progress.note(particulars(decoder, settings))
        exact = decoder.settings.exact
        check = Check(
            decoder,
            settings,
            _effort(options),
            exact=exact,
            most_rows=decoder.settings.draft_max + 1,
        )
        with suppress(Cancelled):
            check.run(
                list(_prompts(decoder, texts, raw=bool(options.prompt.raw))), progress, stop.asked
            )
        progress.close()
        report = VerifyReport(
            check.report(),
            decoder.models.same_bits.report(),
            perf_counter() - began,
            _settings(decoder, settings, options),
            Models.of(decoder.settings),
            options.profile,
        )
    if options.output.json:
        write_report(streams.out, report)
    else:
        print_report(report, streams, options.output.color)
    if not check.finished:
        return Exit.INTERRUPTED
    return Exit.CHECK_FAILED if check.defects else Exit.OK


def _answers(options: VerifyOptions) -> AnswerSettings:
    """Without a seed always the same draws, so that a report can be looked into."""
    settings = answer_settings(options)
    return settings if options.sampling.seed is not None else replace(settings, seed=1)


def _effort(options: VerifyOptions) -> Effort:
    checks = options.own
    usual = QUICK if checks.quick else Effort()
    contexts = usual.contexts if checks.contexts is None else checks.contexts
    return Effort(
        max_tokens=length_asked(options, checks.predict) or usual.max_tokens,
        walked=max(usual.walked, contexts),
        draws=usual.draws if checks.draws is None else checks.draws,
        contexts=contexts,
    )


def _conversations(options: VerifyOptions) -> list[tuple[str, tuple[Message, ...]]]:
    """The prompts, each with its name."""
    system = None if options.prompt.raw else options.prompt.system
    if options.own.input is None:
        chosen = PROMPTS[:QUICK_PROMPTS] if options.own.quick else PROMPTS
        front = (Message("system", system),) if system else ()
        return [(text, (*front, Message("user", text))) for text in chosen]
    found: list[tuple[str, tuple[Message, ...]]] = []
    with batch.open_input(options.own.input) as source:
        for number, line in batch.numbered(source):
            try:
                request = batch.parse(line, system)
            except batch.BadLineError as error:
                raise UsageError(f"line {number} of --input: {error.message}", error.hint) from None
            if options.prompt.raw and len(request.messages) > 1:
                raise UsageError(
                    f"line {number} of --input has several messages, for which --raw has no form",
                    "leave --raw out, or give one prompt a line",
                )
            found.append((request.messages[-1].content, request.messages))
    if not found:
        raise UsageError("--input has no prompts", 'a line is such as {"prompt": "Hello"}')
    return found


def _prompts(
    decoder: Decoder, texts: list[tuple[str, tuple[Message, ...]]], *, raw: bool
) -> Iterator[Prompt]:
    template = None if raw else decoder.models.chat_template()
    for name, messages in texts:
        yield Prompt(name, tuple(encode(decoder.models.vocab, template, messages, raw=raw)))


def _settings(decoder: Decoder, answers: AnswerSettings, options: VerifyOptions) -> Settings:
    return Settings(
        *drafting(decoder.settings, adaptive=options.drafting.adaptive),
        drafter=decoder.spec.name,
        verify=answers.verify,
        seed=answers.seed,
        quick=bool(options.own.quick),
        context=decoder.models.n_ctx,
    )
