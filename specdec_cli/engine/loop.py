"""The speculative loop: draft, one target pass, verdict, commit; plain decoding drafts nothing.

Leviathan et al., arXiv 2211.17192, algorithm 1. What is drafted, how much and how it is judged
are the session's parts; this file only knows the order of things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from specdec_cli.core.clock import now
from specdec_cli.core.events import (
    Baseline,
    Event,
    Finished,
    FinishReason,
    PromptDone,
    PromptProgress,
    Resumed,
    Round,
)
from specdec_cli.core.types import NO_DRAFT
from specdec_cli.engine.session import Session
from specdec_cli.engine.text import Answer
from specdec_cli.errors import Cancelled, ContextFullError, UsageError

_NEWS = 0.02
"""Relative change of the baseline that is worth an event."""


def generate(
    session: Session,
    prompt: Sequence[int],
    *,
    max_tokens: int,
    stops: Sequence[str] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Answer a prompt.

    Both caches may be left with tokens that were never committed, when the answer ends or the
    caller walks away: whoever uses them next cuts them back to the common prefix.

    Args:
        prompt: tokens, at least one.
        max_tokens: the answer ends after this many.
        cancelled: asked before every round, and while the prompt is read.

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
    answer = Answer(session.vocab, stops)
    with closing(session.drafter):
        try:
            yield from _read_prompt(session, prompt, cancelled)
        except Cancelled:
            yield Finished("cancelled", 0.0)
            return
        yield from _answer(session, list(prompt), max_tokens, answer, cancelled)


def _read_prompt(
    session: Session, prompt: Sequence[int], cancelled: Callable[[], bool]
) -> Iterator[Event]:
    """Bring the target to all of the prompt but its last token, which the first round decodes
    together with the first draft. A drafter reads it when it is first asked."""
    began = now()
    if not session.reuse:
        session.target.forget()
    reused = min(session.target.restart(prompt), len(prompt) - 1)
    session.meter.begin()
    chunk = now()
    for done in session.target.fill(prompt[:-1], cancelled):
        session.meter.happened(now() - chunk)
        yield PromptProgress(done, len(prompt))
        chunk = now()
        if cancelled():
            raise Cancelled
    session.drafter.start(prompt, cancelled)
    session.judge.start(prompt)
    seconds = now() - began
    session.length.start(len(prompt) - 1 - reused, seconds)
    yield PromptDone(len(prompt), reused, seconds)


def _answer(
    session: Session,
    committed: list[int],
    max_tokens: int,
    answer: Answer,
    cancelled: Callable[[], bool],
) -> Iterator[Event]:
    began = now()
    length = session.length
    costs = session.costs
    told = costs.token
    if told:
        yield Baseline(told)
    session.meter.begin()
    parked = length.parked
    if parked is not None:
        yield parked
    end = len(committed) + max_tokens
    n_ctx = session.target.model.n_ctx
    reason: FinishReason | None = None
    stop: str | None = None
    verified = 0.0  # when the pass before had been judged
    deciding = 0.0  # of the time since then, what the policy and the drafter took to learn from it
    plainly = False  # whether it was a plain one
    while reason is None:
        # A round commits one token more than it drafts, and the cache must hold the draft.
        room = min(end, n_ctx) - len(committed)
        if room <= 0:
            reason = "length" if len(committed) >= end else "context"
            break
        start = now()
        between = start - verified if verified else 0.0
        k = length.next(room - 1)
        draft = session.drafter.draft(committed, k) if k else NO_DRAFT
        if cancelled():  # while drafting: the draft may be cut short, and is not judged
            reason = "cancelled"
            break
        drafted = now()
        proposed = len(draft.tokens)
        n = min(length.rows(proposed + 1), n_ctx - len(committed) + 1) if proposed else 1
        rows = session.target.extend(committed, draft.tokens, n)
        verdict = session.judge.verify(rows, draft, len(committed))
        tokens = (*draft.tokens[: verdict.accepted], verdict.token)
        verified = now()
        interrupted = session.meter.happened(verified - start + between)

        pushed = answer.push(tokens, verdict.accepted)
        tokens = tokens[: pushed.used]
        committed.extend(tokens)
        session.judge.commit(tokens)
        outcome = Round(
            tokens,
            proposed,
            min(verdict.accepted, pushed.used),
            draft.source,
            drafted - start,
            verified - drafted,
            parked is not None and not proposed,
            between,
            interrupted,
            draft.read_seconds,
        )
        if between and not interrupted:
            costs.observe_loop(between - deciding, plain=plainly and n == 1)
        plainly = n == 1
        deciding = -now()
        session.drafter.observe(outcome)
        chances = session.judge.chances(draft, verdict) if proposed and length.asks else ()
        length.observe(outcome, draft.confidence, chances, n)
        deciding += now()
        yield outcome
        yield from pushed.texts
        if (length.parked is None) != (parked is None):
            yield length.parked or Resumed()
        parked = length.parked
        measured = costs.token
        if abs(measured - told) > _NEWS * told:
            told = measured
            yield Baseline(measured)
        if pushed.ended:
            reason, stop = "stop", pushed.stop
    yield from answer.finish()
    yield Finished(reason, now() - began, stop)
