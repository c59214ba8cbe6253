"""Loads models, each with a context on its weights."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from specdec_cli.core.types import Logits
from specdec_cli.engine.settings import Loading, ModelChoice, ModelRole, OnLoading, PairSettings
from specdec_cli.memory.machine import Machine, this_machine
from specdec_cli.models.cached import CachedModel
from specdec_cli.models.rewind import Checkpoints
from specdec_cli.models.settings import ContextSettings

if TYPE_CHECKING:
    from specdec_cli.drafters.heads import HeadStepper, SharedHead
    from specdec_cli.models.head_context import HeadContext
    from specdec_cli.models.llama import LlamaModel
    from specdec_cli.models.llama_context import LlamaContext


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A model in memory.

    Args:
        weights: and the vocabulary.
        context: computes with the weights.
        cache: the context, by what it holds of a text.
    """

    weights: LlamaModel
    context: LlamaContext
    cache: CachedModel


@dataclass(frozen=True, slots=True)
class OpenHead:
    """Layers in memory that guess further tokens of a target.

    Args:
        context: computes with them.
        stepper: the context, by what it holds of a text.
        cache: the stepper, unless it holds nothing.
    """

    context: HeadContext
    stepper: HeadStepper | SharedHead
    cache: HeadStepper | None

    @property
    def n_ctx(self) -> int:
        """Positions that it has."""
        return self.context.n_ctx

    @property
    def n_batch(self) -> int:
        """The most tokens that are read at once."""
        return self.context.n_batch

    def decode(self, tokens: Sequence[int], rows: int) -> Logits | None:
        """Read tokens at the beginning, to see what that takes."""
        self.context.decode(tokens, 0, wanted=rows > 0)
        return self.context.logits() if rows else None

    def truncate(self, length: int) -> None:
        """Drop them again."""
        self.context.truncate(length)


def machine_for(settings: PairSettings) -> Machine:
    """The devices to use, checked before the first model is loaded, which may take long.

    Raises:
        UsageError, NetworkError: a device or a server that is named is not there.
    """
    from specdec_cli.models.placement import require_devices

    machine = this_machine(settings.target.load)
    if settings.draft:
        require_devices(settings.draft.load, "--device-draft")
    return machine


class ModelLoader:
    """Loads models and their contexts, the target first.

    Args:
        stack: frees in reverse what was loaded.
        on_loading: told how far loading is; answers whether to go on.
    """

    def __init__(self, stack: ExitStack, on_loading: OnLoading) -> None:
        self._stack = stack
        self._on_loading = on_loading
        self._followed = 0  # tokens of the model loaded before, which this one drafts for

    def load(
        self,
        role: ModelRole,
        choice: ModelChoice,
        laid: ContextSettings,
        shared: int | None = None,
    ) -> OpenModel:
        """Load one.

        Args:
            laid: the layout of its context.
            shared: tokens it has in common with the model before it.

        Raises:
            BackendError: llama.cpp refuses, or there is not enough memory.
            Cancelled: ``on_loading`` answered False.
        """
        # Not imported above: the C libraries read their environment when they are loaded.
        from specdec_cli.models.llama_context import LlamaContext
        from specdec_cli.models.recurrent_context import RecurrentContext

        weights = self._weights(role, choice, head=laid.hidden)
        followed, self._followed = self._followed, weights.vocab.size
        if weights.is_recurrent:
            recurrent = RecurrentContext(weights, laid, shared=shared, followed=followed)
            cache = CachedModel(recurrent, rewind=Checkpoints(recurrent))
            context: LlamaContext = recurrent
        else:
            context = LlamaContext(weights, laid, shared=shared, followed=followed)
            cache = CachedModel(context)
        self._stack.callback(context.close)
        return OpenModel(weights, context, cache)

    def head(
        self, target: OpenModel, choice: ModelChoice | None, laid: ContextSettings
    ) -> OpenHead:
        """Make a context for layers that guess further tokens.

        Args:
            target: keeps what its last layer says, and was loaded with its own such layers.
            choice: a file of their own, if they have one.

        Raises:
            BackendError: llama.cpp refuses, or there is not enough memory.
            Cancelled: ``on_loading`` answered False.
        """
        from specdec_cli.drafters.heads import ChainedHeads, HeadStepper, SharedHead
        from specdec_cli.models.head_context import HeadContext

        weights, hidden = target.weights, target.context.hidden
        assert hidden
        if choice:
            weights = self._weights("draft", choice, head=True)
        context = HeadContext(weights, target.context, laid)
        self._stack.callback(context.close)
        if context.shares_cache:
            return OpenHead(context, SharedHead(context, hidden, target.cache.cut), None)
        kind = ChainedHeads if context.heads > 1 else HeadStepper
        stepper = kind(context, hidden)
        return OpenHead(context, stepper, stepper)

    def _weights(self, role: ModelRole, choice: ModelChoice, *, head: bool) -> LlamaModel:
        from specdec_cli.models.llama import LlamaModel

        weights = LlamaModel(
            choice.path,
            replace(choice.load, head=head),
            lambda fraction: self._on_loading(Loading(role, choice.path, fraction)),
        )
        self._stack.callback(weights.close)
        return weights
