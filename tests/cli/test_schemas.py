"""The JSON schemas say what the dataclasses of the reports say, name by name and type by type."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import pytest

import specdec_cli.cli
from specdec_cli.bench.results import BenchResult, CostPoint
from specdec_cli.doctor.results import DoctorReport
from specdec_cli.models.build_info import BuildInfo
from specdec_cli.models.devices import Device
from specdec_cli.run.batch import Answered
from specdec_cli.tune.diagnosis import Cause, Measured, Verdict
from specdec_cli.tune.results import TuneReport
from specdec_cli.verify.results import VerifyReport

SCHEMAS = Path(specdec_cli.cli.__file__).parent / "schema"
REPORTS = {
    "bench": BenchResult,
    "doctor": DoctorReport,
    "run": Answered,
    "tune": TuneReport,
    "verify": VerifyReport,
}
LATE = {each.__name__: each for each in (BuildInfo, Cause, CostPoint, Device, Measured)} | {
    "Verdict": Verdict
}
"""What modules import for type checkers only."""
JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


Shape = dict[str, set[str]]
"""The types of each value by its place: ``.a.b``, ``.list[]``, ``.mapping.*``."""


def merged(pairs: Iterable[tuple[str, str]]) -> Shape:
    found: Shape = {}
    for place, kind in pairs:
        found.setdefault(place, set()).add(kind)
    return found


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """Names and types of a dataclass's members, as JSON has them."""
    hints = get_type_hints(kind, localns=LATE)
    for name in getattr(kind, "JSON", None) or [field.name for field in fields(kind)]:
        bare = name.removeprefix("**")
        found = inspect.getattr_static(kind, bare, None)
        own = isinstance(found, property)
        of = get_type_hints(found.fget, localns=LATE)["return"] if own else hints[bare]
        if get_origin(of) is ClassVar:
            (of,) = get_args(of)
        if not name.startswith("**"):
            yield name, of
            continue
        for part in parts(of):
            yield from members(part) if is_dataclass(part) else ()


def parts(of: Any) -> tuple[Any, ...]:
    """The types of a union."""
    return get_args(of) if get_origin(of) in (Union, types.UnionType) else (of,)


def of_type(of: Any, place: str = "") -> Iterator[tuple[str, str]]:
    for part in parts(of):
        origin, inner = get_origin(part), get_args(part)
        if is_dataclass(part) and isinstance(part, type):
            yield place, "object"
            for name, member in dict(members(part)).items():
                yield from of_type(member, f"{place}.{name}")
        elif origin in (tuple, list):
            yield place, "array"
            for item in set(inner) - {Ellipsis}:
                yield from of_type(item, f"{place}[]")
        elif inner and origin is not Literal:
            yield place, "object"
            yield from of_type(inner[1], f"{place}.*")
        else:
            yield place, JSON_TYPES.get(str if origin is Literal else part, "anything")


def of_schema(schema: Any, root: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if "$ref" in schema:
        yield from of_schema(root["$defs"][schema["$ref"].split("/")[-1]], root, place)
    for choice in (each for key in ("allOf", "anyOf", "oneOf") for each in schema.get(key, ())):
        yield from of_schema(choice, root, place)
    told = schema.get("type", [])
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    for kind in [told] if isinstance(told, str) else told or {JSON_TYPES[type(v)] for v in values}:
        yield place, kind
    for name, below in schema.get("properties", {}).items():
        yield from of_schema(below, root, f"{place}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(key), dict):
            yield from of_schema(schema[key], root, place + mark)


@pytest.mark.parametrize("name", REPORTS)
def test_a_schema_says_what_the_dataclasses_say(name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    ours, theirs = merged(of_type(REPORTS[name])), merged(of_schema(schema, schema))
    free = tuple(place.removesuffix("*") for place, kinds in ours.items() if "anything" in kinds)
    ours, theirs = (
        {place: kinds for place, kinds in shape.items() if not place.startswith(free or ("!",))}
        for shape in (ours, theirs)
    )
    assert theirs.keys() - {".v"} == ours.keys()
    for place, kinds in ours.items():
        allowed = theirs[place] | ({"integer"} if "number" in theirs[place] else set())
        assert kinds <= allowed, place


def test_every_schema_has_a_report() -> None:
    assert {path.name.split(".")[0] for path in SCHEMAS.glob("*.json")} == set(REPORTS)
