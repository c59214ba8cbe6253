"""The speculative loop: draft, one target pass, verdict, commit; plain decoding drafts nothing.

Leviathan et al., arXiv 2211.17192, algorithm 1. The session decides what is drafted, how much, and
how it is verified; this file only has the order of the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from specdec_cli.core.clock import now
from specdec_cli.core.events import (
    Event,
    Finished,
    FinishReason,
    PromptDone,
    PromptProgress,
    Round,
)
from specdec_cli.core.types import NO_DRAFT, Logits
from specdec_cli.engine.detokenizer import Detokenizer
from specdec_cli.engine.news import News
from specdec_cli.engine.session import Session
from specdec_cli.engine.stopwatch import Stopwatch
from specdec_cli.errors import Cancelled, ContextFullError, UsageError
from specdec_cli.templates.thinking import Thoughts


@dataclass(frozen=True, slots=True)
class TargetPass:
    """A pass of the target that a round needs.

    Args:
        committed: all tokens so far; the cache lacks the last at least.
        draft: tokens after them to be scored.
        rows: logits that the pass returns at least, for the last committed token and the draft;
            more where that is cheaper.
    """

    committed: Sequence[int]
    draft: Sequence[int]
    rows: int


def generate(
    session: Session,
    prompt: Sequence[int],
    *,
    max_tokens: int,
    stops: Sequence[str] = (),
    cancelled: Callable[[], bool] = lambda: False,
    thoughts: Thoughts | None = None,
) -> Generator[Event, None, None]:
    """Answer a prompt.

    A caller that stops early must close the generator while the models are loaded. Afterwards both
    caches may hold tokens that were never committed; the next user cuts them back to the common
    prefix.

    Args:
        prompt: tokens, at least one.
        max_tokens: the answer ends after this many.
        cancelled: asked before every round, and while the prompt is read.
        thoughts: tells what the model thinks from its answer; without it all is the answer.

    Raises:
        UsageError: the prompt is empty.
        ContextFullError: the prompt leaves no room for an answer.
        BackendError: llama.cpp failed.
    """
    n_ctx = session.target.model.n_ctx
    if not prompt:
        raise UsageError("the prompt is empty", 'give one, for example: specdec run "Hello"')
    if len(prompt) >= n_ctx:
        raise ContextFullError(
            f"the prompt has {len(prompt)} tokens, the context holds {n_ctx}",
            "shorten the prompt, or give a larger context: -c",
        )
    detokenizer = Detokenizer(session.vocab, stops, thoughts)
    rounds = _answer(session, list(prompt), max_tokens, detokenizer, cancelled)
    with closing(session.drafter), closing(rounds):
        try:
            yield from _read_prompt(session, prompt, cancelled)
        except Cancelled:
            yield Finished("cancelled", 0.0)
            return
        yield from _drive(rounds, session)


def _drive(rounds: Generator[Event | TargetPass, Logits], session: Session) -> Iterator[Event]:
    """Make each pass that an answer asks for at once, and pass its events on."""
    try:
        said = next(rounds)
        while True:
            if isinstance(said, TargetPass):
                rows = session.target.score(said.committed, said.draft, said.rows)
                said = rounds.send(rows)
            else:
                yield said
                said = next(rounds)
    except StopIteration:
        return


def _read_prompt(
    session: Session, prompt: Sequence[int], cancelled: Callable[[], bool]
) -> Iterator[Event]:
    """Bring the target to all of the prompt but its last token, which the first round decodes
    together with the first draft. A drafter reads it when it is first asked."""
    began = now()
    if not session.reuse:
        session.target.forget()
    reused = min(session.target.restart(prompt), len(prompt) - 1)
    if len(prompt) - reused > session.target.model.n_batch:
        yield PromptProgress(reused, len(prompt))  # the first batch may take seconds
    session.meter.begin()
    chunk = now()
    for done in session.target.prefill(prompt[:-1], cancelled):
        session.meter.happened(now() - chunk)
        yield PromptProgress(done, len(prompt))
        chunk = now()
        if cancelled():
            raise Cancelled
    session.drafter.start(prompt, cancelled)
    session.verifier.start(prompt)
    seconds = now() - began
    session.length.start(len(prompt) - 1 - reused, seconds)
    yield PromptDone(len(prompt), reused, seconds)


def _answer(
    session: Session,
    committed: list[int],
    max_tokens: int,
    detokenizer: Detokenizer,
    cancelled: Callable[[], bool],
) -> Generator[Event | TargetPass, Logits]:
    """Decode until the answer ends. Passes of the target are yielded and their rows sent back."""
    began = now()
    length = session.length
    watch, news = Stopwatch(), News(length, session.costs)
    session.meter.begin()
    session.costs.begin(began)
    yield from news
    end = len(committed) + max_tokens
    n_ctx = session.target.model.n_ctx
    reason: FinishReason = "stop"
    stop: str | None = None
    while True:
        # A round commits one token more than it drafts, and the cache must hold the draft.
        room = min(end, n_ctx) - len(committed)
        if room <= 0:
            reason = "length" if len(committed) >= end else "context"
            break
        watch.begin()
        k = length.next(room - 1)
        draft = session.drafter.draft(committed, k) if k else NO_DRAFT
        if cancelled():  # the draft may be cut short and is not verified
            reason = "cancelled"
            break
        watch.drafted()
        drafted = len(draft.tokens)
        n = min(length.rows(drafted + 1), n_ctx - len(committed) + 1) if drafted else 1
        rows = yield TargetPass(committed, draft.tokens, n)
        verdict = session.verifier.verify(rows, draft, len(committed))
        watch.verified()
        interrupted = session.meter.happened(watch.seconds)

        tokens = (*draft.tokens[: verdict.accepted], verdict.token)
        delta = detokenizer.push(tokens, verdict.accepted)
        tokens = tokens[: delta.used]
        committed.extend(tokens)
        session.verifier.commit(tokens)
        outcome = Round(
            tokens,
            drafted,
            min(verdict.accepted, delta.used),
            draft.source,
            watch.draft_seconds,
            watch.verify_seconds,
            news.parked and not drafted,
            watch.between,
            interrupted,
            draft.read_seconds,
        )
        watch.tell_loop(session.costs, plain=n == 1, interrupted=interrupted)
        watch.learning_begins()
        session.drafter.observe(outcome)
        length.observe(outcome, draft.confidence, verdict.acceptance, n)
        watch.learning_ends()
        yield outcome
        yield from delta.texts
        yield from news
        if delta.ended:
            stop = delta.stop
            break
    session.costs.end(now())
    yield from detokenizer.finish()
    yield Finished(reason, now() - began, stop)
