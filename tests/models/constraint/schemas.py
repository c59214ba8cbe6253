"""JSON schemas as people, pydantic and OpenAPI write them, for each keyword and by the hundred."""

from __future__ import annotations

import random
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Schema = dict[str, Any]

_A = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
_SHORT = {"type": "string", "maxLength": 8}

KEPT: dict[str, Schema] = {
    "type": {"type": ["integer", "null"]},
    "enum": {"enum": [1, 2.5, None, True, "x", {"a": 1}, [1, 2]]},
    "enum text": {"enum": ["é", "日本", '"q"', "a\\b", "line\nbreak", "🎉"]},
    "const": {"type": "object", "properties": {'k"\\': {"const": 'v"w'}}, "required": ['k"\\']},
    "multipleOf": {"type": "integer", "multipleOf": 7, "minimum": 10, "maximum": 99},
    "minimum": {"type": "integer", "minimum": 3, "maximum": 1234},
    "exclusiveMinimum": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 3},
    "maximum": {"type": "number", "minimum": -0.5, "maximum": 1},
    "negative": {"type": "integer", "minimum": -20, "maximum": -5},
    "minLength": {"type": "string", "minLength": 2, "maxLength": 5},
    "pattern": {"type": "string", "pattern": "^\\d{3}-\\d{4}$"},
    "pattern quotes": {"type": "string", "pattern": '^"[a-z]"$'},
    "pattern anywhere": {"type": "string", "pattern": "[0-9]", "maxLength": 4},
    "pattern twice": {"type": "string", "pattern": "^2", "format": "date"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "date-time": {"type": "string", "format": "date-time"},
    "uuid": {"type": "string", "format": "uuid"},
    "ipv4": {"type": "string", "format": "ipv4"},
    "ipv6": {"type": "string", "format": "ipv6"},
    "int32": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 99},
    "password": {"type": "string", "format": "password", "maxLength": 9},
    "items": {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 3},
    "maxItems": {"type": "array", "items": {"type": "integer"}, "maxItems": 0},
    "prefixItems": {"type": "array", "prefixItems": [{"type": "integer"}, _SHORT], "items": False},
    "items false": {"type": "array", "prefixItems": [{"const": 1}], "items": False, "minItems": 1},
    "uniqueItems false": {"items": {"enum": [1]}, "type": "array", "uniqueItems": False},
    "properties": {
        "type": "object",
        "properties": {"a b": {"enum": ["x"]}, "a-b": {"enum": ["y"]}, "日本": {"enum": ["z"]}},
        "required": ["a b", "a-b", "日本"],
        "additionalProperties": False,
    },
    "required unnamed": {
        "type": "object",
        "properties": {"a": {"type": "boolean"}},
        "required": ["zz"],
        "additionalProperties": {"type": "integer", "maximum": 9, "minimum": 0},
    },
    "patternProperties": {
        "type": "object",
        "patternProperties": {"^S_[a-z]$": {"type": "boolean"}},
        "additionalProperties": False,
    },
    "maxProperties": {
        "type": "object",
        "additionalProperties": {"type": "null"},
        "minProperties": 1,
        "maxProperties": 2,
    },
    "allOf": {"allOf": [_A, {"properties": {"b": {"const": 1}}, "required": ["b"]}]},
    "allOf ref": {
        "$defs": {"C": {"enum": ["r", "g"]}},
        "type": "object",
        "properties": {"c": {"allOf": [{"$ref": "#/$defs/C"}], "description": "x"}},
        "required": ["c"],
    },
    "anyOf": {"anyOf": [_A, {"type": "null"}]},
    "oneOf": {"oneOf": [{"type": "boolean"}, {"type": "string", "maxLength": 4}]},
    "$ref ~1": {"$defs": {"a/b": {"type": "boolean"}}, "$ref": "#/$defs/a~1b"},
    "$ref %20": {"$defs": {"a b": {"type": "boolean"}}, "$ref": "#/$defs/a%20b"},
    "$ref #": {
        "type": "object",
        "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}},
        "required": ["next"],
        "additionalProperties": False,
    },
    "$anchor": {"$defs": {"A": {"$anchor": "aa", "type": "boolean"}}, "$ref": "#aa"},
    "definitions": {"definitions": {"c": {"enum": ["a"]}}, "$ref": "#/definitions/c"},
    "$schema": {"$schema": "http://json-schema.org/draft-07/schema#", **_A},
    "then alone": {"type": "boolean", "then": {"const": True}},
    "annotations": {"title": "T", "description": "d", "examples": [1], "default": 1, **_A},
    "deprecated": {"deprecated": True, "readOnly": True, "x-mine": [1], "type": "boolean"},
    "content": {
        "type": "string",
        "contentEncoding": "base64",
        "maxLength": 4,
        "pattern": "^[a-z]*$",
    },
}
"""Schemas that answers are kept to, by what they are about."""

