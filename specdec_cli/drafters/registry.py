"""The drafters there are: what each needs, how it drafts, and how it is made.

Options, choices, profiles, the benchmark, the search for settings and every help text read this
list; no other file names a drafter. Importing it imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from importlib import import_module
from typing import TYPE_CHECKING

from specdec_cli.errors import UsageError

if TYPE_CHECKING:
    from specdec_cli.drafters.base import Drafter, Parts

AUTO = "auto"
"""Not a drafter but a choice among them, see :func:`resolve`."""


class Need(Enum):
    """What a drafter needs besides the target; ``Parts`` has a field for each."""

    DRAFT_MODEL = auto()
    HEAD = auto()
    """Layers of the target's file that were trained to guess further tokens"""
    HISTORY = auto()
    """The prompts and answers of this pair so far, and an answer that is expected (``--expect``)"""


FROM_DRAFT_FILE = frozenset({Need.DRAFT_MODEL, Need.HEAD})
"""What the file that is given as the draft may be."""


@dataclass(frozen=True, slots=True)
class DrafterSpec:
    """What other modules know about a drafter.

    Args:
        name: as ``--drafter`` takes it.
        help: what proposes tokens, in a few words: "What proposes tokens: …".
        make: makes the drafter of one answer.
        needs: what ``make`` is given.
        stepped: the source of the drafts that it makes token by token, where each token costs a
            step and the draft length decides whether to go on; empty where it makes none. Costs
            and acceptance are kept by this name.
        free: whether it finds whole drafts that cost next to nothing.
        drafted_by: as a sentence says it: "drafted by …"; its name if left out.
    """

    name: str
    help: str
    make: Callable[[Parts], Drafter]
    needs: frozenset[Need] = frozenset()
    stepped: str = ""
    free: bool = False
    drafted_by: str = ""

    @property
    def reads_draft_file(self) -> bool:
        """Whether it works with the file that is given as the draft, if one is."""
        return bool(self.needs & FROM_DRAFT_FILE)

    @property
    def drafts(self) -> bool:
        """Whether it ever proposes anything."""
        return self.free or bool(self.stepped)


def _module(name: str) -> Callable[[Parts], Drafter]:
    """Return ``make`` of a module of this folder, which is imported when it is first called."""

    def make(parts: Parts) -> Drafter:
        drafter: Drafter = import_module(f"specdec_cli.drafters.{name}").make(parts)
        return drafter

    return make


MODEL = DrafterSpec(
    name="model",
    help="a draft model",
    make=_module("model"),
    needs=frozenset({Need.DRAFT_MODEL}),
    stepped="model",
    drafted_by="model",
)
NGRAM = DrafterSpec(
    name="ngram",
    help="repetitions in the text",
    make=_module("ngram"),
    needs=frozenset({Need.HISTORY}),
    free=True,
    drafted_by="n-grams",
)
HYBRID = DrafterSpec(
    name="hybrid",
    help="the better of a draft model and repetitions",
    make=_module("hybrid"),
    needs=MODEL.needs | NGRAM.needs,
    stepped=MODEL.stepped,
    free=True,
    drafted_by="model and n-grams",
)
MTP = DrafterSpec(
    name="mtp",
    help="the model's own head",
    make=_module("mtp"),
    needs=frozenset({Need.HEAD}),
    stepped="mtp",
    drafted_by="its own head",
)
MTP_HYBRID = DrafterSpec(
    name="mtp-hybrid",
    help="the better of the model's own head and repetitions",
    make=_module("mtp_hybrid"),
    needs=MTP.needs | NGRAM.needs,
    stepped=MTP.stepped,
    free=True,
    drafted_by="its own head and n-grams",
)
NONE = DrafterSpec(name="none", help="nothing", make=_module("none"))

DRAFTERS: tuple[DrafterSpec, ...] = (
    MODEL,
    NGRAM,
    HYBRID,
    MTP,
    MTP_HYBRID,
    NONE,
)
"""All of them. A new one is its file in this folder and a line here (docs/adding-a-drafter.md)."""

_AUTOMATIC = (HYBRID, MTP_HYBRID, NGRAM)
"""What :data:`AUTO` tries, the best first. The last needs only a text, and the controller sees to
it that drafts which are not accepted cost nothing."""

_BY_NAME = {spec.name: spec for spec in DRAFTERS}


def names() -> tuple[str, ...]:
    """The names of all drafters."""
    return tuple(_BY_NAME)


def choices() -> tuple[str, ...]:
    """What can be chosen: the names, and :data:`AUTO`."""
    return (AUTO, *names())


def named(name: str) -> DrafterSpec:
    """The drafter of a name.

    Raises:
        KeyError: there is none; options and files are checked against :func:`choices` before.
    """
    return _BY_NAME[name]


def possible(available: Collection[Need]) -> list[DrafterSpec]:
    """The drafters that can propose something with what is available."""
    return [spec for spec in DRAFTERS if spec.drafts and not _missing(spec, available)]


def automatic(available: Collection[Need]) -> DrafterSpec:
    """The drafter that :data:`AUTO` stands for: the first it tries that has all it needs."""
    return next(spec for spec in _AUTOMATIC if not _missing(spec, available))


def resolve(choice: str, available: Collection[Need]) -> DrafterSpec:
    """The drafter that is meant by a choice.

    Args:
        available: what there is besides the target and the texts so far, which are always there.

    Raises:
        UsageError: it needs something else.
    """
    if choice == AUTO:
        return automatic(available)
    spec = named(choice)
    if Need.HEAD in _missing(spec, available):
        raise UsageError(
            f"--drafter {choice} needs a model with a head of its own, and no draft model",
            f"name a model whose file has MTP layers, or use --drafter {NGRAM.name}",
        )
    if Need.DRAFT_MODEL in _missing(spec, available):
        raise UsageError(
            f"--drafter {choice} needs a draft model",
            f"give one with -md FILE, or use --drafter {NGRAM.name}",
        )
    return spec


def uses_head(kind: str) -> bool:
    """Whether a drafter uses heads of this kind; it is called like them."""
    return kind in _BY_NAME


def needing(need: Need) -> list[str]:
    """The names of the drafters that need something."""
    return [spec.name for spec in DRAFTERS if need in spec.needs]


def may_need(choice: str, need: Need) -> bool:
    """Whether what is meant by a choice may need something."""
    return choice == AUTO or need in named(choice).needs


def may_read_draft_file(choice: str) -> bool:
    """Whether what is meant by a choice may work with the file that is given as the draft."""
    return choice == AUTO or named(choice).reads_draft_file


def may_draft(choice: str) -> bool:
    """Whether what is meant by a choice may propose anything."""
    return choice == AUTO or named(choice).drafts


def in_words(choices: Sequence[str]) -> str:
    """Choices as a sentence lists them: ``a, b or c``."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def _missing(spec: DrafterSpec, available: Collection[Need]) -> set[Need]:
    """What a drafter needs and is not there."""
    return {need for need in spec.needs if need is not Need.HISTORY and need not in available}
