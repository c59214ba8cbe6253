"""Loads the models of a pair, each with its context, as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specdec_cli.engine import layout
from specdec_cli.engine.settings import Loading, ModelChoice, ModelRole, PairSettings
from specdec_cli.memory.machine import Machine, this_machine
from specdec_cli.models.rewind import cut, read_anew
from specdec_cli.models.settings import ContextSettings
from specdec_cli.models.synced import SyncedModel

if TYPE_CHECKING:
    from specdec_cli.models.llama import LlamaModel

    Opened = tuple[LlamaModel, SyncedModel]
    """Weights and vocabulary, and a context on them."""

OnLoading = Callable[[Loading], bool]


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a pair; ``draft`` is ``None`` where none is used."""

    target: Opened
    draft: Opened | None


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


def load_models(
    settings: PairSettings,
    target_layout: ContextSettings,
    on_loading: OnLoading,
    stack: ExitStack,
    *,
    common: int | None,
    rewinds: bool,
    on_target: Callable[[LlamaModel], None] = lambda _: None,
) -> Models:
    """Load both models, or the target alone.

    Args:
        settings: without a draft if none is used.
        on_loading: told how far loading is; answers whether to go on.
        stack: frees in reverse what was loaded.
        common: tokens both models share, ``None`` without a draft.
        rewinds: refuse models that cannot be taken back to an earlier token.
        on_target: given the target's weights and vocabulary before the draft is loaded.

    Raises:
        BackendError: llama.cpp refuses, or there is not enough memory.
        Cancelled: ``on_loading`` answered False.
    """
    loader = _Loader(stack, on_loading, rewinds=rewinds)
    target = loader.load("target", settings.target, target_layout)
    on_target(target[0])
    draft = None
    if settings.draft:
        draft_layout = layout.of_draft(settings, target_layout)
        draft = loader.load("draft", settings.draft, draft_layout, common)
    return Models(target, draft)


class _Loader:
    """Loads models and their contexts, to be freed in reverse by ``stack``."""

    def __init__(self, stack: ExitStack, on_loading: OnLoading, *, rewinds: bool) -> None:
        self._stack = stack
        self._on_loading = on_loading
        self._rewinds = rewinds
        self._followed = 0  # tokens of the model loaded before, which this one drafts for

    def load(
        self,
        role: ModelRole,
        choice: ModelChoice,
        laid: ContextSettings,
        shared: int | None = None,
    ) -> Opened:
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
        context = LlamaContext(model, laid, shared=shared, followed=self._followed)
        self._followed = model.vocab.size
        self._stack.callback(context.close)
        return model, SyncedModel(context, rewind=cut if model.can_truncate else read_anew)
