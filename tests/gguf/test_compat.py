"""Which pairs may draft for one another, and what is said of those that may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from specdec_cli.errors import IncompatiblePairError
from specdec_cli.gguf.compat import Compatibility, compare, require_pair
from specdec_cli.gguf.header import Header, read_header
from tests.ggufs import SPECIALS, default_tokens, write_gguf

BPE = default_tokens()


@pytest.fixture
def make(tmp_path: Path):
    """Makes models of one vocabulary each, named target, draft, …"""
    made = iter(["target", "draft", "third"])

    def _make(**kwargs) -> Header:
        return read_header(write_gguf(tmp_path / f"{next(made)}.gguf", **kwargs))

    return _make


def changed(index: int, text: str | bytes) -> list[str | bytes]:
    return [*BPE[:index], text, *BPE[index + 1 :]]


def severities(result: Compatibility) -> list[str]:
    return [finding.severity for finding in result.reasons]


def test_models_of_one_family_are_compatible(make):
    result = require_pair(make(d=64, n_layers=2), make(seed=1))
    assert result.ok
    assert result.reasons == ()
    assert result.first_difference is None
    assert result.common_ids == len(BPE)


def test_the_first_difference_is_named_with_both_texts(make):
    tokens = changed(100, "other")
    tokens[200] = "another"
    target, draft = make(), make(tokens=tokens)
    result = compare(target, draft)
    assert not result.ok
    assert result.first_difference is not None
    assert result.first_difference.id == 100
    assert result.first_difference.draft == "'other'"
    with pytest.raises(IncompatiblePairError) as caught:
        require_pair(target, draft)
    assert re.search(r"token 100 is '.+' in the target and 'other'", caught.value.message)
    assert "1 more differ" in caught.value.message
    assert caught.value.details == ()
    assert caught.value.hint.endswith("without a model: --drafter ngram")


def test_the_first_of_many_reasons_is_enough(make):
    with pytest.raises(IncompatiblePairError) as caught:
        require_pair(make(), make(tokens=changed(100, "other"), add_bos=True, bos=1))
    error = caught.value
    assert ";" not in error.message
    assert len(error.details) == 1
    assert error.details[0].startswith("also: ")
    assert "-v" not in error.hint  # not every command has it


def test_texts_are_escaped(make):
    hostile = "\x1b[2J\u202e\r\n"
    result = compare(make(), make(tokens=changed(100, hostile)))
    message = result.reasons[0].message
    assert r"\x1b[2J\u202e\r\n" in message
    assert message.isprintable()


def test_texts_that_are_not_utf8_are_compared_as_bytes(make):
    target, draft = make(tokens=changed(100, b"\xff")), make(tokens=changed(100, b"\xfe"))
    result = compare(target, draft)
    assert not result.ok
    assert r"\xff" in result.reasons[0].message
    assert compare(target, target).ok


@pytest.mark.parametrize("index", range(5))
def test_the_first_five_ids_only_warn(make, index):
    result = compare(make(), make(tokens=changed(index, "other")))
    assert result.ok
    assert severities(result) == ["warning"]
    assert result.first_difference is not None
    assert result.first_difference.id == index


def test_id_five_is_refused(make):
    assert not compare(make(), make(tokens=changed(5, "other"))).ok


@pytest.mark.parametrize("kinds", [(3, 3), (5, 5), (3, 5)])
def test_control_and_unused_tokens_only_warn(make, kinds):
    def types(kind: int) -> list[int]:
        return [*([1] * (len(BPE) - 3)), kind, kind, kind]

    index = len(BPE) - 1
    target = make(token_types=types(kinds[0]))
    result = compare(target, make(tokens=changed(index, "<|x|>"), token_types=types(kinds[1])))
    assert result.ok
    assert severities(result) == ["warning"]
    assert "special tokens" in result.reasons[0].message


def test_a_token_that_is_text_to_one_of_them_is_refused(make):
    index = len(BPE) - 1
    draft = make(tokens=changed(index, "text"), token_types=[1] * len(BPE))
    assert not compare(make(), draft).ok


@pytest.mark.parametrize(
    ("more", "ok"), [(1, True), (128, True), (129, False), (-1, True)], ids=str
)
def test_sizes_may_differ_by_the_padding(make, more, ok):
    target, draft = make(vocab=400), make(vocab=400 + more)
    result = compare(target, draft)
    assert result.ok is ok
    assert result.common_ids == 400 + min(more, 0)
    assert severities(result) == ["warning" if ok else "error"]


def test_another_kind_of_tokenizer_is_refused(make):
    result = compare(make(), make(extra_metadata={"tokenizer.ggml.model": "llama"}))
    assert not result.ok
    assert "'gpt2', the draft's 'llama'" in result.reasons[0].message


def test_another_pre_tokenizer_warns(make):
    result = compare(make(), make(pre="llama-bpe"))
    assert result.ok
    assert severities(result) == ["warning"]
    assert "'smollm'" in result.reasons[0].message


def test_bos_matters_when_it_is_added(make):
    target, draft = make(add_bos=True, bos=7), make(add_bos=True, bos=8)
    assert compare(target, target).ok
    result = compare(target, draft)
    assert [f.message for f in result.reasons] == ["the target's BOS token is 7, the draft's 8"]
    assert not result.ok


def test_bos_does_not_matter_when_it_is_not_added(make):
    assert compare(make(bos=7), make(bos=8)).reasons == ()


def test_adding_bos_must_agree(make):
    result = compare(make(add_bos=True), make())
    assert not result.ok
    assert "the target adds a BOS token to prompts, the draft does not" in result.reasons[0].message


def test_adding_bos_is_known_for_old_files(make):
    # Llama 3 starts with BOS even where the file does not say so.
    target = make(add_bos=None, pre="llama-bpe")
    assert target.add_bos
    assert compare(target, make(add_bos=True, pre="llama-bpe")).ok


def test_another_eos_warns(make):
    result = compare(make(), make(eos=BPE.index(SPECIALS[2])))
    assert result.ok
    assert severities(result) == ["warning"]


def test_adding_eos_must_agree(make):
    extra = {"tokenizer.ggml.add_eos_token": True}
    assert not compare(make(), make(extra_metadata=extra)).ok


def test_errors_come_first(make):
    result = compare(make(), make(tokens=changed(9, "other"), pre="llama-bpe", eos=3))
    assert severities(result) == ["error", "warning", "warning"]


def test_large_vocabularies_are_compared_in_one_pass(tmp_path):
    # Work, not time: equal vocabularies need no look at single tokens at all.
    words = [*BPE, *(f"w{i}" for i in range(20_000))]
    target = read_header(write_gguf(tmp_path / "a.gguf", tokens=words, d=4, heads=1, kv_heads=1))
    words[-1] = "other"
    draft = read_header(write_gguf(tmp_path / "b.gguf", tokens=words, d=4, heads=1, kv_heads=1))
    assert compare(target, target).ok
    result = compare(target, draft)
    assert result.first_difference is not None
    assert result.first_difference.id == len(words) - 1
    assert re.search(r"'w19999' in the target and 'other'", result.reasons[0].message)
