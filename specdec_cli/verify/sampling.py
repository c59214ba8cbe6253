"""Sampled answers: the distribution of the next two tokens, counted against the target's own.

Each draw is an answer of the real machinery, drafter, pass and rule, with a seed of its own. Two
tokens show what a round commits and what the round after a rejection makes of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from specdec_cli.core.verify import Rule
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.errors import Cancelled
from specdec_cli.verify.distributions import Context, TwoTokens, choose_contexts, two_tokens
from specdec_cli.verify.fit import (
    FAMILY_LEVEL,
    POWER,
    RETEST_DRAWS,
    RETEST_LEVEL,
    Fit,
    Outcome,
    detectable_distance,
    fit,
    holm,
)
from specdec_cli.verify.greedy import Walk
from specdec_cli.verify.subject import Progress, Stop, Subject, answer

Verdict = Literal["fits", "fits on retest", "suspected", "defect"]
"""``suspected`` stays where the person stopped the second look."""

_PREDICT = 64
"""Room for drafts of any length; an answer is left after two tokens."""

_SEEDS = 1 << 32
"""Seeds set aside for one test."""


@dataclass(slots=True)
class Trial:
    """One context under one rule.

    Args:
        detectable_distance: the total variation distance that would be found with probability 0.9.
        drafted, accepted: draft tokens verified and kept in all draws.
    """

    JSON: ClassVar = (
        *("rule", "prompt", "position", "**first", "detectable_distance"),
        *("drafted", "accepted", "retest", "verdict"),
    )
    rule: Rule
    context: Context
    first: Fit
    detectable_distance: float | None = None
    drafted: int = 0
    accepted: int = 0
    retest: Fit | None = None
    verdict: Verdict = "fits"

    @property
    def prompt(self) -> str:
        """Name of the prompt."""
        return self.context.prompt.name

    @property
    def position(self) -> int:
        """Tokens of the answer before the draws."""
        return self.context.position


@dataclass(slots=True)
class SamplingReport:
    """All tests at one temperature."""

    JSON: ClassVar = ("temperature", "level", "retest_level", "power", "tests", "defects")
    level: ClassVar[float] = FAMILY_LEVEL
    retest_level: ClassVar[float] = RETEST_LEVEL
    power: ClassVar[float] = POWER
    temperature: float
    tests: list[Trial] = field(default_factory=list)

    @property
    def defects(self) -> int:
        return sum(test.verdict == "defect" for test in self.tests)


class SamplingCheck:
    """Tests the distribution of sampled tokens.

    Args:
        settings: of the answers, at a temperature above 0.
        rules: the rules to test.
        draws: answers drawn for each test.
        contexts: texts to draw after.
    """

    def __init__(
        self,
        subject: Subject,
        settings: AnswerSettings,
        *,
        rules: Sequence[Rule],
        draws: int,
        contexts: int,
    ) -> None:
        self._subject = subject
        self._settings = settings
        self._rules = rules
        self._draws = draws
        self._contexts = contexts
        self.report = SamplingReport(settings.sampling.temperature)

    def run(self, walks: Sequence[Walk], progress: Progress, stop: Stop) -> None:
        """Fill the report.

        Args:
            walks: plain answers to choose contexts from.

        Raises:
            Cancelled: the person asked to stop; the report has the tests that were complete.
        """
        session = self._subject.session(self._settings, plain=True)
        chain = session.verifier.chain

        def each() -> None:
            if stop():
                raise Cancelled

        shapes = sorted({rows for walk in walks for rows in walk.logits if rows > 1})
        chosen = choose_contexts(walks, chain, self._contexts)
        dists: list[TwoTokens] = []
        for number, context in enumerate(chosen):
            progress("computing the target's distribution", number, len(chosen))
            dists.append(two_tokens(session.target, session.vocab, chain, context, shapes, each))
        pairs = [(*pair, rule) for rule in self._rules for pair in zip(chosen, dists, strict=True)]
        for number, (context, dist, rule) in enumerate(pairs):
            test = Trial(rule, context, Fit(0, 0, 0.0, 1.0, 0, 0.0))

            def report(done: int, number: int = number) -> None:
                progress("sampling answers", number * self._draws + done, len(pairs) * self._draws)

            counts = self._count(test, dist, self._draws, number, report, stop)
            test.first = fit(counts, dist.distribution)
            test.detectable_distance = detectable_distance(
                test.first.cells, self._draws, len(pairs)
            )
            if test.first.p_value <= FAMILY_LEVEL / len(pairs):
                test.verdict = "suspected"
            self.report.tests.append(test)
        self._look_again(pairs, progress, stop)

    def _look_again(
        self,
        pairs: Sequence[tuple[Context, TwoTokens, Rule]],
        progress: Progress,
        stop: Stop,
    ) -> None:
        """Draw again where the first count is suspicious: chance does not repeat itself."""
        tests = self.report.tests
        suspected = holm([test.first.p_value for test in tests], FAMILY_LEVEL)
        draws = RETEST_DRAWS * self._draws
        for test, is_suspected in zip(tests, suspected, strict=True):
            test.verdict = "suspected" if is_suspected else "fits"
        for number, (test, (_, dist, _)) in enumerate(zip(tests, pairs, strict=True)):
            if not suspected[number]:
                continue

            def report(done: int) -> None:
                progress("sampling answers once more", done, draws)

            counts = self._count(test, dist, draws, number + len(pairs), report, stop)
            test.retest = fit(counts, dist.distribution)
            confirmed = test.retest.p_value <= RETEST_LEVEL
            test.verdict = "defect" if confirmed else "fits on retest"

    def _count(
        self,
        test: Trial,
        dist: TwoTokens,
        draws: int,
        number: int,
        report: Callable[[int], None],
        stop: Stop,
    ) -> Counter[Outcome]:
        """Draw answers and count their outcomes; ``number`` keeps the seeds of tests apart."""
        counts: Counter[Outcome] = Counter()
        first_seed = (self._settings.seed * 1024 + number) * _SEEDS
        for i in range(draws):
            report(i)
            settings = replace(self._settings, verify=test.rule, seed=first_seed + i)
            session = self._subject.session(settings)
            run = answer(session, test.context.tokens, _PREDICT, stop, enough=2)
            counts[dist.outcome(run.tokens)] += 1
            test.drafted += run.drafted
            test.accepted += run.accepted
        return counts
