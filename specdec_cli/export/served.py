"""What is to be served, and what becomes of it: a command line, and what had no equivalent."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from specdec_cli.drafters.registry import DrafterSpec, Need
from specdec_cli.engine.settings import ModelChoice, RuleName
from specdec_cli.models.settings import ContextSettings


@dataclass(frozen=True, slots=True)
class Served:
    """A pair with its settings.

    Args:
        target, draft: how they are loaded; ``path`` means nothing to servers that load a base.
        base, draft_base: repositories of the original weights, where they are known.
        length: tokens of every draft.
        length_from: where that number comes from, as a person reads it.
        adaptive: ``length`` takes the place of lengths that follow the text.
        n_ctx: tokens of the context; 0 for all the target was trained for.
        sampling: by the names of the command line; only what the server is to be told.
        predict: most tokens of an answer, ``None`` to leave it open.
        template: of conversations: a file, or a format's name.
        template_variables: what the template may ask for, as JSON.
        left_out: settings that no server has, as a person reads them.
    """

    target: ModelChoice
    draft: ModelChoice | None
    drafter: DrafterSpec
    length: int
    length_from: str = ""
    draft_min: int = 0
    draft_p_min: float = 0.0
    adaptive: bool = False
    verify: RuleName = "auto"
    n_ctx: int = 0
    context: ContextSettings = field(default_factory=lambda: ContextSettings(n_ctx=0))
    batches: bool = False
    sampling: Mapping[str, float] = field(default_factory=dict)
    predict: int | None = None
    template: str | None = None
    template_variables: str | None = None
    base: str = ""
    draft_base: str = ""
    left_out: Sequence[str] = ()

    @property
    def drafts(self) -> bool:
        """Whether a draft model is served along."""
        return Need.DRAFT_MODEL in self.drafter.needs and self.draft is not None

    @property
    def has_head(self) -> bool:
        """Whether the model's own layers for further tokens draft, or those of a file beside it."""
        return Need.HEAD in self.drafter.needs

    @property
    def steps(self) -> bool:
        """Whether a draft model or a head proposes tokens, one after the other."""
        return self.drafts or self.has_head

    @property
    def looks_up(self) -> bool:
        """Whether drafts are looked up in the text so far, which servers can do too."""
        return Need.HISTORY in self.drafter.needs

    @property
    def plainly(self) -> bool:
        """Whether the server decodes plainly, as it has nothing to draft with."""
        return not self.steps and not self.looks_up


@dataclass(frozen=True, slots=True)
class Exported:
    """A server's command line.

    Args:
        program: the words before the options.
        options: long names without dashes and their values, or with the dashes of a short name.
        notes: what has no equivalent, and what to know, a sentence each.
        model_key: what a configuration file calls the model, for servers that read one.
    """

    program: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    model_key: str = ""

    @property
    def command(self) -> list[str]:
        """All words."""
        return [*self.program, *(word for option in self.options for word in option)]

    def shell(self) -> str:
        """The command for a POSIX shell, one option on a line."""
        lines = [shlex.join(self.program), *(shlex.join(option) for option in self.options)]
        return " \\\n  ".join(lines) + "\n"

    def config(self) -> str:
        """A configuration file in YAML, for servers that read one."""
        import yaml

        values: dict[str, Any] = {self.model_key: self.program[-1]} if self.model_key else {}
        values |= {name.lstrip("-"): _plain(value) for name, value in self.options}
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)


def _plain(value: str) -> str | int | float:
    """A number as a number, so that YAML does not quote it."""
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
