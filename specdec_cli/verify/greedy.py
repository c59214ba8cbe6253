"""Greedy answers, plain against speculative, token by token.

After a difference the speculative side restarts from the plain answer up to and including that
token. The plain answer stays the one reference, each later position is checked once, on the text
that plain decoding gives it, and one near tie does not hide what comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from specdec_cli.core.types import Logits
from specdec_cli.engine.same_bits import difference, first_difference
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.errors import Cancelled
from specdec_cli.models.cached import CachedModel
from specdec_cli.verify.noise import Noise, fresh, logits_along
from specdec_cli.verify.scores import Scores, gap, margin
from specdec_cli.verify.subject import Progress, Prompt, Run, Stop, Subject, answer

Kind = Literal["cold", "resumed", "plain"]
"""What differs from plain decoding: an answer from an empty cache; one that resumes on the cache
an answer left; or plain decoding itself, from one-token passes over its own answer."""

Verdict = Literal["near tie", "defect", "not judged"]

_MAX_DIFFERENCES = 16
"""Differences after which a prompt is left: something is very wrong, and known to be."""

_MAX_SHAPES = 8


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its text."""

    id: int
    text: str


@dataclass(slots=True)
class Difference:
    """A position where two answers part.

    Args:
        position: tokens of the answer before it.
        plain, other: the two tokens; ``None`` where an answer had ended.
        rows: how many rows the pass had that gave ``other``.
        margin: the best score less the second, from a pass over one row, in logits.
        margin_in_batch: the same from a pass of the shape that was used.
        gap: how far the worse of the two tokens is behind the best.
        tolerance: the gap up to which arithmetic explains the difference.
    """

    JSON: ClassVar = (
        *("prompt", "kind", "position", "plain", "other", "rows"),
        *("margin", "margin_in_batch", "gap", "tolerance", "verdict"),
    )
    prompt: str
    kind: Kind
    position: int
    plain: Token | None
    other: Token | None
    rows: int
    context: tuple[int, ...]
    began: int
    margin: float | None = None
    margin_in_batch: float | None = None
    gap: float | None = None
    tolerance: float | None = None
    verdict: Verdict = "not judged"


@dataclass(slots=True)
class Walk:
    """The plain answer of a prompt, with the logits of every shape of pass along it.

    Args:
        logits: by number of rows, shape (answer tokens, n_vocab).
    """

    prompt: Prompt
    tokens: tuple[int, ...]
    logits: dict[int, Logits]


@dataclass(slots=True)
class GreedyReport:
    """What was compared, and what was found."""

    JSON: ClassVar = (
        *("prompts", "positions", "drafted", "accepted"),
        *("noise", "differences", "defects"),
    )
    exact: bool
    prompts: int = 0
    positions: int = 0
    drafted: int = 0
    accepted: int = 0
    shapes: dict[int, int] = field(default_factory=dict)
    noise: Noise = field(default_factory=Noise)
    differences: list[Difference] = field(default_factory=list)

    @property
    def broken(self) -> bool:
        """Whether passes of several rows are off by more than the mode allows."""
        return self.noise.broken or (self.exact and self.noise.largest > 0.0)

    @property
    def defects(self) -> int:
        """How many findings no arithmetic explains."""
        found = sum(difference.verdict == "defect" for difference in self.differences)
        return found + self.broken


