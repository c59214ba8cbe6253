"""GBNF of any kind is answered or refused: no text a person may type ends the process."""

from __future__ import annotations

from itertools import product
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from specdec_cli import paths
from specdec_cli.core.sampling import Sampling
from specdec_cli.errors import BackendError, UsageError
from specdec_cli.models.constraint import gbnf
from specdec_cli.models.constraint.llama import GbnfConstraint
from specdec_cli.models.constraint.prefixes import Prefixes, PrefixesInTime, _is_text
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.sampler_chain import LlamaSamplerChain
from specdec_cli.models.settings import ModelSettings
from tests.ggufs import SPECIALS, byte_tokens, write_gguf
from tests.models.constraint import child

_CHILD = """
import json, sys
from pathlib import Path
import numpy as np
from specdec_cli.errors import BackendError, UsageError
from specdec_cli.models.constraint.llama import GbnfConstraint
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.settings import ModelSettings
model = LlamaModel(Path(sys.argv[1]), ModelSettings())
rng = np.random.default_rng(1)
for text in json.loads(sys.stdin.read()):
    print(json.dumps(text), flush=True)
    try:
        constraint = GbnfConstraint(model, text)
        for _ in range(3):
            rows = rng.standard_normal((4, model.vocab.size)).astype(np.float32)
            drafted = []
            for row in rows:
                token = constraint.best(row, drafted)
                allowed = constraint.allowed(row, drafted, 40)
                assert token in allowed, text
                if model.vocab.is_end(token):
                    break
                drafted.append(token)
            constraint.commit(drafted[:2])
    except (UsageError, BackendError):
        pass
print("done")
"""


def survives(texts: list[str]) -> None:
    """Follow grammars in a process of their own; the last line names the one that ended it."""
    child.survives(_CHILD, texts, str(paths.embedded() / "tiny-target.gguf"))


_ITEMS = st.sampled_from(
    [
        *(
            '"a"',
            '"hi "',
            '"é"',
            '"\\x41"',
            '"\\u00e9"',
            "[a-z]",
            "[^a]",
            "[]",
            ".",
            "root",
            "b",
            "c",
        ),
        *("(", ")", "|", "*", "+", "?", "{2}", "{,3}", "{1,}", "{0,50}", "\n", "::=", "#x\n"),
        *(
            '""',
            "<|im_end|>",
            "!<|im_end|>",
            "<[2]>",
            '"',
            "[",
            "\\",
            "\0",
            " ",
            "b ::= ",
            "c ::= ",
        ),
    ]
)
_SOUND = st.recursive(
    st.sampled_from(['"a"', '"ab"', "[a-c]", "[^\\n]", ".", '""', "b", "root", '"é"']),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' | '.join(parts)})"),
        st.tuples(inner, st.sampled_from("*+?")).map(lambda made: f"({made[0]}){made[1]}"),
        st.tuples(inner, st.integers(0, 3)).map(lambda made: f"({made[0]}){{{made[1]},4}}"),
    ),
    max_leaves=8,
)


def test_no_grammar_ends_the_process() -> None:
    texts: list[str] = [
        'root ::= "hi" !<|im_end|>+',
        "root ::= <[2]>",
        'root ::= "' + "a" * 100_000 + '"',
        "root ::= " + "(" * 90 + '"a"' + ")*" * 90,
        "root ::= " + '"a"? ' * 40,
        "root ::= b{100}\nb ::= c{100}\nc ::= d{100}\nd ::= [a-z]{100}",
        "\n".join(f"r{i} ::= r{i + 1}" for i in range(3000)) + '\nroot ::= r0\nr3000 ::= "a"',
    ]

    @settings(max_examples=40)
    @given(st.lists(_ITEMS, max_size=12).map("".join))
    def gather(text: str) -> None:
        texts.append(f"root ::= {text}")

    @settings(max_examples=20)
    @given(_SOUND, _SOUND)
    def gather_sound(root: str, other: str) -> None:
        texts.append(f"root ::= {root}\nb ::= {other}")

    gather()
    gather_sound()
    survives(texts)


@pytest.fixture(scope="module")
def model() -> LlamaModel:
    return LlamaModel(paths.embedded() / "tiny-target.gguf", ModelSettings())


