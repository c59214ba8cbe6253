"""What is asked of a pair and of an answer, before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from specdec_cli.core.limits import DRAFT_MAX_FIXED
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.verify import Rule
from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import AUTO, DrafterSpec, Need
from specdec_cli.gguf.driven_heads import file_drafts_beside, file_drafts_itself
from specdec_cli.models.kernels import Kernels
from specdec_cli.models.settings import ContextSettings, ModelSettings

RuleName = Rule | Literal["auto"]
ModelRole = Literal["target", "draft"]


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One model of the pair and how it is loaded; ``threads`` of 0 are chosen."""

    path: Path
    load: ModelSettings = field(default_factory=ModelSettings)
    threads: int = 0


@dataclass(frozen=True, slots=True)
class PairSettings:
    """What is loaded, and how both contexts are laid out.

    Args:
        draft: ``None`` for a target alone.
        n_ctx: context of both models in tokens; 0 for what the target was trained for.
        shrinks: the context may be shorter where there is no room for it.
        context: the rest of both contexts' layout; its ``n_ctx``, ``rows``, ``pad`` and single
            threads are set from here.
        drafter: one of ``registry.choices()``; ``AUTO`` takes the best there is.
        adaptive: choose the draft length by what it gains, between the bounds that follow.
        proven: somebody chose the two for each other, as profiles do: drafts need not prove
            themselves before an answer may spend anything on them.
        draft_max: most tokens drafted in a round; sizes the logit buffers.
        draft_p_min: no token is drafted that the draft model gives less than this.
        exact: the same bits whatever is drafted (see docs/losslessness.md).
        kernels: ``auto`` gives the target those that keep a row's bits in every batch, where some
            do; ``fast`` leaves llama.cpp its own choice.
        chat_template: in Jinja, instead of the one in the target's file.
        chat_format: the name of one of llama.cpp's formats, instead of either.
        template_variables: what the template may ask for, such as ``enable_thinking``, as JSON.
        keeps_schema: answers will be kept to a JSON schema; what that needs is built while loading.
        remember: begin with what earlier runs learnt of this pair, and keep what this one learns.
    """

    target: ModelChoice
    draft: ModelChoice | None = None
    n_ctx: int = 0
    shrinks: bool = False
    context: ContextSettings = field(default_factory=lambda: ContextSettings(n_ctx=0))
    drafter: str = AUTO
    draft_min: int = 0
    draft_max: int = DRAFT_MAX_FIXED
    draft_p_min: float = 0.0
    exact: bool = False
    kernels: Kernels = "auto"
    adaptive: bool = False
    proven: bool = False
    chat_template: str = ""
    chat_format: str = ""
    template_variables: str = "{}"
    remember: bool = True
    keeps_schema: bool = False


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """How one answer is drawn.

    Args:
        repeatable: the same seed is to give the same answer, whatever drafts and however much; then
            ``auto`` verification is ``match``.
        expect: what the answer is likely to be like, say the old version of a file to be edited.
    """

    sampling: Sampling = field(default_factory=Sampling)
    verify: RuleName = "auto"
    seed: int = 1
    repeatable: bool = False
    expect: str = ""


@dataclass(frozen=True, slots=True)
class Loading:
    """Progress of loading: which model, and the fraction of it that is there."""

    role: ModelRole
    path: Path
    fraction: float


OnLoading = Callable[[Loading], bool]
"""Told how far loading is; answers whether to go on."""


def chosen_drafter(settings: PairSettings) -> DrafterSpec:
    """The drafter that is meant.

    Raises:
        UsageError: it needs a draft model or a head, and there is none.
    """
    return registry.resolve(settings.drafter, available(settings))


def available(settings: PairSettings) -> frozenset[Need]:
    """What drafters may build on."""
    return in_files(settings.target.path, settings.draft.path if settings.draft else None)


def in_files(target: Path, draft: Path | None) -> frozenset[Need]:
    """What drafters find in files: in what is given as the draft, else the target's own head."""
    if draft is not None:
        return frozenset({Need.HEAD if file_drafts_beside(draft) else Need.DRAFT_MODEL})
    return frozenset({Need.HEAD} if file_drafts_itself(target) else ())