REFUSED: dict[str, tuple[Schema, str]] = {
    "uniqueItems": ({"properties": {"t": {"uniqueItems": True}}}, "#/properties/t"),
    "not": ({"items": {"not": {"type": "string"}}}, "#/items"),
    "dependentRequired": ({"dependentRequired": {"a": ["b"]}}, "#"),
    "dependentSchemas": ({"dependentSchemas": {"a": {"required": ["b"]}}}, "#"),
    "dependencies": ({"dependencies": {"a": ["b"]}}, "#"),
    "contains": ({"anyOf": [{"contains": {"const": 1}}]}, "#/anyOf/0"),
    "propertyNames": ({"propertyNames": {"pattern": "^a"}}, "#"),
    "if": ({"if": {"type": "string"}, "then": {"minLength": 3}}, "#"),
    "unevaluatedProperties": ({"unevaluatedProperties": False}, "#"),
    "unevaluatedItems": ({"unevaluatedItems": False}, "#"),
    "$dynamicRef": ({"$dynamicRef": "#node"}, "#"),
    "oneOf": ({"properties": {"a/b": {"oneOf": [{"type": "string"}, {"minLength": 2}]}}}, "a~1b"),
    "format": ({"type": "string", "format": "iri"}, "#"),
    "pattern": ({"items": {"type": "string", "pattern": "(a)\\1"}}, "#/items"),
    "minimum": ({"type": "integer", "minimum": 5, "maximum": 3}, "#"),
    "enum": ({"enum": []}, "#"),
    "$ref": ({"items": {"$ref": "#/$defs/missing"}}, "#/items"),
    "type": ({"$defs": {"x": {"type": "text"}}, "items": {"$ref": "#/$defs/x"}}, "#/$defs/x"),
}
"""Schemas that cannot be kept to, by the keyword, with its place."""


class Colour(StrEnum):
    red = "red"
    green = "green"


class Item(BaseModel):
    """A line of an order."""

    name: str = Field(max_length=9)
    colour: Colour
    count: int = Field(1, ge=1, le=12)
    price: float | None = Field(None, ge=0, lt=100)
    tags: list[Annotated[str, Field(max_length=5)]] = Field([], max_length=2)


class Order(BaseModel):
    """With what pydantic writes as ``$ref``, ``anyOf``, ``default`` and ``title``."""

    items: list[Item] = Field(min_length=1, max_length=2)
    paid: bool
    on: date | None = None


