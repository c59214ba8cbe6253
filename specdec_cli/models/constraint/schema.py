"""JSON schemas as people and programs write them: made ready to be kept to, or refused.

llguidance refuses the keywords it does not know. What it would let through in part is put in other
words here, so that an answer fits every keyword of the schema or nothing is decoded at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from specdec_cli.errors import UsageError
from specdec_cli.models.constraint import guidance

_HINT = "see Grammars in docs/losslessness.md for the keywords; specdec run --help shows an example"
_MAX_LENGTH = 100_000

_TO_MAPS = (
    *("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"),
    "schemas",  # in OpenAPI's components
)
_TO_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_TO_ONE = (
    *("items", "additionalProperties", "additionalItems", "contains", "not", "if", "then", "else"),
    *("propertyNames", "unevaluatedItems", "unevaluatedProperties", "components"),
)
_SHARED = ("$schema", "$defs", "definitions", "components")

_DATE = (
    "(?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)"
)
_TIME = (
    "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?"
    "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_PATTERNS = {"date": f"^{_DATE}$", "time": f"^{_TIME}$", "date-time": f"^{_DATE}T{_TIME}$"}
"""Formats whose grammar by llguidance lets 30 February of no leap year, or second 60, pass."""

_STEP = 1e-4
"""How near to an exclusive bound a number may be."""

_FORMATS = frozenset(("duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"))
_STANDARD = _FORMATS | {
    *("idn-email", "idn-hostname", "iri", "iri-reference", "json-pointer", "regex"),
    *("relative-json-pointer", "uri-reference", "uri-template"),
}


def prepare(text: str) -> str:
    """Return a schema in the words that answers will be kept to.

    ``format`` is kept to where JSON Schema defines it; other programs' formats, such as ``int32``
    or ``password``, say nothing to a validator, and say nothing here.

    Raises:
        UsageError: it is no schema, or has a keyword that cannot be kept to, named with its place.
    """
    if len(text) > _MAX_LENGTH:
        raise UsageError(
            f"--json-schema has {len(text)} characters, the most is {_MAX_LENGTH}",
            "leave out what is not used",
        )
    try:
        schema = json.loads(text, parse_constant=_refuse_constant)
        if isinstance(schema, bool):
            schema = {} if schema else {"not": {}}
        if not isinstance(schema, dict):
            raise UsageError("--json-schema is not a JSON object", _HINT)
        schema.pop("x-guidance", None)  # options of llguidance, which are ours to set
        ready = _reworded(schema, "#")
        reason = _reason(ready)
        if reason:
            raise _refusal(ready, reason)
    except RecursionError:
        raise UsageError(
            "--json-schema is nested too deeply", "give parts names in $defs"
        ) from None
    except ValueError as error:
        raise UsageError(f"--json-schema is not JSON: {error}", _HINT) from error
    return json.dumps(ready)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _reworded(schema: Any, place: str) -> Any:
    """A schema with the same meaning, or a narrower one where the meaning cannot be said."""
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    if found.get("uniqueItems") is False:
        del found["uniqueItems"]
    if "if" not in found:
        found.pop("then", None)
        found.pop("else", None)
    _narrow_bounds(found)
    for name, at, part in _parts(found):
        inside = _reworded(part, _join(place, name, at))
        if at is None:
            found[name] = inside
        else:
            held = found[name]
            found[name] = dict(held) if isinstance(held, dict) else list(held)
            found[name][at] = inside
    kept = found.get("format")
    if isinstance(kept, str):
        if kept in _PATTERNS:
            del found["format"]
            _add_pattern(found, _PATTERNS[kept])
        elif kept in _STANDARD - _FORMATS:
            raise UsageError(
                f'--json-schema has "format": "{kept}" at {place} that cannot be kept to', _HINT
            )
        elif kept not in _FORMATS:
            del found["format"]
    return found


def _narrow_bounds(schema: dict[str, Any]) -> None:
    """Keep numbers off exclusive bounds.

    In an interval of no more than 1 llguidance lets a whole number that is an exclusive bound pass,
    such as 4 where it must be above 4 and at most 4.5. Draft 4 writes ``true`` beside ``minimum``.
    """
    for name, beside in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(name), bool):
            exclusive = schema.pop(name)
            if exclusive and beside in schema:
                schema[name] = schema.pop(beside)
    if schema.get("type") == "integer":
        return
    low = schema.get("exclusiveMinimum", schema.get("minimum"))
    high = schema.get("exclusiveMaximum", schema.get("maximum"))
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return
    if not 0 < high - low <= 1:
        return
    step = min(_STEP, (high - low) / 4)
    if "exclusiveMinimum" in schema:
        del schema["exclusiveMinimum"]
        schema["minimum"] = max(low + step, schema.get("minimum", low))
    if "exclusiveMaximum" in schema:
        del schema["exclusiveMaximum"]
        schema["maximum"] = min(high - step, schema.get("maximum", high))


def _add_pattern(schema: dict[str, Any], pattern: str) -> None:
    if "pattern" not in schema:
        schema["pattern"] = pattern
    else:
        schema["allOf"] = [*schema.get("allOf", []), {"pattern": pattern}]


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, str | int | None, Any]]:
    """Keyword, key or index in it, and each schema directly inside another one."""
    for name, value in list(schema.items()):
        if name in _TO_MAPS and isinstance(value, dict):
            for key, part in value.items():
                yield name, key, part
        elif name in _TO_LISTS and isinstance(value, list):
            for index, part in enumerate(value):
                yield name, index, part
        elif name in _TO_ONE and isinstance(value, dict):
            yield name, None, value


def _every(schema: Any, place: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and all in it, each with its place, what is inside after what holds it."""
    if isinstance(schema, dict):
        yield place, schema
        for name, at, part in _parts(schema):
            yield from _every(part, _join(place, name, at))


def _join(place: str, name: str, at: str | int | None) -> str:
    if at is None:
        return f"{place}/{name}"
    return f"{place}/{name}/" + str(at).replace("~", "~0").replace("/", "~1")


def _refusal(root: dict[str, Any], reason: str) -> UsageError:
    """The error of a schema that llguidance refuses, with the smallest part it refuses."""
    shown = " ".join(reason.split())[:200]
    shared = {name: root[name] for name in _SHARED if name in root}
    what = smallest = ""
    for place, part in reversed(list(_every(root))):
        whole = {**shared, **part}
        if smallest.startswith(place) or _reason(whole) != reason:
            continue
        blamed = [name for name in part if _reason(_without(whole, name)) != reason]
        named = " and ".join(f'"{name}"' for name in blamed if name != "type" or len(blamed) == 1)
        what = f"{named} at {place}" if named else f"a part at {place}"
        smallest = place
        if blamed != ["$ref"]:  # else what it refers to may be to blame
            break
    where = f"has {what} that " if what else ""
    return UsageError(f"--json-schema {where}cannot be kept to: {shown}", _HINT)


def _without(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != name}


def _reason(schema: object) -> str:
    return guidance.reason(json.dumps(schema))
