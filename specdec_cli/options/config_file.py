"""The person's configuration file: options at its top for all commands, and a section for each.

A key that is wrong at the top or in a command's own section stops that command. A wrong key in
another command's section does not concern it, and is a warning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from specdec_cli.errors import UsageError
from specdec_cli.options.command import options_by_command
from specdec_cli.options.option import OptionSet
from specdec_cli.reading import BadYamlError, read_yaml


def from_file(path: Path, offered: OptionSet[Any]) -> dict[str, object]:
    """The options a configuration file sets for a command, none if the file does not exist.

    Its keys are option names, with dashes or underscores; a key that is a command's name holds
    options for that command alone. An option at the top counts for every command that has it.

    Raises:
        UsageError: the file cannot be read, or names an option that does not exist.
    """
    data = _read(path)
    every = options_by_command()
    known = _names(offered)
    anywhere = {name for other in every.values() for name in _names(other)} | set(known)
    shared = {key: value for key, value in data.items() if key not in every}
    of_all = _spelled(shared, [*anywhere, *every], path)
    own = _spelled(_section(data, offered.command, path), known, path, offered.command)
    return {**{name: value for name, value in of_all.items() if name in known}, **own}


def wrong_elsewhere(path: Path, command: str) -> Iterator[UsageError]:
    """What is wrong in the sections of other commands; nothing if the file cannot be read."""
    try:
        data = _read(path)
    except UsageError:
        return  # the command itself says so
    for other, offered in options_by_command().items():
        if other != command and other in data:
            try:
                _spelled(_section(data, other, path), _names(offered), path, other)
            except UsageError as error:
                yield error


def _read(path: Path) -> dict[Any, Any]:
    try:
        data = read_yaml(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {reason}", "correct or remove it") from error
    except BadYamlError as error:
        raise UsageError(f"{path} cannot be used: {error}", "correct or remove it") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"{path} is not a mapping of options", "write lines such as: draft-max: 4")
    return data


def _section(data: Mapping[Any, Any], command: str, path: Path) -> Mapping[Any, Any]:
    own = data.get(command) or {}
    if not isinstance(own, dict):
        raise UsageError(f"{command} in {path} is not a mapping of options", "indent its options")
    return own


def _names(offered: OptionSet[Any]) -> list[str]:
    return [option.name for option in offered.options]


def _spelled(
    data: Mapping[Any, Any], known: Collection[str], path: Path, section: str = ""
) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in data.items():
        name = str(key).replace("_", "-")
        if name not in known:
            near = get_close_matches(name, known, 1)
            place = f"section {section} of {path}" if section else path
            raise UsageError(
                f"{key!r} in {place} is not an option",
                f"did you mean {near[0]}?" if near else f"see: specdec {section or 'run'} --help",
            )
        if value is not None:  # a key without a value says nothing
            found[name] = value
    return found
