"""A target in memory, with its draft model if there is one, for many decoders to share."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING

from specdec_cli.closable import Closable
from specdec_cli.core.limits import DEFAULT_CONTEXT
from specdec_cli.drafters.registry import AUTO, DrafterSpec, Need
from specdec_cli.engine import layout, target_kernels
from specdec_cli.engine.constraints import Constraints
from specdec_cli.engine.fewer_threads import FewerThreads
from specdec_cli.engine.fitting import Fitting
from specdec_cli.engine.interruptions import Interruptions
from specdec_cli.engine.model_loader import ModelLoader, machine_for
from specdec_cli.engine.same_bits import SameBits
from specdec_cli.engine.settings import ModelRole, OnLoading, PairSettings, chosen_drafter
from specdec_cli.engine.warm_up import first_passes
from specdec_cli.errors import OutOfMemoryError
from specdec_cli.gguf.check import validate
from specdec_cli.gguf.compat import require_pair
from specdec_cli.gguf.heads import has_own_head
from specdec_cli.memory.plan import Plan
from specdec_cli.memory.snapshots import with_snapshots
from specdec_cli.models.environment import prepare, threads_at_start
from specdec_cli.models.kernels import depends_on_threads
from specdec_cli.models.settings import ContextSettings
from specdec_cli.templates.template import BuiltinTemplate, ChatTemplate
from specdec_cli.templates.thinking import ThinkingFormat

if TYPE_CHECKING:
    from specdec_cli.models.llama import LlamaVocabulary


class LoadedModels(Closable):
    """Models in memory, each with its cache. Close them, or use them in ``with``.

    Args:
        asked: what to load. Decoders may have other drafters, draft lengths and threads, but need
            no draft model where none is loaded, and no longer drafts.
        on_loading: reports progress; returns whether to go on.
        first_use: first passes, which must fit as well. If they do not, or loading fails, less is
            put into memory and ``first_use`` is called again.

    Attributes:
        settings: what was asked for, as it was loaded.
        target_header, draft_header: what the files say; no header of a draft model without use.
        n_ctx: tokens of both contexts.
        layout: of the target's context.
        target, draft: the models.
        head: layers that were trained to guess further tokens, where they are to draft.
        common: tokens that both share, ``None`` without a draft model.
        constraints: makes what answers are kept to.
        meter: tells whether others take the processors, and makes room for them where it can; the
            decoder in use has it tell when passes begin to cost something else.
        same_bits: whether a row of a pass of the target has the bits it has alone.
        warnings: for the person, a sentence each.
        load_seconds: what all of it took, ``first_use`` included.

    Raises:
        NotFoundError, DamagedFileError: a file is missing or not a sound GGUF.
        NotAModelError: a file holds something else than a model that writes text.
        IncompatiblePairError: the models do not share a vocabulary.
        UsageError: a chat format has another name, or there is no draft model for the drafter.
        BackendError: llama.cpp refuses, or there is not enough memory.
        UsageError, NetworkError: a device or a server that is named is not there.
        Cancelled: ``on_loading`` answered False.
    """

    def __init__(
        self,
        asked: PairSettings,
        on_loading: OnLoading = lambda _: True,
        first_use: Callable[[LoadedModels], None] | None = None,
    ) -> None:
        began = perf_counter()
        self._asked = asked
        drafter = chosen_drafter(asked)
        draft = asked.draft if drafter.reads_draft_file else None
        self.target_header = validate(asked.target.path)
        self.draft_header = validate(draft.path) if draft else None
        self.warnings: list[str] = []
        self.common: int | None = None
        if found := require_pair(self.target_header, self.draft_header):
            self.warnings += [finding.message for finding in found.reasons]
            self.common = found.common_ids
        if asked.drafter == AUTO and Need.HEAD not in drafter.needs and not draft:
            self._warn_of_head(drafter)
        self.n_ctx = asked.n_ctx or self.target_header.context_length or DEFAULT_CONTEXT
        self._warn_of_context()
        prepare()
        if asked.chat_format:
            BuiltinTemplate(asked.chat_format)  # a wrong name is reported before anything is loaded
        self._fit()
        while True:
            self.n_ctx = self._fitting.n_ctx
            try:
                self._load(on_loading, first_use or _first_passes)
                break
            except OutOfMemoryError as error:
                self._fitting.retreat(error)
        self.warnings += self._fitting.warnings
        if warning := self.same_bits.warning():
            self.warnings.append(warning)
        self.load_seconds = perf_counter() - began

    def _fit(self) -> None:
        """Decide what goes where, and then how the target is computed there."""
        asked, header = self._asked, self.target_header
        machine = machine_for(asked)
        on_gpu = bool(machine.gpus) and asked.target.load.gpu_layers != 0
        kernels = target_kernels.of_target(header, asked, on_gpu=on_gpu)
        self.same_bits = SameBits(kernels, asked.exact)
        settings = self._bounded(asked)
        laid = self.laid_out(settings)
        self._fitting = Fitting(settings, header, self.draft_header, laid, machine)
        kernels = target_kernels.resolved(
            header, settings, on_gpu=self.on_gpu, gpus=bool(machine.gpus)
        )
        self.same_bits = SameBits(kernels, asked.exact)
        if asked.exact and 0 < kernels.rows <= min(asked.draft_max, self.n_ctx - 1):
            self.warnings.append(
                f"--exact drafts {kernels.rows - 1} tokens at most here: longer passes were not "
                "measured to have the same bits"
            )

    def _load(self, on_loading: OnLoading, first_use: Callable[[LoadedModels], None]) -> None:
        self.settings = settings = self.resolve(self._asked)
        self.layout = self.laid_out(settings)
        with ExitStack() as stack:
            loader = ModelLoader(stack, on_loading)
            self.target = loader.load("target", settings.target, self.layout)
            self.constraints = Constraints(self.target.weights, ahead=settings.keeps_schema)
            stack.callback(self.constraints.close)
            self.draft = None
            self.head = None
            if self.layout.hidden:
                self.head = loader.head(self.target, settings.draft, self.layout)
            elif settings.draft:
                laid = layout.of_draft(settings, self.layout)
                self.draft = loader.load("draft", settings.draft, laid, self.common)
            self.meter = self._meter(stack)
            self.constraints.wait()
            first_use(self)
            self._resources = stack.pop_all()

    def _meter(self, stack: ExitStack) -> Interruptions | FewerThreads:
        meter = Interruptions()
        stack.callback(meter.close)
        if depends_on_threads(self.layout):
            return meter
        contexts = [each.context for each in (self.target, self.draft, self.head) if each]
        most = max(self.layout.threads, self.layout.threads_batch)

        def limit(threads: int) -> None:
            for context in contexts:
                context.limit_threads(threads)

        return FewerThreads(meter, most, limit, at_first=threads_at_start(most))

    @property
    def plan(self) -> Plan:
        """What was planned before anything was loaded."""
        return self._fitting.plan

    @property
    def on_gpu(self) -> bool:
        """Whether some of the target is on a GPU."""
        return any(self.plan.choice.placement.target.homes)

    @property
    def vocab(self) -> LlamaVocabulary:
        """The target's vocabulary."""
        return self.target.weights.vocab

    def resolve(self, settings: PairSettings) -> PairSettings:
        """Settings with all that was decided when these models were loaded.

        That is the drafter by its name, no draft model without use, the context, layers on GPUs,
        the kernels, and the longest drafts that a pass can have.
        """
        drafter = chosen_drafter(settings)
        fitted = self._fitting.settings(self._bounded(settings))
        target = fitted.target
        return replace(
            fitted,
            target=replace(target, load=self.same_bits.kernels.loaded(target.load)),
            draft=fitted.draft if drafter.reads_draft_file else None,
            drafter=drafter.name,
            n_ctx=self.n_ctx,
        )

    def laid_out(self, settings: PairSettings) -> ContextSettings:
        """The layout of the target's context as these settings have it."""
        drafter = chosen_drafter(settings)
        laid = layout.of_pair(settings, self.n_ctx, self.same_bits.kernels, drafter)
        return with_snapshots(self.target_header, laid, model=bool(drafter.stepped))

    @cached_property
    def thinking(self) -> ThinkingFormat:
        """How the target marks its thoughts."""
        return ThinkingFormat.of(self.vocab)

    def chat_template(self) -> ChatTemplate | None:
        """The template that was asked for, else the target's; ``None`` where its file has none.

        Raises:
            TemplateFailedError: it is not valid.
        """
        source = self._asked.chat_template or self.target_header.chat_template
        if self._asked.chat_format:
            return BuiltinTemplate(self._asked.chat_format)
        if not source:
            return None
        return ChatTemplate(
            source,
            bos=self.vocab.bos,
            eos=self.vocab.eos,
            variables=json.loads(self._asked.template_variables),
        )

    @property
    def backend_seconds(self) -> float:
        """Time spent inside llama.cpp so far, both models."""
        return sum(each.context.busy_seconds for each in (self.target, self.draft) if each)

    def pass_seconds(self, role: ModelRole, rows: int, threads: int) -> float:
        """Time one pass over as many tokens on an empty cache; the number of threads stays.

        Raises:
            ValueError: there is no such model.
        """
        model = self.draft if role == "draft" else self.target
        if model is None:
            raise ValueError("there is no draft model")
        model.cache.forget()
        model.context.use_threads(threads, threads)
        began = perf_counter()
        model.context.decode((0,) * rows, rows)
        seconds = perf_counter() - began
        model.context.truncate(0)
        return seconds

    def forget(self) -> None:
        """Empty all caches."""
        self.target.cache.forget()
        if self.draft:
            self.draft.cache.forget()
        if self.head and self.head.cache:
            self.head.cache.forget()

    def close(self) -> None:
        """Free both models."""
        self._resources.close()

    def _bounded(self, settings: PairSettings) -> PairSettings:
        """Drafts no longer than what one pass can check, with the same bits if it has to."""
        most = self.n_ctx - 1
        if settings.exact and self.same_bits.kernels.rows:
            most = min(most, self.same_bits.kernels.rows - 1)
        return replace(
            settings,
            draft_min=min(settings.draft_min, most),
            draft_max=min(settings.draft_max, most),
        )

    def _warn_of_head(self, drafter: DrafterSpec) -> None:
        if has_own_head(self.target_header):
            self.warnings.append(
                "the model brings a head of its own (MTP) that this llama.cpp cannot compute; "
                f"{drafter.drafted_by} draft instead"
            )

    def _warn_of_context(self) -> None:
        for header, role, then in (
            (self.target_header, "target", "answers may degrade beyond that"),
            (self.draft_header, "draft", "beyond that fewer drafts may be accepted"),
        ):
            trained = header.context_length if header else None
            if trained and self.n_ctx > trained:
                self.warnings.append(
                    f"a context of {self.n_ctx} tokens is more than the {trained} the {role} was "
                    f"trained for; {then}"
                )


def _first_passes(models: LoadedModels) -> None:
    """The largest passes that decoders will make, so that memory runs out now and not later."""
    first_passes(models.target.context, models.layout.rows, models.same_bits)
    if models.draft:
        first_passes(models.draft.context, 1)
