"""No schema ends the process or raises anything but a usage error, however wrong it is."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.models.constraint import child
from tests.models.constraint.schemas import KEPT, REFUSED

_CHILD = """
import json, sys
from specdec_cli.errors import UsageError
from specdec_cli.models.constraint.schema import prepare

for text in json.loads(sys.stdin.read()):
    print(json.dumps(text[:500]), flush=True)
    try:
        prepare(text)
    except UsageError:
        pass
print("done")
"""

_KEYWORDS = sorted({name for schema in KEPT.values() for name in schema} | REFUSED.keys())
_PATTERNS = ("(", "[a", "a{9999}{9999}", "(?=a)", "\\p{Greek}", "(a*)*$", "\\u0000", "^^$$", "|")
_WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False),
    st.sampled_from(("#", "#/", "#/$defs/a", "object", "string", "date", "~2", *_PATTERNS)),
)


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.dictionaries(st.sampled_from(_KEYWORDS), inner, max_size=4),
        st.dictionaries(st.sampled_from(("a", "b", "$ref", "")), inner, max_size=2),
        st.lists(inner, max_size=3),
    )


def test_no_schema_ends_the_process() -> None:
    chain = {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(3000)}
    texts: list[str] = [
        "",
        '{"$ref": "#"}',
        '{"allOf": [{"$ref": "#"}]}',
        '{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}',
        '{"properties": {"\\ud800": {}}}',
        json.dumps({"$defs": {**chain, "d3000": {}}, "$ref": "#/$defs/d0"}, separators=(",", ":")),
        json.dumps({"enum": ["x" * 1000] * 150}),
        '{"items":' * 120 + "{}" + "}" * 120,
        '{"minItems": 1e400}',
        '{"maxLength": 1e15, "minLength": 1e15}',
    ]

    @given(st.recursive(_WRONG, _schemas, max_leaves=12))
    def gather(schema: object) -> None:
        texts.append(json.dumps(schema))

    @given(st.dictionaries(st.sampled_from(_KEYWORDS), st.recursive(_WRONG, _schemas), max_size=5))
    def gather_keywords(schema: object) -> None:
        texts.append(json.dumps(schema))

    gather()
    gather_keywords()
    child.survives(_CHILD, texts)
