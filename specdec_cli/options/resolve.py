"""The one way to a command's options: everything that may set them, brought together.

From weak to strong: built-in, profile, tuned, configuration file, environment, command line. A
profile counts for commands that take models; one of a person's own wins over what was tuned.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from specdec_cli import paths
from specdec_cli.errors import NotFoundError, UsageError
from specdec_cli.options.chosen import pair
from specdec_cli.options.command import options_by_command
from specdec_cli.options.config_file import from_file
from specdec_cli.options.option import Option, OptionSet, Origin
from specdec_cli.options.table import CommandOptions, Options
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import meant

Own = TypeVar("Own")
_MODELS = ("model", "draft-model")


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says.

    Args:
        values: by option name, as written.
        place: the source as an error names it, a file for instance.
    """

    origin: Origin
    values: Mapping[str, object]
    place: str = ""

    def names(self, option: Option, command: str) -> str:
        """How this source spells an option."""
        if self.origin == "flag":
            return f"--{option.name}"
        if self.origin == "environment":
            return option.variable(command)
        if self.origin == "argument":
            return option.key
        return f"{option.name} in {self.place or self.origin}"


def resolve(offered: OptionSet[Own], flags: Mapping[str, object]) -> CommandOptions[Own]:
    """Every option's value without a profile: of a command that takes none, or as far as known.

    Raises:
        UsageError: one is not valid, or the configuration file names one that does not exist.
    """
    return read_layers(offered, option_layers(offered, flags))


def resolve_pair(
    offered: OptionSet[Own],
    words: Sequence[str],
    flags: Mapping[str, object],
    hint: str,
    *,
    tuned: bool = True,
) -> CommandOptions[Own]:
    """Every option's value, of a command whose words name a pair and nothing else.

    Raises:
        SpecdecError: as ``chosen.pair`` and ``with_profile``.
    """
    named, flags = pair(words, flags, hint)
    return resolve_named(offered, named, flags, tuned=tuned)


def resolve_named(
    offered: OptionSet[Own],
    named: str | None,
    flags: Mapping[str, object],
    *,
    tuned: bool = True,
    by_role: bool = False,
) -> CommandOptions[Own]:
    """Every option's value, under the profile of the command line if it names one.

    Args:
        tuned, by_role: as for ``with_profile``.

    Raises:
        UsageError, NotFoundError: as ``with_profile``.
    """
    chosen = named is not None or "model" in flags  # the command line chose the models, as a pair
    layers = option_layers(offered, flags, without=_MODELS if chosen else ())
    return with_profile(offered, named, layers, tuned=tuned, by_role=by_role)


def with_profile(
    offered: OptionSet[Own],
    named: str | None,
    of_person: Sequence[Layer],
    *,
    tuned: bool = True,
    by_role: bool = False,
    warn: Callable[[str], None] | None = None,
) -> CommandOptions[Own]:
    """Every option's value, from the profile in use and the layers that are stronger than it.

    Args:
        of_person: weakest first.
        tuned: what ``tune`` found for the profile counts. It wins over a profile that ships, while
            the person's own is as explicit as their configuration, and wins over it.
        by_role: a model may be named by the profile that has it.
        warn: called with why tuned settings are not used; without it, stderr has it.

    Raises:
        UsageError: a value is not valid, or a draft model is given without its target.
        NotFoundError: the profile does not exist.
    """
    given = {name for layer in of_person for name in layer.values}
    if "model" in given:
        options = read_layers(offered, of_person)
        if not by_role:
            _refuse_profiles_as_files(options, offered.command)
        return options
    profile = named or store.DEFAULT
    of_profile = Layer("profile", store.load(profile).defaults(), f"profile {profile}")
    if "draft-model" in given:
        raise UsageError("-md is given without -m", "give both: -m TARGET -md DRAFT")
    layers = [of_profile, *of_person]
    file = paths.tuned() / f"{profile}.yaml"
    if tuned and file.exists():
        from specdec_cli.options.tuned import tuned_values

        own = store.is_own(profile)
        decided = given | of_profile.values.keys() if own else given
        values = tuned_values(read_layers(offered, layers), profile, decided, warn)
        layers.insert(0 if own else 1, Layer("tuned", values, str(file)))
    return read_layers(offered, layers, profile=profile)


def option_layers(
    offered: OptionSet[Any], flags: Mapping[str, object], without: Sequence[str] = ()
) -> list[Layer]:
    """What a person says: configuration file, environment, command line.

    Args:
        without: options that the command line alone may set.
    """
    file = paths.user_config()
    config = from_file(file, offered)
    environment = from_environment(offered, os.environ)
    for name in without:
        config.pop(name, None)
        environment.pop(name, None)
    return [
        Layer("config", config, str(file)),
        Layer("environment", environment),
        Layer("flag", flags),
    ]


def from_environment(offered: OptionSet[Any], environ: Mapping[str, str]) -> dict[str, object]:
    """The options that variables set; an empty variable counts as unset."""
    return {
        option.name: text
        for option in offered.options
        if (text := environ.get(option.variable(offered.command), "")) != ""
    }


def read_layers(
    offered: OptionSet[Own], layers: Sequence[Layer], *, profile: str | None = None
) -> CommandOptions[Own]:
    """Take each option from the strongest source that names it.

    Args:
        layers: weakest first; the built-in defaults come before them.
        profile: the name of the profile in use.

    Raises:
        UsageError: a value that counts is not valid; the error names its source.
    """
    values: dict[str, dict[str, Any]] = {}
    origins: dict[str, Origin] = {}
    options = CommandOptions(own=offered.own(), profile=profile, origins=origins)
    for option in offered.options:
        value, origins[option.name] = _strongest(option, offered.command, layers)
        values.setdefault(options.place(option), {})[option.key] = value
    sections = {place: replace(getattr(options, place), **given) for place, given in values.items()}
    return replace(options, **sections)


def _strongest(option: Option, command: str, layers: Sequence[Layer]) -> tuple[Any, Origin]:
    for layer in reversed(layers):
        given = layer.values.get(option.name)
        if given is None:
            continue
        try:
            return option.kind.read(given), layer.origin
        except ValueError as error:
            raise UsageError(
                f"{layer.names(option, command)}: {error}", f"see: specdec {command} --help"
            ) from error
    return option.default, "built-in"


def _refuse_profiles_as_files(options: Options, command: str) -> None:
    """A profile is named by the first word, not with ``-m``.

    Raises:
        NotFoundError: a model's file does not exist, and a profile has its name.
    """
    target, draft = options.models.model, options.models.draft_model
    for name in filter(None, (target, draft)):
        if meant(name).kind == "profile":
            way = (
                "name it without -m"
                if name == target
                else "give the draft model's file; the whole pair"
            )
            raise NotFoundError(
                f"{name} is a profile, not a file", f"{way}: specdec {command} {name}"
            )


def everything_wrong(path: Path) -> list[UsageError]:
    """All that is wrong in the file, values included, each once."""
    found: dict[str, UsageError] = {}
    for offered in options_by_command().values():
        try:
            values = from_file(path, offered)
        except UsageError as error:
            found.setdefault(error.message, error)
            continue
        for name, value in values.items():
            try:
                read_layers(offered, [Layer("config", {name: value}, str(path))])
            except UsageError as error:
                found.setdefault(error.message, error)
    return list(found.values())
