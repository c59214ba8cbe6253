"""Brings the sources of a value together.

They are built-in, profile, tuned, user config, environment, flag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from specdec_cli.cli.options import RUN, Group, Option, options_of
from specdec_cli.errors import UsageError

COMMANDS = ("run", "chat", "bench", "tune", "verify", "plan", "check", "doctor", "export")
"""Keys of a configuration file that hold the options of one command alone."""

Origin = Literal["built-in", "profile", "tuned", "config", "environment", "flag", "chat"]
"""``chat``: changed while a conversation was under way."""


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


def from_file(path: Path, groups: Sequence[Group], command: str) -> dict[str, object]:
    """The options a configuration file sets, none if it does not exist.

    Its keys are option names, with dashes or underscores; a key that is a command's name holds
    options for that command alone. Options of ``run`` may stand at the top for all commands, and
    those that lack one pass it over.

    Raises:
        UsageError: the file cannot be read, or names an option that does not exist.
    """
    try:
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "correct or remove it") from error
    import yaml

    try:
        data: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} is not YAML: {reason}", "correct or remove it") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"{path} is not a mapping of options", "write lines such as: draft-max: 4")
    known = [option.name for option in options_of(groups)]
    own = data.pop(command, None) or {}
    shared = {key: value for key, value in data.items() if key not in COMMANDS}
    if not isinstance(own, dict):
        raise UsageError(f"{command} in {path} is not a mapping of options", "indent its options")
    of_all = _spelled(shared, [*known, *(option.name for option in options_of(RUN))], path)
    of_all = {name: value for name, value in of_all.items() if name in known}
    return {**of_all, **_spelled(own, known, path)}


def _spelled(data: Mapping[Any, Any], known: Sequence[str], path: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in data.items():
        name = str(key).replace("_", "-")
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise UsageError(
                f"{key!r} in {path} is not an option",
                f"did you mean {near[0]}?" if near else "see: specdec run --help",
            )
        found[name] = value
    return found
