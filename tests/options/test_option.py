"""One field of a section is all that an option needs."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path

import pytest

import specdec_cli
from specdec_cli import paths
from specdec_cli.cli import commands as program
from specdec_cli.cli.parsing import parsed
from specdec_cli.options import command as commands
from specdec_cli.options.command import Command, options_by_command
from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.resolve import Layer, read_layers, resolve
from specdec_cli.options.table import DRAFTING, OUTPUT
from specdec_cli.options.values import Several, Switch, Whole


@dataclass(frozen=True, slots=True)
class DuckOptions:
    """Options that no command has."""

    duck_count: int = option(Whole(1, 9), "Ducks in the pond", 2, short="-d", also=("--ducks",))
    duck_names: tuple[int, ...] = option(Several(Whole()), "Numbers of ducks", ())
    quacking: bool | None = option(Switch(), "Say so")


DUCKS = OptionSet(
    "ducks",
    DuckOptions,
    (Group.of("Ducks", DuckOptions), DRAFTING.only("exact"), OUTPUT.only("json", "print-config")),
)


def act(*_: object) -> int:
    return 0


COMMAND = Command(act, DUCKS, "Nothing", "")


def test_its_value_comes_from_every_source(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_COMMANDS", {"ducks": COMMAND})
    assert resolve(DUCKS, {}).own == DuckOptions(2, (), None)
    file = paths.user_config()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("duck_count: 3\nducks:\n  duck-names: [1, 2]\n")
    assert resolve(DUCKS, {}).own == DuckOptions(3, (1, 2), None)
    monkeypatch.setenv("SPECDEC_DUCKS_DUCK_COUNT", "4")
    options = resolve(DUCKS, {"quacking": True})
    assert options.own == DuckOptions(4, (1, 2), True)
    assert options.origins == {
        "duck-count": "environment",
        "duck-names": "config",
        "quacking": "flag",
        "exact": "built-in",
        "json": "built-in",
        "print-config": "built-in",
    }


def test_it_is_in_help_and_on_the_command_line() -> None:
    [ducks, *_] = DUCKS.groups
    assert [each.record()[0] for each in ducks.options] == [
        "-d, --duck-count N",
        "--duck-names N",
        "--quacking",
    ]
    assert ducks.options[0].record()[1] == "Ducks in the pond  [default: 2; also --ducks]"
    assert ducks.options[0].flags == ["-d", "--duck-count", "--ducks"]
    assert ducks.options[2].flags == ["--quacking/--no-quacking"]
    assert set(parsed(COMMAND, lambda _: None).__annotations__) >= {"duck_count", "quacking"}


def test_a_command_s_options_cannot_be_changed_in_place() -> None:
    options = read_layers(DUCKS, [])
    with pytest.raises(FrozenInstanceError):
        options.own.duck_count = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        options.drafting.exact = True  # type: ignore[misc]
    changed = options.with_value(DUCKS.options[0], 5, "chat")
    assert (options.own.duck_count, changed.own.duck_count) == (2, 5)
    assert changed.origins["duck-count"] == "chat"


def test_what_a_command_does_not_offer_is_built_in() -> None:
    options = read_layers(DUCKS, [Layer("flag", {"temp": 1.0, "exact": True})])
    assert options.sampling.temp == 0.0
    assert options.drafting.exact is True
    assert "temp" not in options.origins


def test_origins_are_asked_for_under_names_that_there_are() -> None:
    """They are looked up by name, which no type checker sees."""
    assert program.app is not None  # it has registered all commands
    known = {each.name for offered in options_by_command().values() for each in offered.options}
    asked = {
        name
        for file in Path(specdec_cli.__file__).parent.rglob("*.py")
        for name in re.findall(r"\borigins(?:\.get\(|\[)\"([^\"]+)\"", file.read_text("utf-8"))
    }
    assert {"draft-max", "predict", "system"} <= asked <= known


def test_short_help_names_options_that_the_command_offers() -> None:
    shown = {name: set(each.brief.split()) for name, each in commands._COMMANDS.items()}
    assert sum(map(bool, shown.values())) > 5
    for name, offered in options_by_command().items():
        assert shown[name] <= {each.name for each in offered.options}
