"""The composition root: from file names and options to a loaded pair and its sessions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Literal

from specdec_cli.core.length import Fixed
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.verify import Rule, choose
from specdec_cli.drafters.base import Drafter, NoDrafter
from specdec_cli.drafters.model import ModelDrafter
from specdec_cli.engine.baseline import Baseline
from specdec_cli.engine.chat import ChatTemplate
from specdec_cli.engine.judge import Judge
from specdec_cli.engine.session import Session
from specdec_cli.errors import UsageError
from specdec_cli.models.compat import require_compatible
from specdec_cli.models.environment import default_threads, prepare
from specdec_cli.models.gguf_header import Header, read_header
from specdec_cli.models.memory import require_memory
from specdec_cli.models.settings import ContextSettings, ModelSettings
from specdec_cli.models.synced import SyncedModel

DrafterName = Literal["auto", "model", "none"]
RuleName = Rule | Literal["auto"]

_EXACT_ROWS = 4
"""Rows every batch is padded to a multiple of in exact mode: the tile of llama.cpp's kernels."""

_WARM_UP_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One model of the pair and how it is loaded."""

    path: Path
    load: ModelSettings = field(default_factory=ModelSettings)
    threads: int = 0


@dataclass(frozen=True, slots=True)
class PairSettings:
    """What is loaded, and how both contexts are laid out.

    Args:
        draft: ``None`` for a target alone.
        n_ctx: context of both models in tokens; 0 for what the target was trained for.
        draft_max: most tokens drafted in a round; sizes the logit buffers.
        exact: the same bits whatever is drafted (see docs/losslessness.md).
    """

    target: ModelChoice
    draft: ModelChoice | None = None
    n_ctx: int = 0
    context: ContextSettings = field(default_factory=lambda: ContextSettings(n_ctx=0))
    drafter: DrafterName = "auto"
    draft_min: int = 0
    draft_max: int = 3
    draft_p_min: float = 0.0
    exact: bool = False


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """How one answer is drawn."""

    sampling: Sampling = field(default_factory=Sampling)
    verify: RuleName = "auto"
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Loading:
    """Progress of loading: which model, and the fraction of it that is there."""

    role: Literal["target", "draft"]
    path: Path
    fraction: float


class Pair:
    """A loaded target, with its draft model if it has one. Close it, or use it in ``with``.

    Args:
        on_loading: told how far loading is; answers whether to go on.

    Raises:
        NotFoundError, DamagedFileError: a file is missing or not a sound GGUF.
        IncompatiblePairError: the models do not share a vocabulary.
        BackendError: llama.cpp refuses, or there is not enough memory.
        Cancelled: ``on_loading`` answered False.
    """

    def __init__(
        self, settings: PairSettings, on_loading: Callable[[Loading], bool] = lambda _: True
    ) -> None:
        began = perf_counter()
        self.settings = settings
        self.target_header = read_header(settings.target.path)
        uses_draft = settings.drafter != "none" and settings.draft is not None
        if settings.drafter == "model" and not uses_draft:
            raise UsageError(
                "--drafter model needs a draft model",
                "give one with -md FILE, or use --drafter none",
            )
        self.drafter_name: Literal["model", "none"] = "model" if uses_draft else "none"
        draft = settings.draft if uses_draft else None
        self.draft_header = read_header(draft.path) if draft else None
        if self.draft_header:
            require_compatible(self.target_header, self.draft_header)

        self.n_ctx = settings.n_ctx or self.target_header.context_length or 4096
        rows = settings.draft_max + 1 if draft else 1
        layout = replace(settings.context, n_ctx=self.n_ctx)
        target_layout = replace(
            layout,
            rows=rows,
            pad=_EXACT_ROWS if settings.exact else 1,
            flash_attention="on" if settings.exact else layout.flash_attention,
            threads=settings.target.threads or default_threads(),
            threads_batch=layout.threads_batch or default_threads(),
        )
        draft_layout = replace(
            layout,
            threads=(draft and draft.threads) or default_threads(),
            threads_batch=layout.threads_batch or default_threads(),
        )
        headers: list[Header] = [self.target_header]
        if self.draft_header:
            headers.append(self.draft_header)
        require_memory(headers, layout)

        prepare(exact=settings.exact)
        # Imported here and not above: the C libraries read their environment when they are loaded.
        from specdec_cli.models.llama import LlamaContext, LlamaModel, require_rewindable

        self._resources = ExitStack()
        with ExitStack() as stack:
            models = []
            contexts = []
            for role, choice, context in (
                ("target", settings.target, target_layout),
                ("draft", draft, draft_layout),
            ):
                if choice is None:
                    continue
                report = _reporter(role, choice.path, on_loading)
                model = LlamaModel(choice.path, choice.load, report)
                stack.callback(model.close)
                if draft or settings.exact:
                    require_rewindable(model)
                models.append(model)
                contexts.append(stack.enter_context(LlamaContext(model, context)))
            self._resources = stack.pop_all()
        self._model = models[0]
        self._draft_model = models[1] if draft else None
        self.vocab = self._model.vocab
        self.target = SyncedModel(contexts[0])
        self.draft = SyncedModel(contexts[1]) if draft else None
        self.baseline = Baseline()
        self._warm_up()
        self.load_seconds = perf_counter() - began

    def rule(self, answer: AnswerSettings) -> Rule:
        """The verification rule an answer will use."""
        temperature = answer.sampling.temperature
        return choose(answer.verify, temperature, temperature > 0, self.settings.draft_max)

    def session(self, answer: AnswerSettings) -> Session:
        """Everything one answer needs, on the pair's caches.

        Raises:
            UsageError: the grammar is not valid.
        """
        from specdec_cli.models.shaper import LlamaShaper

        settings = self.settings
        rule = self.rule(answer)
        uniforms = Uniforms(answer.seed)
        drafter: Drafter = NoDrafter()
        if self.draft and self._draft_model:
            samples = answer.sampling.temperature > 0 and rule != "match"
            drafter = ModelDrafter(
                self.draft,
                LlamaShaper(self._draft_model, replace(answer.sampling, grammar="")),
                is_end=self.vocab.is_end,
                p_min=settings.draft_p_min,
                p_min_from=settings.draft_min,
                uniform=uniforms.draft if samples else None,
            )
        return Session(
            target=self.target,
            vocab=self.vocab,
            drafter=drafter,
            length=Fixed(settings.draft_min, settings.draft_max) if self.draft else Fixed(0, 0),
            judge=Judge(LlamaShaper(self._model, answer.sampling), rule, uniforms),
            reuse=not settings.exact,
            baseline=self.baseline,
        )

    def chat_template(self) -> ChatTemplate | None:
        """The target's chat template, ``None`` where its file has none."""
        source = self.target_header.chat_template
        return ChatTemplate(source, bos=self.vocab.bos, eos=self.vocab.eos) if source else None

    @property
    def backend_seconds(self) -> float:
        """Time spent inside llama.cpp so far, both models."""
        draft = self.draft.model.busy_seconds if self.draft else 0.0
        return self.target.model.busy_seconds + draft

    def close(self) -> None:
        """Free both models."""
        self._resources.close()

    def __enter__(self) -> Pair:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _warm_up(self) -> None:
        """Bring the weights into memory, and measure what a one-token pass costs.

        The passes stop after a quarter of a second, so that a large model pays for one only.
        """
        began = perf_counter()
        model = self.target.model
        for _ in range(6):
            start = perf_counter()
            model.decode((0,), 1)
            self.baseline.observe(1, perf_counter() - start)
            model.truncate(0)
            if perf_counter() - began > _WARM_UP_SECONDS:
                break
        if self.draft:
            self.draft.model.decode((0,), 1)
            self.draft.model.truncate(0)


def _reporter(
    role: str, path: Path, on_loading: Callable[[Loading], bool]
) -> Callable[[float], bool]:
    name: Literal["target", "draft"] = "target" if role == "target" else "draft"
    return lambda fraction: on_loading(Loading(name, path, fraction))
