"""One command's options from everything that may set them, the profile included."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from specdec_cli import paths
from specdec_cli.errors import NotFoundError, UsageError
from specdec_cli.options.chosen import meant
from specdec_cli.options.config_file import from_file
from specdec_cli.options.resolved import Layer, Resolved, from_environment, resolve
from specdec_cli.options.table import Group
from specdec_cli.options.tuned import with_tuned
from specdec_cli.profiles import store

MODELS = ("model", "draft-model")


def gather_options(
    groups: Sequence[Group],
    command: str,
    named: str | None,
    flags: Mapping[str, object],
    *,
    tuned: bool = True,
    by_role: bool = False,
) -> tuple[Resolved, str | None]:
    """Every option's value, and the profile in use if there is one.

    Args:
        named: the profile of the command line, if it names one.
        tuned: what ``tune`` found for the profile counts. It wins over a profile that ships, while
            the person's own is as explicit as their configuration, and wins over it.
        by_role: a model may be named by the profile that has it.

    Raises:
        UsageError: a value is not valid, or a draft model is given without its target.
        NotFoundError: the profile does not exist.
    """
    config = from_file(paths.user_config(), groups, command)
    environment = from_environment(groups, command, os.environ)
    if named is not None or "model" in flags:  # the command line chose the models, as a pair
        for name in MODELS:
            config.pop(name, None)
            environment.pop(name, None)
    of_person = [
        Layer("config", config, str(paths.user_config())),
        Layer("environment", environment),
        Layer("flag", flags),
    ]
    return with_profile(groups, command, named, of_person, tuned=tuned, by_role=by_role)


def with_profile(
    groups: Sequence[Group],
    command: str,
    named: str | None,
    of_person: Sequence[Layer],
    *,
    tuned: bool = True,
    by_role: bool = False,
    warn: Callable[[str], None] | None = None,
) -> tuple[Resolved, str | None]:
    """Every option's value, from the profile in use and the layers that are stronger than it.

    Args:
        of_person: weakest first.
        warn: told why tuned settings are not used; without it, stderr is.

    Raises:
        UsageError, NotFoundError: as ``gather_options``.
    """
    own_models = any("model" in layer.values for layer in of_person)
    profile = None if own_models else named or store.DEFAULT
    defaults = store.load(profile).defaults() if profile else {}
    of_profile = [Layer("profile", defaults, f"profile {profile}")]
    if profile and any("draft-model" in layer.values for layer in of_person):
        raise UsageError("-md is given without -m", "give both: -m TARGET -md DRAFT")
    layers = [*of_profile, *of_person]
    if profile and tuned:
        own = store.is_own(profile)
        weaker, stronger = ([], layers) if own else (of_profile, of_person)
        layers = with_tuned(groups, command, weaker, stronger, profile, warn)
    options = resolve(groups, command, layers)
    if profile is None and not by_role:
        _refuse_profiles_as_files(options, command)
    return options, profile


def _refuse_profiles_as_files(options: Resolved, command: str) -> None:
    """A profile is named by the first word, not with ``-m``.

    Raises:
        NotFoundError: a model's file does not exist, and a profile has its name.
    """
    for name in MODELS:
        value = options.get(name)
        if value and meant(value).kind == "profile":
            raise NotFoundError(
                f"{value} is a profile, not a file",
                f"name it without -m: specdec {command} {value}"
                if name == "model"
                else f"give the draft model's file; the whole pair: specdec {command} {value}",
            )
