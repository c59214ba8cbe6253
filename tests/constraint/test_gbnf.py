"""GBNF of any kind is answered or refused: no text a person may type ends the process."""

from __future__ import annotations

import numpy as np
import pytest
from constraint import child
from hypothesis import given, settings
from hypothesis import strategies as st

from specdec_cli import paths
from specdec_cli.errors import UsageError
from specdec_cli.models.constraint import gbnf
from specdec_cli.models.constraint.llama import GbnfConstraint
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.settings import ModelSettings

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
