"""Both checks of a pair, greedy and sampled, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from specdec_cli.core.verify import Rule
from specdec_cli.drafters.none import NoDrafter
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.verify.greedy import GreedyCheck, GreedyReport
from specdec_cli.verify.sampling import SamplingCheck, SamplingReport
from specdec_cli.verify.subject import Progress, Prompt, Stop, Subject

ALL_RULES: tuple[Rule, ...] = ("match", "rejection", "block")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is looked at.

    Args:
        max_tokens: of each greedy answer.
        walked: along how many greedy answers noise is measured and contexts are looked for.
        draws: sampled answers for each rule and context; 0 leaves the sampling tests out.
        contexts: texts whose continuation is sampled.
    """

    max_tokens: int = 48
    walked: int = 6
    draws: int = 1000
    contexts: int = 3


QUICK = Effort(max_tokens=24, walked=3, draws=400, contexts=1)


@dataclass(frozen=True, slots=True)
class Findings:
    """What both checks came to; ``passed`` is ``None`` where nobody can say."""

    compared: bool
    interrupted: bool
    passed: bool | None
    defects: int
    greedy: GreedyReport
    sampling: SamplingReport


class Check:
    """Compares a pair with its own target.

    Args:
        settings: of the answers; greedy ones take temperature 0, sampled ones this temperature, or
            1 where it is 0.
        exact: the pair promises equal bits whatever drafts.
        most_rows: of a pass, with the longest draft.
    """

    def __init__(
        self,
        subject: Subject,
        settings: AnswerSettings,
        effort: Effort,
        *,
        exact: bool,
        most_rows: int = 0,
    ) -> None:
        session = subject.session(settings)
        self._drafts = not isinstance(session.drafter, NoDrafter)
        self._draws = effort.draws
        self.greedy = GreedyCheck(
            subject,
            settings,
            max_tokens=effort.max_tokens,
            exact=exact,
            walked=effort.walked,
            most_rows=most_rows,
        )
        self.sampling = SamplingCheck(
            subject,
            _sampled(settings),
            rules=_rules(settings, exact=exact),
            draws=effort.draws,
            contexts=effort.contexts,
        )
        self.finished = False

    @property
    def compared(self) -> bool:
        """Whether anything was drafted, so that there is something to compare."""
        return self.greedy.report.drafted > 0

    @property
    def defects(self) -> int:
        """Findings that neither arithmetic nor chance explains."""
        return self.greedy.report.defects + self.sampling.report.defects

    def run(self, prompts: Sequence[Prompt], progress: Progress, stop: Stop) -> None:
        """Run both checks, or none where nothing drafts.

        Raises:
            Cancelled: the person asked to stop; what is known so far is kept.
            SpecdecError: see ``generate``.
        """
        if self._drafts:
            self.greedy.run(prompts, progress, stop)
        if self.compared and self._draws:
            self.sampling.run(self.greedy.walks, progress, stop)
        self.finished = True

    def report(self) -> Findings:
        """What both came to."""
        return Findings(
            self.compared,
            not self.finished,
            not self.defects if self.finished and self.compared else None,
            self.defects,
            self.greedy.report,
            self.sampling.report,
        )


def _sampled(settings: AnswerSettings) -> AnswerSettings:
    sampling = settings.sampling
    if sampling.temperature > 0:
        return settings
    return replace(settings, sampling=replace(sampling, temperature=1.0))


def _rules(settings: AnswerSettings, *, exact: bool) -> tuple[Rule, ...]:
    """The rule that was asked for, or all; exact mode has one."""
    if exact:
        return ("match",)
    return ALL_RULES if settings.verify == "auto" else (settings.verify,)
