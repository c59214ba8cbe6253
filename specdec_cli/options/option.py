"""What an option is, and how a dataclass declares it as one of its fields.

A *section* is a frozen dataclass whose fields are options of one concern, each declared where its
value will be read, with :func:`option`. A command offers groups of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields, replace
from functools import cache
from typing import Any, Generic, Literal, Self, TypeVar, overload

from specdec_cli.options.values import Kind, Level, Switch

Origin = Literal[
    "built-in", "profile", "tuned", "config", "environment", "flag", "argument", "chat"
]
"""``argument``: given by a program that uses specdec as a library; ``chat``: changed while a
conversation was under way."""

T = TypeVar("T")
Own_co = TypeVar("Own_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Args:
        key: the name of its field.
        section: the dataclass whose field it is.
        default: what help says it is without being given, and the value then.
        short: a spelling with one dash.
        also: other accepted spellings, those of programs people come from.
        shown: what help says the default is, where the value itself would not tell.
        off: the spelling that switches it off, ``no-`` and the name unless given.
    """

    kind: Kind[Any]
    help: str
    default: object = None
    short: str = ""
    also: tuple[str, ...] = ()
    shown: str = ""
    off: str = ""
    key: str = ""
    section: type = object

    @property
    def name(self) -> str:
        """The canonical spelling without its dashes; also the key in a configuration file."""
        return self.key.replace("_", "-")

    @property
    def flags(self) -> list[str]:
        """All spellings as the parser takes them."""
        off = f"/--{self.off or f'no-{self.name}'}" if self.is_switch else ""
        long = f"--{self.name}{off}"
        return [*([self.short] if self.short else []), long, *self.also]

    @property
    def is_switch(self) -> bool:
        """Whether it stands alone, without a value."""
        return isinstance(self.kind, Switch)

    @property
    def is_counted(self) -> bool:
        """Whether it stands alone, and counts for more when it is repeated."""
        return isinstance(self.kind, Level)

    def variable(self, command: str) -> str:
        """The environment variable that sets it."""
        return f"SPECDEC_{command}_{self.key}".upper()

    def record(self, *, notes: bool = True) -> tuple[str, str]:
        """The two columns of its line in help.

        Args:
            notes: say its default and its other spellings as well.
        """
        spelled = ", ".join([self.short, f"--{self.name}"] if self.short else [f"--{self.name}"])
        default = self.shown or ("" if self.is_counted else _shown(self.default))
        more = [f"default: {default}"] if default else []
        if self.also:
            more.append(f"also {', '.join(self.also)}")
        tail = f"  [{'; '.join(more)}]" if more and notes else ""
        return f"{spelled} {self.kind.metavar}".rstrip(), self.help + tail


def _shown(default: object) -> str:
    if default is True:
        return "on"
    return "" if default is None or default is False or default == () else f"{default}"


@overload
def option(
    kind: Kind[T],
    help: str,
    *,
    short: str = "",
    also: tuple[str, ...] = (),
    shown: str = "",
    off: str = "",
) -> T | None: ...
@overload
def option(
    kind: Kind[T],
    help: str,
    default: T,
    *,
    short: str = "",
    also: tuple[str, ...] = (),
    shown: str = "",
    off: str = "",
) -> T: ...
def option(kind: Kind[Any], help: str, default: Any = None, **more: Any) -> Any:
    """Declare a field of a section as an option; its name is the field's, with dashes."""
    return field(default=default, metadata={"option": Option(kind, help, default, **more)})


@cache
def options_in(section: type) -> tuple[Option, ...]:
    """The options a section declares."""
    return tuple(_declared(section, each) for each in fields(section))


def _declared(section: type, declared: Field[Any]) -> Option:
    found: Option = declared.metadata["option"]
    return replace(found, key=declared.name, section=section)


@dataclass(frozen=True, slots=True)
class Group:
    """Options that help shows together."""

    title: str
    options: tuple[Option, ...]

    @classmethod
    def of(cls, title: str, section: type, *more: Option) -> Self:
        """All options of a section, and some of others behind them."""
        return cls(title, (*options_in(section), *more))

    def only(self, *names: str) -> Group:
        """The options of these names alone."""
        return Group(self.title, tuple(each for each in self.options if each.name in names))

    def without(self, *names: str) -> Group:
        """All options but those of these names."""
        return Group(self.title, tuple(each for each in self.options if each.name not in names))

    def but(self, name: str, **changes: Any) -> Group:
        """The same options, of which one has other help or another default."""
        return Group(
            self.title,
            tuple(replace(each, **changes) if each.name == name else each for each in self.options),
        )


@dataclass(frozen=True)
class OptionSet(Generic[Own_co]):
    """The options a command offers.

    Args:
        command: its name.
        own: the section of its own options, ``NoneType`` if it has none.
        groups: in the order of help.
    """

    command: str
    own: Callable[[], Own_co]
    groups: tuple[Group, ...] = ()

    @property
    def options(self) -> list[Option]:
        """All of them."""
        return [each for group in self.groups for each in group.options]
