"""Decodes on loaded models, plainly and with drafts, under one set of settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from specdec_cli.closable import Closable
from specdec_cli.core.draft_length.adaptive import AdaptiveLength
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.fixed import FixedLength
from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.verify import Rule, choose
from specdec_cli.drafters.base import Drafter, DraftModel, Head, Parts
from specdec_cli.drafters.ngram import PATH_MIN, NgramDrafter
from specdec_cli.drafters.none import NoDrafter
from specdec_cli.drafters.registry import Need
from specdec_cli.engine import chains, layout
from specdec_cli.engine.cost_cache import CostCache
from specdec_cli.engine.loaded_models import LoadedModels
from specdec_cli.engine.same_bits import Compared
from specdec_cli.engine.session import Session
from specdec_cli.engine.settings import AnswerSettings, OnLoading, PairSettings, chosen_drafter
from specdec_cli.engine.verifier import Verifier
from specdec_cli.engine.warm_up import WarmUp
from specdec_cli.gguf.traits import bytes_per_pass
from specdec_cli.models.environment import is_busy

_SMALL = 64 << 20
"""Bytes that a pass reads. To shape and draw from the draft's distributions takes about 0.1 ms for
each token, in return for 3 to 5 % more tokens, both measured: that does not pay where a pass takes
less than 3 ms or so. The file decides and not a clock, so that the same settings mean the same
rule."""

_FIRST_ON_GPU = 2
"""Passes of a new size: one loads kernels, one records the graph that the others replay."""

_TILE = 4
"""Rows that kernels compute together: a size that passes are padded to."""

_WORTH_KEEPING = 16
"""Rounds after which the cost cache is worth writing."""
_QUIET = 0.1
"""At most this fraction of the passes may have been interrupted for that."""


class Decoder(Closable):
    """Makes the sessions of answers, and learns from them. Close it, or use it in ``with``.

    Many decoders may share the same models and answer in turn. Each learns by itself what passes
    cost, how far to draft and which texts repeat.

    Args:
        models: with a draft model if one is needed, loaded for drafts as long.
        asked: settings, which may differ from those of the models in drafter, draft lengths and
            threads.
        fresh: ignore the cost cache of earlier runs.
        owns_models: free them when this is closed.

    Attributes:
        settings: what was asked for, with all that was decided when the models were loaded.
        spec: the drafter, as the registry has it.
        length: the controller of all answers, where draft lengths are adaptive.
        costs: what passes cost.

    Raises:
        UsageError: the drafter needs a draft model, and none was given.
        ValueError: the models were not loaded for that.
        BackendError: there is not enough memory for the first passes.
    """

    def __init__(
        self,
        models: LoadedModels,
        asked: PairSettings,
        *,
        fresh: bool = False,
        owns_models: bool = False,
    ) -> None:
        self.models = models
        self.asked = asked
        self.settings = models.resolve(asked)
        self.spec = chosen_drafter(self.settings)
        self._layout = models.laid_out(self.settings)
        if Need.DRAFT_MODEL in self.spec.needs and not models.draft:
            raise ValueError("no draft model is loaded")
        if Need.HEAD in self.spec.needs and not models.head:
            raise ValueError("no head is loaded")
        if self._layout.rows > models.layout.rows:
            raise ValueError("drafts are longer than the models were loaded for")
        self._owns_models = owns_models
        self._changes = models.meter.changes
        self.length = self._controller()
        self.costs = self.length.costs if self.length else CostModel(self.settings.draft_max + 1)
        self._ngrams: NgramDrafter | None = None
        if Need.HISTORY in self.spec.needs:
            path_min = 0.0 if self.length else PATH_MIN
            self._ngrams = NgramDrafter(path_min=path_min, is_end=models.vocab.is_end)
        self._expected = ""
        self._cost_cache: CostCache | None = None
        if self.length is not None:
            rows = self._layout.rows
            self._cost_cache = CostCache(self.settings, self.spec.name, self._layout, rows)
        self.forget()
        self.use_threads()
        self._warm_up(remember=self.settings.remember and not fresh)

    @classmethod
    def load(cls, settings: PairSettings, on_loading: OnLoading = lambda _: True) -> Self:
        """A decoder with models of its own, which are freed when it is closed.

        Raises:
            SpecdecError: see ``LoadedModels``.
        """
        made: list[Self] = []

        def first_use(models: LoadedModels) -> None:
            made.append(cls(models, settings, owns_models=True))

        LoadedModels(settings, on_loading, first_use)
        return made[-1]  # earlier ones did not fit

    def rule(self, answer: AnswerSettings) -> Rule:
        """The verification rule an answer will use.

        Exact mode, and a seed, promise the same answer for any drafter, which above temperature 0
        only ``match`` keeps.
        """
        if (self.settings.exact or answer.repeatable) and answer.verify == "auto":
            return "match"
        temperature = answer.sampling.temperature
        samples = bool(self.spec.stepped) and temperature > 0
        k = self.settings.draft_max
        small = bytes_per_pass(self.models.target_header) < _SMALL
        return choose(answer.verify, temperature, samples, k, small=small)

    def session(self, answer: AnswerSettings, *, plain: bool = False) -> Session:
        """Everything one answer needs, on the models' caches.

        Args:
            plain: draft nothing, to compare with.

        Raises:
            UsageError: the grammar is not valid, or a biased token does not exist.
        """
        from specdec_cli.models.sampler_chain import LlamaSamplerChain

        settings, models = self.settings, self.models
        self.use_threads()
        self._follow_meter()
        sampling = chains.of_target(answer.sampling, models.vocab, models.n_ctx)
        constraint = models.constraints.of(sampling)
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
                    is_end=models.vocab.is_end,
                    uniform=uniforms.draft if samples else None,
                    draft_model=self._draft_model(drawn),
                    head=self._head(drawn),
                    history=self._history(answer.expect),
                )
            )
        models.target.cache.follow_costs(self.costs.seconds, self.costs.largest)
        chain = LlamaSamplerChain(models.target.weights, sampling, None, constraint)
        return Session(
            target=models.target.cache,
            vocab=models.vocab,
            drafter=drafter,
            length=length,
            verifier=Verifier(chain, rule, uniforms),
            reuse=not settings.exact,
            costs=self.costs,
            meter=models.meter,
        )

    def use_threads(self) -> None:
        """Use these settings' threads, which another decoder may have changed."""
        laid = self._layout
        self.models.target.context.use_threads(laid.threads, laid.threads_batch)
        if self.models.draft:
            of_draft = layout.of_draft(self.settings, laid)
            self.models.draft.context.use_threads(of_draft.threads, of_draft.threads_batch)
        if self.models.head:
            self.models.head.context.use_threads(laid.threads, laid.threads_batch)

    def forget(self) -> None:
        """Forget all prompts and answers; learnt costs and acceptance rates stay."""
        self.models.forget()
        if self._ngrams is not None:
            self._ngrams.forget()

    @property
    def is_worth_keeping(self) -> bool:
        """Whether enough was learnt, on a machine that was quiet enough, to keep it."""
        if self.length is None or self.length.rounds < _WORTH_KEEPING:
            return False
        meter = self.models.meter
        if not meter.tells:
            return not is_busy()
        return self.costs.interrupted <= _QUIET * self.costs.passes and not meter.reduced

    def keep(self) -> None:
        """Write the cost cache for the next run, if that is wanted and worth it."""
        if self.length is None or self._cost_cache is None:
            return
        if self.settings.remember and self.is_worth_keeping:
            self._cost_cache.save(self.length, self._ngrams)

    def close(self) -> None:
        """Keep what was learnt; models of its own are freed."""
        self.keep()
        if self._owns_models:
            self.models.close()

    def _controller(self) -> AdaptiveLength | None:
        """What chooses the draft lengths of all answers; ``None`` where they are fixed."""
        settings, spec = self.settings, self.spec
        if not settings.adaptive or not settings.draft_max or not spec.drafts:
            return None
        first = _FIRST_ON_GPU if self.models.on_gpu else 0
        return AdaptiveLength(
            settings.draft_min,
            settings.draft_max,
            CostModel(settings.draft_max + 1, pads=self._pads, first=first),
            sources=(spec.stepped,) if spec.stepped else (),
            free=spec.free,
            p_min=settings.draft_p_min,
        )

    @property
    def _pads(self) -> bool:
        """Whether passes may have rows that nobody asked about, where such a size costs less."""
        return not self.settings.exact and self.models.target.cache.covers(_TILE - 1)

    def _follow_meter(self) -> None:
        """Follow changes of what passes cost, those missed included.

        Only the decoder that answers is told of new ones.
        """
        meter = self.models.meter
        if self._changes != meter.changes:
            self._machine_changed()
        meter.on_change(self._machine_changed)

    def _machine_changed(self) -> None:
        self._changes = self.models.meter.changes
        self.costs.machine_changed()

    def _draft_model(self, sampling: Sampling) -> DraftModel | None:
        """The draft model, with the chain that shapes its logits for these settings."""
        from specdec_cli.models.sampler_chain import LlamaSamplerChain

        model, common = self.models.draft, self.models.common
        if Need.DRAFT_MODEL not in self.spec.needs or model is None:
            return None
        chain = chains.of_draft(sampling, common or 0)
        return DraftModel(model.cache, LlamaSamplerChain(model.weights, chain, common))

    def _head(self, sampling: Sampling) -> Head | None:
        """The head, with the chain that shapes its logits for these settings."""
        from specdec_cli.models.sampler_chain import LlamaSamplerChain

        head, size = self.models.head, self.models.vocab.size
        if Need.HEAD not in self.spec.needs or head is None:
            return None
        chain = LlamaSamplerChain(self.models.target.weights, chains.of_draft(sampling, size))
        return Head(head.stepper, chain, head.cache)

    def _history(self, expect: str) -> NgramDrafter | None:
        """The texts so far, earlier answers among them unless nothing may depend on them."""
        if self._ngrams is None:
            return None
        if expect != self._expected:
            tokens = self.models.vocab.tokenize(expect, add_special=False, parse_special=False)
            self._ngrams.forget(tokens)
            self._expected = expect
        elif self.settings.exact:
            self._ngrams.forget()
        return self._ngrams

    def _warm_up(self, *, remember: bool) -> None:
        """Bring the weights into memory, and measure costs that are not known from before."""
        models = self.models
        self._follow_meter()
        target = Compared(models.target.context, models.same_bits.seen)
        first = WarmUp(target, self.costs, models.meter)
        first.plain()
        if self.length is None and self.spec.drafts:
            # The size that rounds will have: this builds its graph and compares its rows.
            first.run_once(self.settings.draft_max + 1)
        if self.length is not None and self._cost_cache is not None:
            known = remember and self._cost_cache.load(self.length, self._ngrams)
            if self.settings.proven and not known:
                self.length.trust()
            if known and not first.confirms():
                self.costs.forget()
                known = False
            if not known:
                first.batches()
        if Need.DRAFT_MODEL in self.spec.needs and models.draft:
            first.step(models.draft.context, self.spec.stepped)
        if Need.HEAD in self.spec.needs and models.head:
            first.step(models.head, self.spec.stepped)
        first.plain_again()