@pytest.mark.parametrize(
    "text",
    [
        "root ::= ",
        'root ::= ""',
        'root ::= # "a"\n',
        'root ::= a | b a\na ::= ""\nb ::= a (a | a)\nunused ::= "x"',
    ],
)
def test_an_empty_answer_only_is_refused(model: LlamaModel, text: str) -> None:
    with pytest.raises(UsageError, match="allows an empty answer only"):
        GbnfConstraint(model, text)


@pytest.mark.parametrize(
    "text", ["root ::= .", "root ::= [a]", 'root ::= | b\nb ::= "" c\nc ::= "#"', 'root ::= "\\""?']
)
def test_an_empty_answer_beside_others_is_allowed(model: LlamaModel, text: str) -> None:
    GbnfConstraint(model, text)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ('root ::= "yes', 'the " in line 1 is not closed', 'end it with "'),
        ('root ::= a\na ::= "x\\"', 'the " in line 2 is not closed', 'end it with "'),
        ("root ::= [a-z", "the [ in line 1 is not closed", "end it with ]"),
        ('foo ::= "a"', "'root'", "a rule named root"),
        ("root ::= foo", "'foo'", "foo ::= …"),
        ('root ::= ("a"', "expecting ')'", "correct it there"),
    ],
)
def test_hints_fit_what_is_wrong(model: LlamaModel, text: str, said: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        GbnfConstraint(model, text)
    assert said in caught.value.message and hint in caught.value.hint
    assert ("rule named root" in caught.value.hint) == ("root" in said)


def test_the_likely_are_found_without_looking_at_all(model: LlamaModel) -> None:
    """What is allowed of the likeliest tokens is the same as of all, for any number of them."""
    rng = np.random.default_rng(4)
    for text in ("root ::= [a-z]+", 'root ::= "hello" | [0-9] [a-z]*', "root ::= .*"):
        constraint = GbnfConstraint(model, text)
        for _ in range(5):
            row = rng.standard_normal(model.vocab.size).astype(np.float32)
            every = constraint.allowed(row)
            likely = every[np.argsort(-row[every])]
            for most in (1, 5, 40):
                found = constraint.allowed(row, most=most)
                found = found[np.argsort(-row[found])]
                assert found[:most].tolist() == likely[:most].tolist()
            assert constraint.best(row) == likely[0]


def test_a_draft_leaves_no_trace(model: LlamaModel) -> None:
    constraint = GbnfConstraint(model, 'root ::= "abc" "d"* "e"')
    row = np.zeros(model.vocab.size, np.float32)
    fresh = constraint.allowed(row).tolist()
    path: list[int] = []
    for _ in range(3):
        path.append(constraint.best(row, path))
    assert constraint.allowed(row).tolist() == fresh
    constraint.commit(path[:1])
    constraint.restart()
    assert constraint.allowed(row).tolist() == fresh


def test_what_is_inside_quotes_is_no_token() -> None:
    gbnf.refuse_unsound('root ::= "<|im_end|>" [<!] # <[2]>\n')
    with pytest.raises(UsageError, match="line 2"):
        gbnf.refuse_unsound('root ::= "<"\n  <[2]>')


@pytest.fixture(scope="module")
def tangled(tmp_path_factory: pytest.TempPathFactory) -> LlamaModel:
    """A vocabulary of texts that begin with one another, with parts of characters among them."""
    spelled = byte_tokens()
    parts = [b"a", b"b", b"c", b"\n", b"<", b"ab", *(mark.encode() for mark in "éã€😀")]
    broken = [b"\xc3", b"\xa9", b"\xe2\x82", b"\x82\xac", b"\xc0\xa1", b"\xe0\x81\xa1", b"\xff"]
    made = {b"".join(chosen) for n in (2, 3) for chosen in product([*parts, *broken], repeat=n)}
    texts = ["".join(spelled[byte] for byte in text) for text in sorted(made) if len(text) > 1]
    tokens = [*spelled, *dict.fromkeys(texts), "<|im_end|>!", *SPECIALS]
    file = tmp_path_factory.mktemp("models") / "tangled.gguf"
    return LlamaModel(write_gguf(file, tokens=tokens, merges=("a b",)), ModelSettings())


_PLAIN = st.recursive(
    st.sampled_from(['"a"', '"ab"', "[a-c]", "[^\\n]", "[^a]", ".", '""', '"<|"', '"\\x7f"', "b"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' | '.join(parts)})"),
        st.tuples(inner, st.sampled_from("*+?")).map(lambda made: f"({made[0]}){made[1]}"),
    ),
    max_leaves=6,
)


