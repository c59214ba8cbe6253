"""What ``tune`` found for a profile, as one more source of values.

Settings that were measured together count together: where a stronger source sets one of a group,
the group's tuned values are passed over.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from specdec_cli import paths
from specdec_cli.errors import SpecdecError
from specdec_cli.options.resolved import Layer, Resolved, resolve
from specdec_cli.options.table import Group
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


def with_tuned(
    groups: Sequence[Group],
    command: str,
    weaker: Sequence[Layer],
    stronger: Sequence[Layer],
    profile: str,
    warn: Callable[[str], None] | None = None,
) -> list[Layer]:
    """The layers with that of the tuned settings in its place, if there are any that hold here.

    Args:
        warn: told what is passed over, and why; without it, stderr is.
    """
    layers = [*weaker, *stronger]
    if not (paths.tuned() / f"{profile}.yaml").exists():
        return layers
    from specdec_cli.profiles import tuned

    options = resolve(groups, command, layers)
    try:
        found = tuned.load(profile)
    except SpecdecError as error:
        problem = f"{error.message}; {error.hint}"
        if warn:
            warn(problem)
        else:
            sys.stderr.write(warning_line(problem, color=False))
        return layers
    here = fingerprint(options)
    if here is None or not found.entries:
        return layers
    entry = found.matching(here)
    if entry is None:
        if not options.get("quiet"):
            nearest = min(
                reversed(found.entries), key=lambda e: len(_differing(e.fingerprint, here))
            )
            reason = _mismatch(profile, _differing(nearest.fingerprint, here))
            if warn:
                warn(reason)
            else:
                sys.stderr.write(safe_line(reason) + "\n")
        return layers
    values = _undecided(entry.settings.options(), stronger)
    return [*weaker, Layer("tuned", values, str(tuned.file_of(profile))), *stronger]


def fingerprint(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """What tuned settings hold for; ``None`` where a model is not on this machine."""
    from specdec_cli.engine import fingerprint as prints
    from specdec_cli.engine.settings import ModelChoice
    from specdec_cli.options.loading import loads

    target, draft = options.get("model"), options.get("draft-model")
    if not target:
        return None
    layout = {
        "exact": bool(options.get("exact")),
        "kernels": options.get("kernels"),
        "flash_attention": options.get("flash-attn"),
        "cache": [options.get("cache-type-k"), options.get("cache-type-v")],
    }
    load, load_draft = loads(options)
    try:
        return prints.of_pair(
            ModelChoice(Path(target).expanduser(), load),
            ModelChoice(Path(draft).expanduser(), load_draft) if draft else None,
            layout,
        )
    except (OSError, ValueError):
        return None


def settled(options: Resolved, *, own_profile: bool) -> dict[str, str]:
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
    if options["temp"] == 0:
        found.setdefault("rule", "at temperature 0 all rules are the same")
    elif options["exact"]:
        found.setdefault("rule", "--exact means the rule match")
    return found


def _undecided(values: Mapping[str, object], stronger: Sequence[Layer]) -> dict[str, object]:
    """The values of groups in which no stronger source sets anything."""
    decided = {
        name for layer in stronger for name, value in layer.values.items() if value is not None
    }
    return {
        name: value
        for group, names in TUNED_TOGETHER.items()
        if decided.isdisjoint((*names, *_ALSO_DECIDED_BY.get(group, ())))
        for name, value in values.items()
        if name in names
    }


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    from specdec_cli.engine.fingerprint import differing

    return differing(a, b)


def _mismatch(profile: str, parts: Sequence[str]) -> str:
    reasons = " and ".join(_WORDS.get(part, f"with another {part}") for part in parts)
    line = f"the tuned settings of {profile} are not used: they were measured {reasons}"
    return f"{line}; anew: specdec tune {profile}"
