"""Brings the sources of a value together.

They are built-in, profile, tuned, user config, environment, flag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from specdec_cli.errors import UsageError
from specdec_cli.options.table import Group, Option, options_of

Origin = Literal[
    "built-in", "profile", "tuned", "config", "environment", "flag", "argument", "chat"
]
"""``argument``: given by a program that uses specdec as a library; ``chat``: changed while a
conversation was under way."""


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


class Resolved(Mapping[str, Any]):
    """Every option's value by name, and where it comes from."""

    def __init__(self, values: Mapping[str, Any], origins: Mapping[str, Origin]) -> None:
        self._values = dict(values)
        self.origins = dict(origins)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def with_value(self, name: str, value: Any, origin: Origin) -> Resolved:
        """The same options but for one."""
        return Resolved({**self._values, name: value}, {**self.origins, name: origin})


def resolve(groups: Sequence[Group], command: str, layers: Sequence[Layer]) -> Resolved:
    """Take each option from the strongest source that names it.

    Args:
        layers: weakest first; the built-in defaults come before them.

    Raises:
        UsageError: a value that counts is not valid; the error names its source.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for option in options_of(groups):
        values[option.name], origins[option.name] = option.default, "built-in"
        for layer in reversed(layers):
            value = layer.values.get(option.name)
            if value is None:
                continue
            try:
                values[option.name] = option.kind.read(value)
            except ValueError as error:
                raise UsageError(
                    f"{layer.names(option, command)}: {error}",
                    f"see: specdec {command} --help",
                ) from error
            origins[option.name] = layer.origin
            break
    return Resolved(values, origins)


def from_environment(
    groups: Sequence[Group], command: str, environ: Mapping[str, str]
) -> dict[str, object]:
    """The options that variables set; an empty variable counts as unset."""
    return {
        option.name: text
        for option in options_of(groups)
        if (text := environ.get(option.variable(command), "")) != ""
    }