class GreedyCheck:
    """Compares answers at temperature 0.

    Args:
        settings: of the answers; their temperature is taken for 0.
        max_tokens: of one answer.
        exact: the pair promises equal bits, so nothing may differ at all.
        walked: along how many answers the noise is measured.
        most_rows: of a pass, with the longest draft; one such pass is made, whatever was drafted.
    """

    def __init__(
        self,
        subject: Subject,
        settings: AnswerSettings,
        *,
        max_tokens: int,
        exact: bool = False,
        walked: int = 4,
        most_rows: int = 0,
    ) -> None:
        self._subject = subject
        self._settings = replace(settings, sampling=replace(settings.sampling, temperature=0.0))
        self._max_tokens = max_tokens
        self._walked = walked
        self._most_rows = most_rows
        self._answers: list[tuple[Prompt, Run]] = []
        self.report = GreedyReport(exact)
        self.walks: list[Walk] = []

    def run(self, prompts: Sequence[Prompt], progress: Progress, stop: Stop) -> None:
        """Fill the report and the walks.

        Raises:
            Cancelled: the person asked to stop; the report has what is known so far.
        """
        for number, prompt in enumerate(prompts):
            progress("comparing greedy answers", number, len(prompts))
            self._compare(prompt, stop, plain_first=number % 2 == 0)
            self.report.prompts += 1
        answers = [found for found in self._answers if len(found[1].tokens) > 1][: self._walked]
        for number, (prompt, plain) in enumerate(answers):
            progress("measuring the noise of batch shapes", number, len(answers))
            self._walk(prompt, plain, stop)
        if answers and self.report.drafted:
            self._look_at_longest(*answers[0], stop)
        self._decide(stop)

    def _compare(self, prompt: Prompt, stop: Stop, *, plain_first: bool) -> None:
        """One prompt: from an empty cache in either order, then resumed on the cache this left."""
        speculative = None if plain_first else self._answer(prompt.tokens, stop, cold=True)
        plain = self._answer(prompt.tokens, stop, cold=True, plain=True)
        self._answers.append((prompt, plain))
        self._follow(prompt, plain, 0, stop, speculative)
        middle = len(plain.tokens) // 2
        if middle:
            self._follow(prompt, plain, middle, stop)

    def _follow(
        self, prompt: Prompt, plain: Run, begin: int, stop: Stop, first: Run | None = None
    ) -> None:
        """Compare with the plain answer from its token ``begin`` on, through all differences."""
        kind: Kind = "resumed" if begin else "cold"
        for _ in range(_MAX_DIFFERENCES):
            context = (*prompt.tokens, *plain.tokens[:begin])
            left = self._max_tokens - begin
            run = first or self._answer(context, stop, cold=kind == "cold", max_tokens=left)
            first = None
            self._count(run)
            at = first_difference(plain.tokens[begin:], run.tokens)
            same = len(plain.tokens) - begin if at is None else at
            self.report.positions += same
            if at is None:
                return
            began, drafted = run.round_of(at)
            self.report.differences.append(
                Difference(
                    prompt.name,
                    kind,
                    begin + at,
                    self._token(plain.tokens, begin + at),
                    self._token(run.tokens, at),
                    drafted + 1,
                    (*context, *run.tokens[:at]),
                    len(context) + began,
                )
            )
            begin += at + 1
            if begin >= len(plain.tokens):
                return

    def _answer(
        self,
        prompt: Sequence[int],
        stop: Stop,
        *,
        cold: bool,
        plain: bool = False,
        max_tokens: int | None = None,
    ) -> Run:
        session = self._subject.session(self._settings, plain=plain)
        if cold:
            session.target.restart(prompt)
            session.target.forget()
        limit = self._max_tokens if max_tokens is None else max_tokens
        return answer(session, prompt, limit, stop)

    def _count(self, run: Run) -> None:
        report = self.report
        report.drafted += run.drafted
        report.accepted += run.accepted
        for _, drafted, _ in run.rounds:
            report.shapes[drafted + 1] = report.shapes.get(drafted + 1, 0) + 1

    def _shapes(self) -> list[int]:
        """The numbers of rows to measure: the most frequent ones and the largest."""
        shapes = {rows: n for rows, n in self.report.shapes.items() if rows > 1}
        common = sorted(shapes, key=lambda rows: -shapes[rows])[: _MAX_SHAPES - 1]
        return sorted({*common, *([max(shapes)] if shapes else [])})

    def _logits(
        self, prompt: Prompt, answer: Sequence[int], shapes: Sequence[int], stop: Stop
    ) -> dict[int, Logits]:
        """Logits along an answer, by passes of one row and of others, whose noise is noted."""
        tokens, first = (*prompt.tokens, *answer), len(prompt.tokens)
        noise = self.report.noise

        def along(rows: int) -> Logits:
            return logits_along(self._target, tokens, first, rows, _unless(stop))

        found = {1: along(1)}
        noise.spread_of(found[1])
        for rows in shapes:
            found[rows] = along(rows)
            noise.compare(min(rows, len(found[1])), found[1], found[rows])
        return found

    def _walk(self, prompt: Prompt, plain: Run, stop: Stop) -> None:
        logits = self._logits(prompt, plain.tokens, self._shapes(), stop)
        self.walks.append(Walk(prompt, plain.tokens, logits))

    def _look_at_longest(self, prompt: Prompt, plain: Run, stop: Stop) -> None:
        """Measure one pass of the most rows that a draft can bring, if none was measured.

        Its text repeats the answer as often as it takes.
        """
        rows = min(self._most_rows, self._target.model.n_ctx - len(prompt.tokens))
        if rows >= 2 and rows not in self.report.noise.by_rows:
            text = plain.tokens * (rows // len(plain.tokens) + 1)
            self._logits(prompt, text[:rows], [rows], stop)

    @property
    def _target(self) -> CachedModel:
        return self._subject.session(self._settings, plain=True).target

    def _token(self, tokens: Sequence[int], at: int = 0) -> Token | None:
        """A token of an answer; ``None`` where the answer had ended."""
        if at >= len(tokens):
            return None
        vocab = self._subject.session(self._settings, plain=True).vocab
        return Token(tokens[at], vocab.piece(tokens[at]).decode("utf-8", "replace"))

    def _decide(self, stop: Stop) -> None:
        scores = Scores(self._subject, self._settings)
        for walk in self.walks:
            self._check_plain(walk, scores)
        for found in self.report.differences:
            if stop():
                raise Cancelled
            if found.kind != "plain":
                self._examine(found, scores)

    def _check_plain(self, walk: Walk, scores: Scores) -> None:
        """Plain decoding, the reference, against one-token passes from a fresh cache."""
        tolerance = scores.tolerance(self.report.noise.largest)
        for i, (token, row) in enumerate(zip(walk.tokens, walk.logits[1], strict=True)):
            context = (*walk.prompt.tokens, *walk.tokens[:i])
            after = scores.after(context, row)
            behind = gap(after, token)
            if behind > (0.0 if self.report.exact else tolerance):
                best = int(after.argmax())
                tokens = self._token((best,)), self._token((token,))
                found = Difference(walk.prompt.name, "plain", i, *tokens, 1, context, len(context))
                found.margin = found.margin_in_batch = margin(after)
                found.gap, found.tolerance, found.verdict = behind, tolerance, "defect"
                self.report.differences.append(found)

    def _examine(self, found: Difference, scores: Scores) -> None:
        """Ask the target itself, in passes of one row and of the shape that was used."""
        target, context = self._target, found.context
        fresh(target, context, len(context) - 1)
        single = target.score(context)[0].copy()
        drafted = list(context[found.began :])
        drafted += [context[-1]] * (found.rows - 1 - len(drafted))  # what follows changes no row
        fresh(target, context, found.began - 1)
        rows = target.score(context[: found.began], drafted)
        several = rows[len(context) - found.began].copy()

        after = scores.after(context, single)
        noise = max(self.report.noise.largest, difference(single, several))
        found.margin = margin(after)
        found.margin_in_batch = margin(scores.after(context, several))
        found.tolerance = scores.tolerance(noise)
        found.verdict = "defect"
        if found.plain is None or found.other is None:
            return  # no arithmetic ends an answer; an end by a token would have shown as that token
        found.gap = gap(after, found.plain.id, found.other.id)
        if not self.report.exact and found.gap <= found.tolerance:
            found.verdict = "near tie"


def _unless(stop: Stop) -> Callable[[], None]:
    """What is called before each pass, to give up when the person asks for it."""

    def each() -> None:
        if stop():
            raise Cancelled

    return each
