"""The models of one loaded pair under other settings, so that settings can be compared in turn."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, cast

from specdec_cli.drafters.registry import Need
from specdec_cli.engine.build import Pair, chosen_drafter
from specdec_cli.engine.learnt import Learnt
from specdec_cli.engine.session import Session
from specdec_cli.engine.settings import AnswerSettings, ModelRole, PairSettings
from specdec_cli.models.environment import default_threads

if TYPE_CHECKING:
    from specdec_cli.models.llama_context import LlamaContext


class Variant(Pair):
    """A pair's models and caches, with drafter, lengths and threads of its own.

    What was learnt is its own too, and starts from nothing. Only one variant may be in use at a
    time. The pair must be loaded with a draft model if a variant needs one, and for drafts as long
    as the longest; it is the pair that is closed.

    Args:
        settings: as for the pair, but for the drafter, draft lengths and threads.
    """

    def __init__(self, pair: Pair, settings: PairSettings) -> None:  # the models are loaded already
        vars(self).update(vars(pair))
        self.settings = settings
        self.spec = chosen_drafter(settings)
        self._threads = self._threads_of(settings)
        self._loaded_draft = self._draft
        if Need.DRAFT_MODEL not in self.spec.needs:
            self._draft = None
        self._choose_lengths()
        self.forget()
        self.use_threads()
        self._warm_up(remember=False)

    def session(self, answer: AnswerSettings, *, plain: bool = False) -> Session:
        self.use_threads()
        return super().session(answer, plain=plain)

    def use_threads(self) -> None:
        """Let both models compute with this variant's threads, which others may have changed."""
        target, draft, batch = self._threads
        cast("LlamaContext", self.target.model).use_threads(target, batch)
        if self._loaded_draft:
            cast("LlamaContext", self._loaded_draft[1].model).use_threads(draft, batch)

    def pass_seconds(self, role: ModelRole, rows: int, threads: int) -> float:
        """Time one pass over as many tokens on an empty cache, with other threads than its own.

        Raises:
            ValueError: there is no such model.
        """
        if role == "draft" and not self._loaded_draft:
            raise ValueError("there is no draft model")
        synced = self._loaded_draft[1] if role == "draft" and self._loaded_draft else self.target
        synced.forget()
        cast("LlamaContext", synced.model).use_threads(threads, threads)
        began = perf_counter()
        synced.model.decode((0,) * rows, rows)
        seconds = perf_counter() - began
        synced.model.truncate(0)
        return seconds

    def keep(self) -> None:
        """Keep what was learnt of costs and acceptance for the runs to come."""
        if self.length is None or not self.is_worth_keeping or self.settings.exact:
            return
        laid = self._layout()
        Learnt(self.as_loaded(self.settings), self.drafter, laid, laid.rows).save(
            self.length, self._ngrams
        )

    def close(self) -> None:
        """Nothing: the models are the pair's."""

    def _threads_of(self, settings: PairSettings) -> tuple[int, int, int]:
        """Threads of the target, of the draft model, and of batches."""
        usual = default_threads()
        target = settings.target.threads or usual
        draft = (settings.draft.threads if settings.draft else 0) or target
        return target, draft, settings.context.threads_batch or usual
