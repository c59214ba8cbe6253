"""Reading files that anybody may have written: never more of them than makes sense."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

from specdec_cli.errors import NotFoundError, UsageError

TEXT = 64 << 20
"""Bytes of a text for a model; no context holds as much."""

RULES = 4 << 20
"""Bytes of a template, a grammar or a schema."""

_SETTINGS = 1 << 18
_DEPTH = 40
_VALUES = 10_000


class TooLargeError(UsageError):
    """A file, or a device without an end, holds more than what it is meant for can be."""


class BadYamlError(ValueError):
    """A text is not YAML, or more than settings need."""


def read_bytes(path: Path, most: int) -> bytes:
    """A file's bytes; it may also be a device or a pipe.

    Raises:
        OSError: it cannot be read.
        TooLargeError: it has more than ``most`` bytes.
    """
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise TooLargeError(
            f"{path} has more than {most:,} bytes", "check that it is the file you meant"
        )
    return data


def read_file(name: str, most: int = TEXT) -> bytes:
    """The bytes of a file that a person named.

    Raises:
        NotFoundError: it is missing or cannot be read.
        TooLargeError: it has more than ``most`` bytes, or no end.
    """
    try:
        return read_bytes(Path(name), most)
    except FileNotFoundError:
        raise NotFoundError(f"{name} does not exist", "check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotFoundError(f"{name} cannot be read: {reason}", "check the path") from None


def bounded_line(stream: BinaryIO) -> bytes:
    """The next line with its end; empty at the end of the stream.

    Raises:
        TooLargeError: it has more bytes than any context holds, or no end.
    """
    line = stream.readline(TEXT + 1)
    if len(line) > TEXT:
        raise TooLargeError(
            f"a line of the input has more than {TEXT:,} bytes",
            "check that it is the file you meant",
        )
    return line


def read_yaml(path: Path) -> Any:
    """What a YAML file says, in plain types.

    What grows when it is read is counted before it does: aliases and merge keys may stand for
    others, so that a few hundred bytes mean billions of values.

    Raises:
        OSError: it cannot be read.
        TooLargeError: it is larger than settings can be.
        UnicodeDecodeError: it is not UTF-8.
        BadYamlError: it is not YAML, names a key twice, or is too deep or too large.
    """
    if not path.is_file() and path.exists():
        raise OSError(None, "not a regular file", str(path))
    text = read_bytes(path, _SETTINGS).decode("utf-8-sig")
    import yaml

    try:
        loader = _bounded_loader()(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count(node, {})
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except BadYamlError:
        raise
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        line = f", line {at.line + 1}" if at else ""
        raise BadYamlError(f"not YAML: {error.problem or error.context}{line}") from error
    except (yaml.YAMLError, ValueError, OverflowError, TypeError) as error:
        raise BadYamlError(f"not YAML: {' '.join(str(error).split())}") from error


def _bounded_loader() -> Any:
    """The safe loader, which refuses what is too deep before it descends."""
    import yaml

    class Bounded(yaml.SafeLoader):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            if self.depth > _DEPTH:
                raise BadYamlError(f"more than {_DEPTH} levels deep")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    return Bounded


def _count(node: Any, known: dict[int, int]) -> int:
    """How many values a node stands for, each alias as often as it is used.

    Args:
        known: counts of nodes that were seen; -1 while they are counted.

    Raises:
        BadYamlError: too many, one that holds itself, or a mapping that names a key twice.
    """
    import yaml

    if (count := known.get(id(node))) is not None:
        if count < 0:
            raise BadYamlError(f"a value holds itself{_line(node)}")
        return count
    known[id(node)] = -1
    count = 1
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(keys) < len(node.value):
            raise BadYamlError(f"a key is not a word{_line(node)}")
        for key, times in Counter(keys).items():
            if times > 1:
                raise BadYamlError(f"{key!r} is there {times} times{_line(node)}")
        parts = [part for pair in node.value for part in pair]
    else:
        parts = node.value if isinstance(node, yaml.SequenceNode) else []
    for part in parts:
        count += _count(part, known)
        if count > _VALUES:
            raise BadYamlError(f"more than {_VALUES:,} values")
    known[id(node)] = count
    return count


def _line(node: Any) -> str:
    return f", line {node.start_mark.line + 1}"
