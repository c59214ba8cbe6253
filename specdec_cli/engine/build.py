"""The composition root: from settings to a loaded pair and its sessions."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.fixed import FixedLength
from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.verify import Rule, choose
from specdec_cli.drafters.base import Drafter, DraftModel, Parts
from specdec_cli.drafters.ngram import NgramDrafter
from specdec_cli.drafters.none import NoDrafter
from specdec_cli.drafters.registry import Need
from specdec_cli.engine import chains, layout
from specdec_cli.engine.constraints import Constraints
from specdec_cli.engine.drafting import chosen_drafter, controller, repetitions, within
from specdec_cli.engine.fewer_threads import FewerThreads
from specdec_cli.engine.fitting import Fitting
from specdec_cli.engine.interruptions import Interruptions
from specdec_cli.engine.judge import Judge
from specdec_cli.engine.learnt import Learnt
from specdec_cli.engine.loading import OnLoading, load_models, machine_for
from specdec_cli.engine.same_bits import Compared, SameBits
from specdec_cli.engine.session import Session
from specdec_cli.engine.settings import AnswerSettings, Loading, ModelChoice, PairSettings
from specdec_cli.engine.warm_up import WarmUp
from specdec_cli.errors import OutOfMemoryError
from specdec_cli.gguf.check import require_model
from specdec_cli.gguf.compat import require_compatible
from specdec_cli.gguf.traits import bytes_per_pass
from specdec_cli.memory.plan import Plan
from specdec_cli.models.environment import is_busy, prepare, threads_at_start, tiled_kernels
from specdec_cli.models.kernels import KernelChoice, choose_kernels, depends_on_threads
from specdec_cli.models.settings import ContextSettings
from specdec_cli.templates.template import BuiltinTemplate, ChatTemplate

if TYPE_CHECKING:
    from specdec_cli.models.llama import LlamaModel
    from specdec_cli.models.llama_context import LlamaContext

__all__ = [
    "AnswerSettings",
    "Loading",
    "ModelChoice",
    "Pair",
    "PairSettings",
    "chosen_drafter",
]

_SMALL = 64 << 20
"""Bytes that a pass reads. To shape and draw from the draft's laws takes about 0.1 ms for each
token, in return for 3 to 5 % more tokens, both measured: that does not pay where a pass takes less
than 3 ms or so. The file decides and not a clock, so that the same settings mean the same rule."""

_FALLBACK_CONTEXT = 4096
_ROWS_BESIDE_GPU = 31
"""llama.cpp sends batches of 32 rows and more to a GPU, wherever the weights are."""

_WORTH_KEEPING = 16
"""Rounds after which what was learnt is kept for the next run."""
_QUIET = 0.1
"""Of all passes, the most that others may have interrupted for that."""


class Pair:
    """A loaded target, with its draft model if it has one. Close it, or use it in ``with``.

    Args:
        on_loading: told how far loading is; answers whether to go on.

    Attributes:
        warnings: what a person should know about this pair, a sentence each.
        same_bits: whether a row of a pass of the target has the bits it has alone.
        spec: the drafter, as the registry has it.
        length: the controller of all answers, where draft lengths are adaptive.

    Raises:
        NotFoundError, DamagedFileError: a file is missing or not a sound GGUF.
        NotAModelError: a file holds something else than a model that writes text.
        IncompatiblePairError: the models do not share a vocabulary.
        UsageError: a chat format has another name.
        BackendError: llama.cpp refuses, or there is not enough memory.
        UsageError, NetworkError: a device or a server that is named is not there.
        Cancelled: ``on_loading`` answered False.
    """

    def __init__(self, settings: PairSettings, on_loading: OnLoading = lambda _: True) -> None:
        began = perf_counter()
        self.spec = chosen_drafter(settings)
        draft = settings.draft if Need.DRAFT_MODEL in self.spec.needs else None
        self.settings = settings
        self.target_header = require_model(settings.target.path)
        self.draft_header = require_model(draft.path) if draft else None
        self.warnings: list[str] = []
        common: int | None = None
        if self.draft_header:
            found = require_compatible(self.target_header, self.draft_header)
            self.warnings += [finding.message for finding in found.reasons]
            common = found.common_ids
        self._common = common
        self.n_ctx = settings.n_ctx or self.target_header.context_length or _FALLBACK_CONTEXT
        self.settings = settings = within(settings, self.n_ctx)
        self._warn_of_context()
        prepare()
        if settings.chat_format:
            BuiltinTemplate(settings.chat_format)  # a wrong name is told before anything is loaded
        self._load_what_fits(on_loading)
        self.load_seconds = perf_counter() - began

    def _load_what_fits(self, on_loading: OnLoading) -> None:
        """Load the pair as memory allows, the first passes included, and less where that fails."""
        machine = machine_for(self.settings)
        on_gpu = bool(machine.gpus) and self.settings.target.load.gpu_layers != 0
        self.same_bits = SameBits(self._kernels(on_gpu=on_gpu), self.settings.exact)
        self._fitting = Fitting(
            self.settings, self.target_header, self.draft_header, self._layout(), machine
        )
        self._choose_kernels()
        while True:
            self.n_ctx = self._fitting.n_ctx
            try:
                self._load(self.as_loaded(self.settings), on_loading)
                break
            except OutOfMemoryError as error:
                self._fitting.retreat(error)
        self.warnings += self._fitting.warnings
        if warning := self.same_bits.warning():
            self.warnings.append(warning)

    def _kernels(self, *, on_gpu: bool) -> KernelChoice:
        """The kernels for the target, where a GPU computes a part of it or not."""
        return choose_kernels(
            self.target_header,
            self.settings.context,
            self.settings.kernels,
            exact=self.settings.exact,
            on_gpu=on_gpu,
        )

    def _choose_kernels(self) -> None:
        """Settle how the target is computed, now that it is known where."""
        settings = self.settings
        kernels = self._kernels(on_gpu=any(self.plan.choice.placement.target.homes))
        if tiled_kernels(kernels.tiled, insist=settings.exact) and not kernels.tiled:
            kernels = replace(kernels, reason="GGML_CPU_TILED_MM=1", asked=True)
        if self.plan.machine.gpus and kernels.same_bits:
            kernels = replace(kernels, rows=min(kernels.rows, _ROWS_BESIDE_GPU))
        most = kernels.rows - 1
        if settings.exact and settings.draft_max > most:
            self.warnings.append(
                f"--exact drafts {most} tokens at most here: longer passes were not measured to "
                "have the same bits"
            )
            self.settings = replace(
                settings, draft_min=min(settings.draft_min, most), draft_max=most
            )
        elif kernels.same_bits and settings.draft_max > most:
            reason = f"drafts of more than {most} tokens"
            kernels = replace(kernels, reason=reason, asked=True)
        self.same_bits = SameBits(kernels, settings.exact)

    @property
    def plan(self) -> Plan:
        """What was planned before anything was loaded."""
        return self._fitting.plan

    def as_loaded(self, settings: PairSettings) -> PairSettings:
        """Settings with the layers on GPUs, and the kernels, that were chosen for this pair."""
        fitting = self._fitting.settings(settings)
        target = fitting.target
        load = self.same_bits.kernels.loaded(target.load)
        return replace(fitting, target=replace(target, load=load))

    def _layout(self) -> ContextSettings:
        """The layout of the target's context."""
        kernels = self.same_bits.kernels
        return layout.of_pair(self.settings, self.n_ctx, kernels, drafts=self.spec.drafts)

    def _load(self, settings: PairSettings, on_loading: OnLoading) -> None:
        with ExitStack() as stack:
            laid = self._layout()
            models = load_models(
                settings if self.draft_header else replace(settings, draft=None),
                laid,
                on_loading,
                stack,
                common=self._common,
                rewinds=self.spec.drafts or settings.exact,
                on_target=lambda model: self._prepare_constraints(model, stack),
            )
            self._model, self.target = models.target
            self._draft = models.draft
            self.vocab = self._model.vocab
            self._choose_lengths()
            self.meter = self._meter(laid, stack)
            if self.length is not None:
                self._learnt = Learnt(settings, self.drafter, laid, laid.rows)
            self.constraints.wait()
            self._warm_up(remember=settings.remember)
            self._resources = stack.pop_all()

    def _meter(self, laid: ContextSettings, stack: ExitStack) -> Interruptions | FewerThreads:
        """What tells whether others take the processors, and makes room for them where it can."""
        meter = Interruptions()
        stack.callback(meter.close)
        if depends_on_threads(laid):
            return meter
        opened = [self.target, *([self._draft[1]] if self._draft else [])]
        contexts = [cast("LlamaContext", each.model) for each in opened]
        most = max(laid.threads, laid.threads_batch)

        def limit(threads: int) -> None:
            for context in contexts:
                context.limit_threads(threads)

        return FewerThreads(meter, most, limit, at_first=threads_at_start(most))

    def _prepare_constraints(self, model: LlamaModel, stack: ExitStack) -> None:
        self.constraints = Constraints(model, ahead=self.settings.keeps_schema)
        stack.callback(self.constraints.close)

    @property
    def drafter(self) -> str:
        """The drafter's name."""
        return self.spec.name

    @property
    def drafts(self) -> bool:
        """Whether a draft model is in use."""
        return self._draft is not None

    def rule(self, answer: AnswerSettings) -> Rule:
        """The verification rule an answer will use.

        Exact mode, and a seed, promise the same answer whatever drafts, which above temperature 0
        only ``match`` keeps.
        """
        if (self.settings.exact or answer.repeatable) and answer.verify == "auto":
            return "match"
        temperature = answer.sampling.temperature
        samples = self.drafts and temperature > 0
        k = self.settings.draft_max
        small = bytes_per_pass(self.target_header) < _SMALL
        return choose(answer.verify, temperature, samples, k, small=small)

    def session(self, answer: AnswerSettings, *, plain: bool = False) -> Session:
        """Everything one answer needs, on the pair's caches.

        Args:
            plain: draft nothing, to compare with.

        Raises:
            UsageError: the grammar is not valid, or a biased token does not exist.
        """
        from specdec_cli.models.shaper import LlamaShaper

        settings = self.settings
        self.meter.on_change(self.costs.machine_changed)
        sampling = chains.of_target(answer.sampling, self.vocab, self.n_ctx)
        constraint = self.constraints.of(sampling)
        rule = self.rule(answer)
        uniforms = Uniforms(answer.seed)
        drafter: Drafter = NoDrafter()
        length: DraftLengthPolicy = FixedLength(0, 0, costs=self.costs)
        if not plain and self.spec.drafts:
            length = self.length or FixedLength(
                settings.draft_min, settings.draft_max, settings.draft_p_min, self.costs
            )
            samples = sampling.temperature > 0 and rule != "match"
            # The most likely token is found without shaping anything.
            drawn = sampling if samples else replace(sampling, temperature=0.0)
            drafter = self.spec.make(
                Parts(
                    length=length,
                    is_end=self.vocab.is_end,
                    uniform=uniforms.draft if samples else None,
                    draft_model=self._draft_model(drawn),
                    history=self._history(answer.expect),
                )
            )
        return Session(
            target=self.target,
            vocab=self.vocab,
            drafter=drafter,
            length=length,
            judge=Judge(LlamaShaper(self._model, sampling, None, constraint), rule, uniforms),
            reuse=not settings.exact,
            costs=self.costs,
            meter=self.meter,
        )

    def chat_template(self) -> ChatTemplate | None:
        """The template that was asked for, else the target's; ``None`` where its file has none.

        Raises:
            TemplateFailedError: it is not valid.
        """
        source = self.settings.chat_template or self.target_header.chat_template
        if self.settings.chat_format:
            return BuiltinTemplate(self.settings.chat_format)
        if not source:
            return None
        return ChatTemplate(
            source,
            bos=self.vocab.bos,
            eos=self.vocab.eos,
            variables=json.loads(self.settings.template_variables),
        )

    @property
    def backend_seconds(self) -> float:
        """Time spent inside llama.cpp so far, both models."""
        draft = self._draft[1].model.busy_seconds if self._draft else 0.0
        return self.target.model.busy_seconds + draft

    @property
    def is_worth_keeping(self) -> bool:
        """Whether enough was learnt for the next run, and other programs left the machine alone."""
        if self.length is None or self.length.rounds < _WORTH_KEEPING:
            return False
        if not self.meter.tells:
            return not is_busy()
        few = self.costs.interrupted <= _QUIET * self.costs.passes
        return few and not self.meter.reduced

    def forget(self) -> None:
        """Forget all prompts and answers so far, so that the next one profits from none of them.

        What was learnt of costs, and of how often drafts are accepted, stays.
        """
        self.target.forget()
        if self._draft:
            self._draft[1].forget()
        if self._ngrams is not None:
            self._ngrams.forget()

    def close(self) -> None:
        """Free both models; what was learnt is kept for the next run."""
        length = self.length
        if length is not None and self.settings.remember and self.is_worth_keeping:
            self._learnt.save(length, self._ngrams)
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

    def _choose_lengths(self) -> None:
        """Set up what lives as long as the pair: the controller, and the memory of repetitions."""
        on_gpu = any(self.plan.choice.placement.target.homes)
        self.length = controller(self.settings, self.spec, on_gpu=on_gpu)
        self.costs = self.length.costs if self.length else CostModel(self.settings.draft_max + 1)
        self._ngrams = repetitions(self.spec, self.vocab.is_end, adaptive=self.length is not None)
        self._expected = ""

    def _draft_model(self, sampling: Sampling) -> DraftModel | None:
        """The draft model, with the chain that shapes its logits for these settings."""
        from specdec_cli.models.shaper import LlamaShaper

        if self._draft is None:
            return None
        model, synced = self._draft
        chain = chains.of_draft(sampling, self._common or 0)
        return DraftModel(synced, LlamaShaper(model, chain, self._common))

    def _history(self, expect: str) -> NgramDrafter | None:
        """The texts so far, earlier answers among them unless nothing may depend on them."""
        if self._ngrams is None:
            return None
        if expect != self._expected:
            tokens = self.vocab.tokenize(expect, add_special=False, parse_special=False)
            self._ngrams.forget(tokens)
            self._expected = expect
        elif self.settings.exact:
            self._ngrams.forget()
        return self._ngrams

    def _warm_up(self, *, remember: bool) -> None:
        """Bring the weights into memory, and measure costs that are not known from before."""
        target = Compared(self.target.model, self.same_bits.seen)
        self.meter.on_change(self.costs.machine_changed)
        first = WarmUp(target, self.costs, self.meter)
        first.plain()
        if self.length is None and self.spec.drafts:
            # The size that rounds will have: its graph is built, and its rows are compared.
            first.run_once(self.settings.draft_max + 1)
        if self.length is not None:
            known = remember and self._learnt.load(self.length, self._ngrams)
            if self.settings.proven and not known:
                self.length.trust()
            if known and not first.confirms():
                self.costs.forget()
                known = False
            if not known:
                first.batches()
        if self._draft:
            first.step(self._draft[1].model, self.spec.stepped)
        first.plain_again()