@settings(max_examples=40)
@given(root=_PLAIN, other=_PLAIN.filter(lambda text: "b" not in text.split()), seed=st.integers(0))
@example(root="[^é] b", other="[^€]+", seed=0)
@example(root="[^\\u00e9] b", other='"\\xe9"', seed=0)
def test_by_their_beginnings_the_same_tokens_are_allowed(
    tangled: LlamaModel, root: str, other: str, seed: int
) -> None:
    """Also in the middle of a character, and where a token is no text or ends the answer."""
    text = f"root ::= {root}\nb ::= {other}"
    prefixes = Prefixes(tangled.vocab.texts(), apart=tangled.vocab.ends)
    rng = np.random.default_rng(seed)
    try:
        slow = GbnfConstraint(tangled, text)
    except UsageError:  # a rule may begin with itself
        return
    fast = GbnfConstraint(tangled, text, lambda: prefixes)
    row = np.zeros(tangled.vocab.size, np.float32)
    for _ in range(6):
        try:
            allowed = slow.allowed(row)
        except BackendError:
            with pytest.raises(BackendError):
                fast.allowed(row)
            return
        assert np.array_equal(fast.allowed(row), allowed)
        token = int(rng.choice(allowed))
        if tangled.vocab.is_end(token):
            return
        for constraint in (fast, slow):
            constraint.commit([token])


@pytest.mark.parametrize("text", ['root ::= "ab" | "abc" [a-c]* "<"', "root ::= [abc\\n]+"])
@pytest.mark.parametrize("top_k", [0, 2, 40])
def test_by_their_beginnings_the_distribution_is_the_same(
    tangled: LlamaModel, text: str, top_k: int
) -> None:
    prefixes = Prefixes(tangled.vocab.texts(), apart=tangled.vocab.ends)
    asked = 0

    def known() -> Prefixes:
        nonlocal asked
        asked += 1
        return prefixes

    sampling = Sampling(temperature=0.8, top_k=top_k, grammar=text)
    slow = LlamaSamplerChain(tangled, sampling, None, GbnfConstraint(tangled, text))
    fast = LlamaSamplerChain(tangled, sampling, None, GbnfConstraint(tangled, text, known))
    rng = np.random.default_rng(7)
    for _ in range(8):
        row = rng.standard_normal(tangled.vocab.size).astype(np.float32)
        here, there = fast.distribution(row), slow.distribution(row)
        assert here.ids is not None
        assert there.ids is not None
        assert here.ids.tolist() == there.ids.tolist()
        assert here.probs.tolist() == there.probs.tolist()
        token = int(here.ids[here.probs.argmax()])
        if tangled.vocab.is_end(token):
            break
        for chain in (fast, slow):
            chain.commit([token])
    assert asked


def test_few_tokens_are_tested_where_few_are_allowed(tangled: LlamaModel) -> None:
    prefixes = Prefixes(tangled.vocab.texts(), apart=tangled.vocab.ends)
    constraint = GbnfConstraint(tangled, 'root ::= "abc"')
    tested = 0

    def count(ids: NDArray[np.intp]) -> NDArray[np.intp]:
        nonlocal tested
        tested += ids.size
        return constraint._tested(ids)

    found = prefixes.allowed(count, tangled.vocab.size)
    assert found is not None
    pieces = [tangled.vocab.piece(token) for token in found.tolist()]
    assert sorted(filter(_is_text, pieces)) == [b"a", b"ab", b"abc"]
    whole = sum(_is_text(piece) for piece in tangled.vocab.texts())
    assert tested < tangled.vocab.size - whole + 512
    assert prefixes.allowed(count, 100) is None


def test_prefixes_are_made_once_and_only_where_they_are_missed_often() -> None:
    class Vocabulary:
        ends: ClassVar = [2]
        read = 0

        def texts(self) -> list[bytes]:
            self.read += 1
            return [b"a", b"ab", b"<end>"]

    vocabulary = Vocabulary()
    prefixes = PrefixesInTime(vocabulary)
    found = [prefixes() for _ in range(100)]
    assert found[0] is None
    assert found[-1] is not None
    assert vocabulary.read == 1
