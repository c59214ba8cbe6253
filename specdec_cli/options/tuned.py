"""What ``tune`` found for a profile, as one more source of values.

Settings that were measured together count together: where a stronger source sets one of a group,
the group's tuned values are passed over.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from specdec_cli.errors import SpecdecError
from specdec_cli.options.table import Options
from specdec_cli.profiles import tuned
from specdec_cli.terminal.errors import warning_line
from specdec_cli.terminal.safe import safe_line

TUNED_TOGETHER = {
    "threads": ("threads", "threads-draft"),
    "drafting": ("drafter", "adaptive", "draft-max", "draft-min", "draft-p-min"),
    "rule": ("verify",),
}
_ALSO_DECIDED_BY = {
    "drafting": ("expect", "batch-size"),  # which ask for a drafter, and bound its drafts
    "rule": ("seed", "exact"),  # which promise what not every rule keeps
}
_WORDS = {
    "machine": "on another machine",
    "build": "with another build of llama.cpp",
    "target": "with another target file or other GPU layers or devices of it",
    "draft": "with another draft file or other GPU layers or devices of it",
    "layout": "with other values of exact, kernels, flash-attn or cache types",
}


def tuned_values(
    options: Options,
    profile: str,
    decided: Collection[str],
    warn: Callable[[str], None] | None = None,
) -> Mapping[str, object]:
    """The tuned values that hold here.

    Args:
        options: without them.
        decided: names of options that a stronger source sets.
        warn: called with what is passed over, and why; without it, stderr has it.
    """
    try:
        found = tuned.load(profile)
    except SpecdecError as error:
        problem = f"{error.message}; {error.hint}"
        _tell(warn, problem, warning_line(problem, color=False))
        return {}
    here = fingerprint(options)
    if here is None or not found.entries:
        return {}
    entry = found.matching(here)
    if entry is None:
        nearest = min(reversed(found.entries), key=lambda e: len(_differing(e.fingerprint, here)))
        reason = _mismatch(profile, _differing(nearest.fingerprint, here))
        _tell(warn, reason, "" if options.output.quiet else f"{safe_line(reason)}\n")
        return {}
    values = entry.settings.options()
    return {
        name: values[name]
        for group, names in TUNED_TOGETHER.items()
        if {*names, *_ALSO_DECIDED_BY.get(group, ())}.isdisjoint(decided)
        for name in names
        if name in values
    }


def _tell(warn: Callable[[str], None] | None, problem: str, line: str) -> None:
    if warn:
        warn(problem)
    else:
        sys.stderr.write(line)


def fingerprint(options: Options) -> dict[str, Any] | None:
    """What tuned settings hold for; ``None`` where a model is not on this machine."""
    from specdec_cli.engine import fingerprint as prints
    from specdec_cli.engine.settings import ModelChoice
    from specdec_cli.options.loading import loads

    target, draft = options.models.model, options.models.draft_model
    if not target:
        return None
    hardware = options.hardware
    layout = {
        "exact": options.drafting.exact,
        "kernels": hardware.kernels,
        "flash_attention": hardware.flash_attn,
        "cache": [hardware.cache_type_k, hardware.cache_type_v],
    }
    load, load_draft = loads(hardware)
    try:
        return prints.of_pair(
            ModelChoice(Path(target).expanduser(), load),
            ModelChoice(Path(draft).expanduser(), load_draft) if draft else None,
            layout,
        )
    except (OSError, ValueError):
        return None


def decided(options: Options, *, own_profile: bool) -> dict[str, str]:
    """The groups that tuning cannot change, each with the reason.

    Args:
        own_profile: the profile is the person's own, whose values are explicit.
    """
    found: dict[str, str] = {}
    for group, names in TUNED_TOGETHER.items():
        for name in names:
            origin = options.origins[name]
            if origin not in ("built-in", "tuned", "profile"):
                found.setdefault(group, f"{name} is set by {origin}")
            elif origin == "profile" and own_profile:
                found.setdefault(group, f"{name} is set in your profile")
    if options.sampling.temp == 0:
        found.setdefault("rule", "at temperature 0 all rules are the same")
    elif options.drafting.exact:
        found.setdefault("rule", "--exact means the rule match")
    return found


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    from specdec_cli.engine.fingerprint import differing

    return differing(a, b)


def _mismatch(profile: str, parts: Sequence[str]) -> str:
    reasons = " and ".join(_WORDS.get(part, f"with another {part}") for part in parts)
    line = f"the tuned settings of {profile} are not used: they were measured {reasons}"
    return f"{line}; anew: specdec tune {profile}"
