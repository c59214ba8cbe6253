"""The composition root: from settings to a loaded pair and its sessions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

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
from specdec_cli.engine.settings import (
    AnswerSettings,
    Loading,
    ModelChoice,
    ModelRole,
    PairSettings,
)
from specdec_cli.errors import UsageError
from specdec_cli.models.compat import require_compatible
from specdec_cli.models.environment import default_threads, prepare
from specdec_cli.models.gguf_check import validate
from specdec_cli.models.memory import require_memory
from specdec_cli.models.settings import ContextSettings
from specdec_cli.models.synced import SyncedModel

if TYPE_CHECKING:
    from specdec_cli.models.llama import LlamaModel

__all__ = ["AnswerSettings", "Loading", "ModelChoice", "Pair", "PairSettings"]

_EXACT_ROWS = 4
"""Rows every batch is padded to a multiple of in exact mode: the tile of llama.cpp's kernels."""

_FALLBACK_CONTEXT = 4096
_WARM_UP_PASSES = 6
_WARM_UP_SECONDS = 0.25


class Pair:
    """A loaded target, with its draft model if it has one. Close it, or use it in ``with``.

    Args:
        on_loading: told how far loading is; answers whether to go on.

    Attributes:
        warnings: what a person should know about this pair, a sentence each.

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
        draft = settings.draft if settings.drafter != "none" else None
        if settings.drafter == "model" and not draft:
            raise UsageError(
                "--drafter model needs a draft model",
                "give one with -md FILE, or use --drafter none",
            )
        self.settings = settings
        self.target_header = validate(settings.target.path)
        self.draft_header = validate(draft.path) if draft else None
        self.warnings: list[str] = []
        common: int | None = None
        if self.draft_header:
            found = require_compatible(self.target_header, self.draft_header)
            self.warnings += [finding.message for finding in found.reasons]
            common = found.common_ids
        self.n_ctx = settings.n_ctx or self.target_header.context_length or _FALLBACK_CONTEXT
        self._warn_of_context()
        layout = replace(
            settings.context,
            n_ctx=self.n_ctx,
            threads_batch=settings.context.threads_batch or default_threads(),
        )
        prepare(exact=settings.exact)
        self._check_memory(layout)
        with ExitStack() as stack:
            rows = settings.draft_max + 1 if draft else 1
            target_layout = replace(
                layout, rows=rows, threads=settings.target.threads or default_threads()
            )
            if settings.exact:
                target_layout = replace(target_layout, pad=_EXACT_ROWS, flash_attention="on")
            loader = _Loader(stack, on_loading, rewinds=bool(draft) or settings.exact)
            self._model, self.target = loader.load("target", settings.target, target_layout)
            self._draft: tuple[LlamaModel, SyncedModel] | None = None
            if draft:
                threads = draft.threads or target_layout.threads
                draft_layout = replace(layout, threads=threads)
                self._draft = loader.load("draft", draft, draft_layout, common)
            self.vocab = self._model.vocab
            self.baseline = Baseline()
            self._warm_up()
            self._common = common
            self._resources = stack.pop_all()
        self.load_seconds = perf_counter() - began

    @property
    def drafts(self) -> bool:
        """Whether a draft model is in use."""
        return self._draft is not None

    def rule(self, answer: AnswerSettings) -> Rule:
        """The verification rule an answer will use.

        Exact mode promises the same answer whatever drafts, which above temperature 0 only
        ``match`` keeps.
        """
        if self.settings.exact and answer.verify == "auto":
            return "match"
        temperature = answer.sampling.temperature
        samples = self.drafts and temperature > 0
        return choose(answer.verify, temperature, samples, self.settings.draft_max)

    def session(self, answer: AnswerSettings, *, plain: bool = False) -> Session:
        """Everything one answer needs, on the pair's caches.

        Args:
            plain: draft nothing, to compare with.

        Raises:
            UsageError: the grammar is not valid, or a biased token does not exist.
        """
        from specdec_cli.models.shaper import LlamaShaper

        settings = self.settings
        sampling = self._bounded(answer.sampling)
        rule = self.rule(answer)
        uniforms = Uniforms(answer.seed)
        drafter: Drafter = NoDrafter()
        length = Fixed(0, 0)
        if self._draft and not plain:
            length = Fixed(settings.draft_min, settings.draft_max)
            model, synced = self._draft
            samples = sampling.temperature > 0 and rule != "match"
            drafter = ModelDrafter(
                synced,
                LlamaShaper(model, self._mirrored(sampling), self._common),
                is_end=self.vocab.is_end,
                p_min=settings.draft_p_min,
                p_min_from=settings.draft_min,
                uniform=uniforms.draft if samples else None,
            )
        return Session(
            target=self.target,
            vocab=self.vocab,
            drafter=drafter,
            length=length,
            judge=Judge(LlamaShaper(self._model, sampling), rule, uniforms),
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
        draft = self._draft[1].model.busy_seconds if self._draft else 0.0
        return self.target.model.busy_seconds + draft

    def close(self) -> None:
        """Free both models."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check_memory(self, layout: ContextSettings) -> None:
        from specdec_cli.models.binding import offloads

        target, draft = self.settings.target, self.settings.draft
        on_gpu = target.load.gpu_layers or (draft and draft.load.gpu_layers)
        if on_gpu and offloads():
            return  # what goes to a device is not ours to count; llama.cpp says when it is full
        headers = [self.target_header, *([self.draft_header] if self.draft_header else [])]
        warning = require_memory(headers, layout)
        if warning:
            self.warnings.append(warning)

    def _bounded(self, sampling: Sampling) -> Sampling:
        """The same law, with windows no longer than a path can be: llama.cpp allocates them."""
        missing = [token for token in sampling.logit_bias if token >= self.vocab.size]
        if missing:
            raise UsageError(
                f"--logit-bias names token {missing[0]}, the target has {self.vocab.size}",
                f"token ids go from 0 to {self.vocab.size - 1}",
            )
        return replace(
            sampling,
            repeat_last_n=min(sampling.repeat_last_n, self.n_ctx),
            dry_last_n=min(sampling.dry_last_n, self.n_ctx),
            dry_allowed_length=min(sampling.dry_allowed_length, self.n_ctx),
        )

    def _mirrored(self, sampling: Sampling) -> Sampling:
        """The draft's chain: the target's, without the grammar, which would cost a scan a token."""
        known = self._common or 0
        bias = {token: value for token, value in sampling.logit_bias.items() if token < known}
        return replace(sampling, grammar="", logit_bias=bias)

    def _warn_of_context(self) -> None:
        trained = self.target_header.context_length
        if trained and self.n_ctx > trained:
            self.warnings.append(
                f"a context of {self.n_ctx} tokens is more than the {trained} the target was "
                "trained for; answers may degrade beyond that"
            )

    def _warm_up(self) -> None:
        """Bring the weights into memory, and measure what a one-token pass costs.

        The first pass is not measured, as the weights may still be on disk. After a quarter of a
        second no more are made, so that a large model pays for two.
        """
        began = perf_counter()
        model = self.target.model
        for number in range(_WARM_UP_PASSES):
            start = perf_counter()
            model.decode((0,), 1)
            self.baseline.observe(1, perf_counter() - start)
            model.truncate(0)
            if number and perf_counter() - began > _WARM_UP_SECONDS:
                break
        if self._draft:
            self._draft[1].model.decode((0,), 1)
            self._draft[1].model.truncate(0)


class _Loader:
    """Loads models and their contexts, to be freed in reverse by ``stack``."""

    def __init__(
        self, stack: ExitStack, on_loading: Callable[[Loading], bool], *, rewinds: bool
    ) -> None:
        self._stack = stack
        self._on_loading = on_loading
        self._rewinds = rewinds
        self._followed = 0  # tokens of the model loaded before, which this one drafts for

    def load(
        self,
        role: ModelRole,
        choice: ModelChoice,
        layout: ContextSettings,
        shared: int | None = None,
    ) -> tuple[LlamaModel, SyncedModel]:
        # Not imported above: the C libraries read their environment when they are loaded.
        from specdec_cli.models.llama import LlamaModel, require_rewindable
        from specdec_cli.models.llama_context import LlamaContext

        model = LlamaModel(
            choice.path,
            choice.load,
            lambda fraction: self._on_loading(Loading(role, choice.path, fraction)),
        )
        self._stack.callback(model.close)
        if self._rewinds:
            require_rewindable(model)
        context = LlamaContext(model, layout, shared=shared, followed=self._followed)
        self._followed = model.vocab.size
        self._stack.callback(context.close)
        return model, SyncedModel(context, rewinds=model.can_truncate)
