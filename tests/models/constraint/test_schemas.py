"""Answers of the built-in pair fit their schema, or the schema is refused before any is made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, time

import jsonschema
import numpy as np
import pytest

from specdec_cli import paths
from specdec_cli.core.events import Finished, Round, Text
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loop import generate
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.errors import UsageError
from specdec_cli.models.constraint.base import Constraint
from specdec_cli.models.constraint.schema import prepare
from specdec_cli.models.settings import ContextSettings
from tests.models.constraint.schemas import (
    KEPT,
    REFUSED,
    Schema,
    made_up_schemas,
    openapi_schemas,
    pydantic_schemas,
)

PROMPT = "Write a short story."
MAX_TOKENS = 200
OWN = [*pydantic_schemas(), *openapi_schemas(), *made_up_schemas(180, seed=12)]
_CLOSERS = {b'"': 22.0, b"}": 15.0, b"]": 15.0, b",": 9.0, b"n": 9.0, b"{": -8.0}
_FORMATS = jsonschema.FormatChecker(("date", "ipv4", "ipv6", "uuid"))
for _name, _reads in (("time", time.fromisoformat), ("date-time", datetime.fromisoformat)):
    _FORMATS.checks(_name, ValueError)(lambda text, reads=_reads: bool(str(reads(text))))


@pytest.fixture(scope="module")
def pair() -> Iterator[Decoder]:
    """On one thread: beside other programs two wait for each other."""
    target, draft = (
        ModelChoice(paths.embedded() / f"tiny-{role}.gguf", threads=1)
        for role in ("target", "draft")
    )
    context = ContextSettings(n_ctx=0, threads_batch=1)
    settings = PairSettings(target, draft, 512, context=context, exact=True, keeps_schema=True)
    with Decoder.load(settings) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def closing(pair: Decoder) -> dict[int, float]:
    """Texts, arrays and objects end as soon as they may: the small model has no reason to."""
    bias: dict[int, float] = {}
    for token in range(pair.models.vocab.size):
        piece = pair.models.vocab.piece(token)
        if pair.models.vocab.is_end(token):
            bias[token] = 20.0
        elif piece in _CLOSERS:
            bias[token] = _CLOSERS[piece]
        elif not piece.strip():
            bias[token] = -8.0
    return bias


def answer(pair: Decoder, sampling: Sampling, *, plain: bool = False) -> tuple[str, str, list[int]]:
    text, reason, tokens = "", "", []
    session = pair.session(AnswerSettings(sampling, seed=3, repeatable=True), plain=plain)
    prompt = pair.models.vocab.tokenize(PROMPT, add_special=True, parse_special=False)
    for event in generate(session, prompt, max_tokens=MAX_TOKENS):
        if isinstance(event, Text):
            text += event.text
        elif isinstance(event, Round):
            tokens += event.tokens
        elif isinstance(event, Finished):
            reason = event.reason
    return text, reason, tokens


def check(pair: Decoder, schema: Schema, closing: dict[int, float], temperature: float) -> None:
    sampling = Sampling(temperature, json_schema=prepare(json.dumps(schema)), logit_bias=closing)
    text, reason, tokens = answer(pair, sampling)
    assert reason == "stop", (schema, text)
    validator = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    jsonschema.validate(json.loads(text), schema, validator, format_checker=_FORMATS)
    if temperature:
        assert answer(pair, sampling, plain=True)[2] == tokens


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("about", KEPT)
def test_a_keyword_is_kept_to(
    pair: Decoder, closing: dict[int, float], about: str, temperature: float
) -> None:
    check(pair, KEPT[about], closing, temperature)


@pytest.mark.parametrize("keyword", REFUSED)
def test_a_keyword_that_cannot_be_kept_to_is_named(keyword: str) -> None:
    schema, place = REFUSED[keyword]
    with pytest.raises(UsageError) as refused:
        prepare(json.dumps(schema))
    assert f'"{keyword}"' in refused.value.message
    assert f"{place} " in refused.value.message


def test_schemas_of_pydantic_of_openapi_and_made_up(
    pair: Decoder, closing: dict[int, float]
) -> None:
    assert len(OWN) >= 200
    for number, schema in enumerate(OWN):
        check(pair, schema, closing, number % 2)  # each second one at a temperature of 1


@pytest.mark.parametrize("low", ["minimum", "exclusiveMinimum"])
@pytest.mark.parametrize("high", ["maximum", "exclusiveMaximum"])
def test_a_number_is_never_an_exclusive_bound(pair: Decoder, low: str, high: str) -> None:
    for least, most in (
        (4, 4.5),
        (-4.5, -4),
        (0, 0.25),
        (-0.5, 0),
        (0, 1),
        (-1, 0),
        (3, 9),
        (1, 1),
    ):
        schema = {"type": "number", low: least, high: most}
        try:
            ready = prepare(json.dumps(schema))
        except UsageError:
            assert least == most
            continue
        constraint = pair.models.constraints.of(Sampling(json_schema=ready))
        assert constraint
        for number in (least, most, float(least), float(most), (least + most) / 2):
            constraint.restart()
            fits = _fits(pair, constraint, json.dumps(number))
            valid = jsonschema.Draft202012Validator(schema).is_valid(number)
            assert valid or not fits, (schema, number)
            assert fits or least == most or number != (least + most) / 2


def _fits(pair: Decoder, constraint: Constraint, text: str) -> bool:
    """Whether an answer may be this text, byte by byte."""
    row = np.zeros(pair.models.vocab.size, np.float32)
    path: list[int] = []
    for char in text:
        token = pair.models.vocab.tokenize(char, add_special=False, parse_special=False)[0]
        if token not in constraint.allowed(row, path):
            return False
        path.append(token)
    return any(pair.models.vocab.is_end(token) for token in constraint.allowed(row, path).tolist())


def test_numbers_that_are_none_and_schemas_of_other_programs() -> None:
    assert json.loads(prepare('{"x-guidance": {"lenient": true}, "type": "null"}')) == {
        "type": "null"
    }
    with pytest.raises(UsageError):
        prepare('{"x-guidance": {"lenient": true}, "uniqueItems": true}')


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    ],
)
def test_a_reference_to_itself_is_refused_before_anything_is_decoded(
    pair: Decoder, schema: Schema
) -> None:
    prepared = prepare(json.dumps(schema))
    with pytest.raises(UsageError, match="a \\$ref in it ends at itself"):
        pair.session(AnswerSettings(Sampling(json_schema=prepared)))


def test_text_is_escaped(pair: Decoder) -> None:
    """A free string, cut or not, never holds a raw control character."""
    text, _, _ = answer(pair, Sampling(json_schema=prepare('{"type": "string"}')))
    assert text.startswith('"')
    assert not re.search(r"[\x00-\x1f]", text)
