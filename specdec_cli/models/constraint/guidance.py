"""The one import of llguidance: masks over the vocabulary for JSON schemas.

A parser follows the answer and is taken back along a rejected draft. One over a vocabulary of
49,000 tokens gives a mask in 5 to 100 microseconds, whatever the schema's depth.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from numpy.typing import NDArray

from specdec_cli.core.distribution import most_likely
from specdec_cli.core.types import Logits
from specdec_cli.errors import BackendError, UsageError
from specdec_cli.models.constraint.base import nothing_fits

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions

Result = TypeVar("Result")

_STACK = 512 << 20
"""Bytes, of which only those are taken that are used."""

_NO_TEXT = b"\xff"
"""Begins what no text contains: a token that writes nothing is never part of an answer's text."""

_OPTIONS: JsonCompileOptions = {"whitespace_pattern": r" |\n[ \t]{0,20}", "lenient": False}
"""Without a bound on whitespace a model may write line ends for ever; nothing is left out."""


class TokenTexts(Protocol):
    """What is asked of a vocabulary."""

    @property
    def size(self) -> int: ...

    def pieces(self) -> list[bytes]: ...

    def is_end(self, token: int) -> bool: ...


class TokenTree:
    """All tokens of a vocabulary by their bytes; takes 0.3 s for 49,000 of them, so keep it.

    Raises:
        BackendError: the vocabulary has no token that ends the generation.
    """

    def __init__(self, vocab: TokenTexts) -> None:
        self.size = vocab.size
        self.is_end = vocab.is_end
        self.ends = [token for token in range(vocab.size) if vocab.is_end(token)]
        if not self.ends:
            raise BackendError(
                "this model has no token that ends an answer, so a schema cannot be kept to",
                "leave --json-schema out, or use another model",
            )
        self.tokenizer = LLTokenizer(
            TokenizerWrapper(_Tokens(vocab, self.ends[0])), None, self.ends
        )


class _Tokens:
    """A vocabulary in the form that llguidance reads."""

    def __init__(self, vocab: TokenTexts, end: int) -> None:
        self.eos_token_id = end
        self.bos_token_id = None
        pieces = vocab.pieces()
        self.special_token_ids = [token for token, piece in enumerate(pieces) if not piece]
        self.tokens = [piece or _NO_TEXT + b"<%d>" % token for token, piece in enumerate(pieces)]

    def __call__(self, text: bytes | str) -> list[int]:  # noqa: ARG002
        return []  # only needed to force a text's usual tokens


class SchemaConstraint:
    """Keeps an answer to a JSON schema that ``reason`` has nothing to say against.

    Raises:
        UsageError: no text fits it.
        BackendError: the schema cannot be followed on this vocabulary.
    """

    def __init__(self, schema: str, tokens: TokenTree) -> None:
        self._tokens = tokens
        grammar = _followed(schema)
        tokenizer = tokens.tokenizer
        self._matcher = _on_a_large_stack(lambda: LLMatcher(tokenizer, grammar, log_level=0))
        self._committed = 0
        self._path: list[int] = []  # what the parser has read: the answer, and some of a draft
        self._ended = False  # the last token of the path ends the generation
        self._bits = np.zeros((self._tokens.size + 31) // 32, np.uint32)
        self._address = self._bits.ctypes.data
        self._check()
        try:
            self._masked(tokens.size)
        except BackendError as error:
            raise UsageError(
                "--json-schema leads nowhere: a $ref in it ends at itself", "say what it refers to"
            ) from error

    def restart(self) -> None:
        self._matcher.reset()
        self._committed, self._path, self._ended = 0, [], False

    def commit(self, tokens: Sequence[int]) -> None:
        self._go_to(tokens)
        self._committed += len(tokens)

    def best(self, logits: Logits, drafted: Sequence[int] = ()) -> int:
        self._go_to(drafted)
        likely = most_likely(logits)
        if self._allows(likely):
            return likely
        ids = self._masked(logits.size)
        return ids.item(logits[ids].argmax())

    def allowed(
        self,
        logits: Logits,
        drafted: Sequence[int] = (),
        most: int = 0,  # noqa: ARG002 - all of them cost no more
    ) -> NDArray[np.intp]:
        self._go_to(drafted)
        return self._masked(logits.size)

    def _allows(self, token: int) -> bool:
        if self._tokens.is_end(token):
            return self._ended or self._matcher.is_accepting()
        return not self._ended and self._matcher.validate_tokens([token]) == 1

    def _masked(self, size: int) -> NDArray[np.intp]:
        if self._ended:
            ids = np.array(self._tokens.ends)
        else:
            self._matcher.unsafe_compute_mask_ptr(self._address, self._bits.nbytes)
            self._check()
            bits = np.unpackbits(
                self._bits.view(np.uint8), count=self._tokens.size, bitorder="little"
            )
            ids = bits.nonzero()[0]
        ids = ids[ids < size] if size < self._tokens.size else ids
        if not ids.size:
            raise nothing_fits()
        return ids

    def _go_to(self, drafted: Sequence[int]) -> None:
        """Let the parser have read the answer and ``drafted``, and no more."""
        path, start = self._path, self._committed
        same = 0
        for here, there in zip(path[start:], drafted, strict=False):
            if here != there:
                break
            same += 1
        extra = len(path) - start - same
        if extra:
            # A token that ends the generation is no text, and the parser never reads it.
            self._matcher.rollback(extra - self._ended)
            del path[start + same :]
            self._ended = False
        for token in drafted[same:]:
            self._read(token)

    def _read(self, token: int) -> None:
        if not self._allows(token):
            self._check()
            raise ValueError(f"token {token} is not allowed here")
        if self._tokens.is_end(token):
            self._ended = True
        else:
            self._matcher.consume_token(token)
        self._path.append(token)

    def _check(self) -> None:
        if self._matcher.is_error():
            reason = self._matcher.get_error().splitlines()
            raise BackendError(
                f"the schema cannot be followed any further: {reason[0] if reason else 'unknown'}",
                "simplify the schema",
            )


def reason(schema: str) -> str:
    """Why a JSON schema cannot be kept to; empty where it can."""
    try:
        grammar = LLMatcher.grammar_from_json_schema(schema, overrides=_OPTIONS)
    except ValueError as error:
        return str(error)
    failed, messages = _on_a_large_stack(lambda: LLMatcher.validate_grammar_with_warnings(grammar))
    return messages[0] if failed or messages else ""


def _followed(schema: str) -> str:
    """The grammar that answers are kept to.

    Without ``no_forcing`` a text that is the only one possible would be allowed in its usual tokens
    only, and the distribution would be another one than the mask says.
    """
    document = json.dumps({**json.loads(schema), "x-guidance": _OPTIONS})
    return LLMatcher.grammar_from_lark('%llguidance {"no_forcing": true}\nstart: %json ' + document)


def _on_a_large_stack(function: Callable[[], Result]) -> Result:
    """Call a function that may go as deep as the longest chain of references in a schema.

    A stack that overflows ends the process: a chain of 3000 took 8 MB.
    """
    before = threading.stack_size(_STACK)
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(function).result()
    finally:
        threading.stack_size(before)
