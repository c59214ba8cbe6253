"""Loads models, each with a context on its weights."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specdec_cli.engine.settings import Loading, ModelChoice, ModelRole, OnLoading, PairSettings
from specdec_cli.memory.machine import Machine, this_machine
from specdec_cli.models.cached import CachedModel
from specdec_cli.models.rewind import Checkpoints
from specdec_cli.models.settings import ContextSettings

if TYPE_CHECKING:
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
        from specdec_cli.models.llama import LlamaModel
        from specdec_cli.models.llama_context import LlamaContext
        from specdec_cli.models.recurrent_context import RecurrentContext

        weights = LlamaModel(
            choice.path,
            choice.load,
            lambda fraction: self._on_loading(Loading(role, choice.path, fraction)),
        )
        self._stack.callback(weights.close)
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