class Node(BaseModel):
    """Recursive."""

    value: int = Field(ge=0, le=9)
    children: list[Node] = Field([], max_length=1)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(gt=0, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"]
    good: bool = True


class Pet(BaseModel):
    """A tagged union: ``oneOf`` with ``discriminator`` and ``const``."""

    model_config = ConfigDict(extra="forbid")
    pet: Cat | Dog = Field(discriminator="kind")
    born: datetime
    id: UUID
    wakes: time


_ADAPTED: tuple[Any, ...] = (
    *(Item, Order, Node, Pet, Colour, list[Colour], dict[str, bool], bool | None),
    *(tuple[int, bool], list[bool], date, UUID, Literal["x", 1] | None, Cat | Dog, Order | None),
    *(Annotated[str, Field(pattern="^[A-Z]{2}[0-9]{2}$")], Annotated[int, Field(multiple_of=5)]),
    Annotated[list[Annotated[float, Field(gt=-1, lt=1)]], Field(min_length=1, max_length=2)],
)


def pydantic_schemas() -> list[Schema]:
    """What pydantic writes for models and types."""
    return [TypeAdapter(kind).json_schema() for kind in _ADAPTED]


def openapi_schemas() -> list[Schema]:
    """Components as OpenAPI 3 describes them, each with the document's others beside it."""
    components: dict[str, Schema] = {
        "Id": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 99999},
        "Error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
                "message": {"type": "string", "maxLength": 12, "example": "not found"},
            },
        },
        "Pet": {
            "type": "object",
            "required": ["id", "name"],
            "properties": {
                "id": {"$ref": "#/components/schemas/Id"},
                "name": {"type": "string", "maxLength": 9},
                "status": {"type": "string", "enum": ["available", "sold"], "nullable": True},
                "photo": {"type": "string", "format": "uri", "maxLength": 20},
            },
            "xml": {"name": "pet"},
        },
        "Dog": {
            "allOf": [
                {"$ref": "#/components/schemas/Pet"},
                {"type": "object", "properties": {"bark": {"type": "boolean"}}},
            ]
        },
        "Pets": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Pet"},
            "minItems": 1,
            "maxItems": 2,
        },
        "Page": {
            "type": "object",
            "required": ["items", "total"],
            "properties": {
                "items": {"$ref": "#/components/schemas/Pets"},
                "total": {"type": "number", "format": "double", "minimum": 0, "maximum": 1000},
                "next": {"type": "string", "format": "byte", "maxLength": 8},
            },
            "additionalProperties": False,
        },
    }
    document = {"components": {"schemas": components}}
    return [{**document, "$ref": f"#/components/schemas/{name}"} for name in components]


def made_up_schemas(count: int, seed: int) -> list[Schema]:
    """Schemas put together at random from all keywords that can be kept to."""
    rng = random.Random(seed)
    return [_made_up(rng, 3) for _ in range(count)]


def _made_up(rng: random.Random, depth: int) -> Schema:
    leaves = ("integer", "number", "string", "boolean", "enum", "format")
    kind = rng.choice(
        (*leaves, *("object", "object", "array", "anyOf", "allOf")[: 5 * (depth > 0)])
    )
    inner = depth - 1
    low = rng.randint(-50, 50)
    match kind:
        case "integer":
            return {"type": kind, "minimum": low, "maximum": low + rng.randint(0, 500)}
        case "number":
            return {"type": kind, "exclusiveMinimum": low, "maximum": low + rng.choice((0.5, 7))}
        case "string":
            least = rng.randint(0, 3)
            return {"type": kind, "minLength": least, "maxLength": least + rng.randint(0, 6)}
        case "enum":
            return {"enum": rng.sample([0, 1.5, None, False, "a", 'b"', "c\\", [1], {"d": "e"}], 3)}
        case "format":
            return {"type": "string", "format": rng.choice(("date", "time", "date-time", "ipv4"))}
        case "array":
            least = rng.randint(0, 1)
            found: Schema = {"type": kind, "minItems": least, "maxItems": least + rng.randint(0, 2)}
            return {**found, "items": _made_up(rng, inner)}
        case "anyOf":
            return {kind: [_made_up(rng, inner) for _ in range(rng.randint(1, 3))]}
        case "allOf":
            return {kind: [_made_up(rng, inner)], "description": "wrapped"}
        case "object":
            names = rng.sample(("a", "b c", "dé", 'e"', "f\\", "g/h", "~i"), rng.randint(1, 3))
            return {
                "type": kind,
                "properties": {name: _made_up(rng, inner) for name in names},
                "required": rng.sample(names, rng.randint(0, len(names))),
                "additionalProperties": False,
            }
        case _:
            return {"type": kind}
