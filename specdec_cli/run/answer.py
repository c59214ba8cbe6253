"""One prompt through a loaded pair: events to the view, a result at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from specdec_cli.core.events import Event, Finished, FinishReason, Text, TextPart
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.stats import RunStats
from specdec_cli.core.verify import Rule
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loop import generate
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.errors import ContextFullError
from specdec_cli.run.used import Drafting, Models, drafting
from specdec_cli.templates.thinking import Thoughts
from specdec_cli.terminal.jsonl import as_json, report_object

_ROOM = 512
"""Tokens of an answer that a hint leaves room for, where nobody says how long it may be."""


@dataclass(frozen=True, slots=True)
class Settings(Drafting):
    """What an answer was made with."""

    drafter: str
    verify: Rule
    same_bits: bool
    temperature: float
    seed: int
    context: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Report:
    """An answer, as ``--json`` has it."""

    text: str
    thinking: str | None
    finish_reason: FinishReason
    stop: str | None
    prompt_tokens: int
    completion_tokens: int
    stats: Mapping[str, object]
    settings: Settings
    models: Models
    profile: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """One answer.

    Args:
        thinking: what the model thought before its answer; ``None`` where it did not, or where
            nobody asked for that to be told apart.
        backend_seconds: time inside llama.cpp; what is left of the run is the program's own.
    """

    text: str
    thinking: str | None
    reason: FinishReason
    prompt_tokens: int
    stats: RunStats
    backend_seconds: float
    settings: Settings
    models: Models
    stop: str | None
    profile: str | None

    def report(self) -> Report:
        """What ``--json`` has of it."""
        return Report(
            self.text,
            self.thinking,
            self.reason,
            self.stop,
            self.prompt_tokens,
            self.stats.completion_tokens,
            {**self.stats.as_dict(), "backend_seconds": self.backend_seconds},
            self.settings,
            self.models,
            self.profile,
        )

    def as_dict(self) -> Mapping[str, object]:
        """The object of ``--json``."""
        return report_object(self.report())


def cut_short(sampling: Sampling, reason: FinishReason | None, stop: str | None) -> str:
    """The warning that an answer ended before its grammar let it; empty where none did."""
    if not sampling.constrains or (reason == "stop" and stop is None):
        return ""
    what = "schema" if sampling.json_schema else "grammar"
    why = {"length": " at -n", "context": " where the context is full", "stop": " at --stop"}
    return f"the answer was cut{why.get(reason or '', '')}: it may not fit the {what}"


def only_thought(result: Result) -> str:
    """The warning that an answer ended before it began; empty where it did not."""
    if result.text or not result.thinking or result.reason == "cancelled":
        return ""
    why = " at -n" if result.reason == "length" else ""
    return f"it ended{why} while the model was thinking, with no answer; --json has its thoughts"


def answer(
    decoder: Decoder,
    settings: AnswerSettings,
    prompt: Sequence[int],
    *,
    max_tokens: int,
    stops: Sequence[str],
    observe: Callable[[Event], None],
    cancelled: Callable[[], bool],
    profile: str | None = None,
    plain: bool = False,
    stats: RunStats | None = None,
    thoughts: Thoughts | None = None,
) -> Result:
    """Generate an answer, telling ``observe`` each event; otherwise as ``answering``."""
    made = answering(
        decoder,
        settings,
        prompt,
        max_tokens=max_tokens,
        stops=stops,
        cancelled=cancelled,
        profile=profile,
        plain=plain,
        stats=stats,
        thoughts=thoughts,
    )
    with closing(made) as events:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                result: Result = end.value
                return result
            observe(event)


def answering(
    decoder: Decoder,
    settings: AnswerSettings,
    prompt: Sequence[int],
    *,
    max_tokens: int,
    stops: Sequence[str],
    cancelled: Callable[[], bool],
    profile: str | None = None,
    plain: bool = False,
    stats: RunStats | None = None,
    thoughts: Thoughts | None = None,
) -> Generator[Event, None, Result]:
    """Generate an answer event by event; a cancelled one has what was there until then.

    Args:
        max_tokens: -1 for as many as the context holds.
        plain: draft nothing, to compare with.
        stats: counts the answer; given by a caller that shows the counts while it is made.
        thoughts: tells what the model thinks from its answer.

    Raises:
        ContextFullError: the prompt leaves no room for an answer.
        SpecdecError: see ``generate``.
    """
    stats = stats or RunStats(decoder.models.load_seconds)
    texts: dict[TextPart, list[str]] = {"mark": [], "thought": [], "answer": []}
    end = Finished("cancelled", 0.0)
    busy = decoder.models.backend_seconds
    limit = decoder.models.n_ctx if max_tokens < 0 else max_tokens
    session = decoder.session(settings, plain=plain)
    used = _settings(decoder, settings, max_tokens)
    models = Models.of(decoder.settings)
    if len(prompt) >= decoder.models.n_ctx:
        raise too_long(decoder, len(prompt), max_tokens)
    with closing(
        generate(
            session,
            prompt,
            max_tokens=limit,
            stops=stops,
            cancelled=cancelled,
            thoughts=thoughts,
        )
    ) as events:
        for event in events:
            stats.observe(event)
            if isinstance(event, Text):
                texts[event.part].append(event.text)
            elif isinstance(event, Finished):
                end = event = replace(event, settings=as_json(used), models=as_json(models))
            yield event
    text, thinking = "".join(texts["answer"]), "".join(texts["thought"]).strip()
    return Result(
        text=text.lstrip("\n") if texts["mark"] else text,
        thinking=thinking or None,
        reason=end.reason,
        prompt_tokens=len(prompt),
        stats=stats,
        backend_seconds=decoder.models.backend_seconds - busy,
        settings=used,
        models=models,
        stop=end.stop,
        profile=profile,
    )


def may_grow(decoder: Decoder) -> bool:
    """Whether a larger context is of use: beyond what it was trained for a model is lost."""
    trained = decoder.models.target_header.context_length
    return not trained or decoder.models.n_ctx < trained


def too_long(decoder: Decoder, tokens: int, max_tokens: int) -> ContextFullError:
    """The error for a prompt that the context has no room for."""
    message = f"the prompt has {tokens} tokens, the context holds {decoder.models.n_ctx}"
    needed = tokens + (max_tokens if max_tokens > 0 else _ROOM)
    trained = decoder.models.target_header.context_length or needed
    if tokens >= trained:
        way = f"shorten the prompt: the model was trained for {trained} tokens at most"
    else:
        way = f"shorten the prompt, or give a larger context: -c {min(needed, trained)}"
    return ContextFullError(message, way)


def _settings(decoder: Decoder, answer: AnswerSettings, max_tokens: int) -> Settings:
    return Settings(
        *drafting(decoder.settings, adaptive=decoder.length is not None),
        drafter=decoder.spec.name,
        verify=decoder.rule(answer),
        same_bits=decoder.models.same_bits.kept,
        temperature=answer.sampling.temperature,
        seed=answer.seed,
        context=decoder.models.n_ctx,
        max_tokens=max_tokens,
    )
