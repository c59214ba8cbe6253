"""A head is known by its header, whatever its file is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from specdec_cli.errors import IncompatiblePairError, NotAModelError
from specdec_cli.gguf.check import validate
from specdec_cli.gguf.compat import compare, require_pair
from specdec_cli.gguf.driven_heads import drafts_beside, drafts_itself
from specdec_cli.gguf.heads import has_own_head, head_of, in_words, is_beside, named_like
from specdec_cli.gguf.values import Header
from tests import architectures
from tests.ggufs import write_gguf
from tests.heads import KINDS, write_head, write_with_own_head


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_is_no_model_and_no_draft(tmp_path: Path, kind: str) -> None:
    header = validate(write_head(tmp_path / "model-Q4_K_M.gguf", kind))
    head = head_of(header)
    assert head is not None
    assert in_words(head) == KINDS[kind]
    assert not has_own_head(header)
    target = validate(write_gguf(tmp_path / "target.gguf"))
    why = f"it is {KINDS[kind]}, and this version"
    if head == "mtp":
        why = "it is an MTP head for models of the kind"
    with pytest.raises(IncompatiblePairError, match=why):
        require_pair(target, header)
    assert [finding.about for finding in compare(target, header).reasons] == ["head"]
    with pytest.raises(NotAModelError, match=KINDS[kind]) as raised:
        require_pair(header)
    assert "name the model that it drafts for, 'The Model'" in str(raised.value.hint)


@pytest.mark.parametrize("name", architectures.ARCHITECTURES)
def test_a_model_is_no_head(tmp_path: Path, name: str) -> None:
    header = validate(architectures.write(tmp_path / "mtp-eagle3-dflash.gguf", name))
    assert head_of(header) is None
    assert not has_own_head(header)


def test_a_model_that_brings_its_head_is_a_model(tmp_path: Path) -> None:
    header = validate(write_with_own_head(tmp_path / "x.gguf"))
    assert head_of(header) is None
    assert has_own_head(header)
    assert require_pair(header) is None


def test_a_head_that_was_left_out_is_not_there(tmp_path: Path) -> None:
    header = validate(write_with_own_head(tmp_path / "x.gguf", left_out=True))
    assert head_of(header) is None
    assert not has_own_head(header)


def test_a_part_of_a_model_is_no_head(tmp_path: Path) -> None:
    """The first of several files may have no weights at all, or none of the further layers."""
    header = validate(write_with_own_head(tmp_path / "x.gguf"))
    part: Header = replace(
        header, metadata={**header.metadata, "split.count": 2, "split.no": 0}, tensors=()
    )
    assert head_of(part) is None
    assert has_own_head(part)


def test_a_head_without_a_vocabulary_is_still_a_head(tmp_path: Path) -> None:
    header = validate(write_head(tmp_path / "x.gguf", "eagle3"))
    metadata = {
        key: value for key, value in header.metadata.items() if not key.startswith("tokenizer.")
    }
    assert head_of(replace(header, metadata=metadata)) == "eagle3"


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("mtp-Qwen3.8-27B-Q4_0.gguf", "mtp"),
        ("MTP/mtp-Qwen3.8-Flash-Next-shared-Q4_K_M.gguf", "mtp"),
        ("eagle3-gpt-oss-20b-Q8_0.gguf", "eagle3"),
        ("dflash-kquant.gguf", "dflash"),
        ("dspark-x-BF16.gguf", "dspark"),
    ],
)
def test_heads_by_their_names(name: str, head: str) -> None:
    assert is_beside(name)
    assert named_like(name) == head


@pytest.mark.parametrize("name", ["mmproj-F16.gguf", "x/imatrix.gguf", "m.imatrix_Q4.gguf"])
def test_what_else_lies_beside(name: str) -> None:
    assert is_beside(name)
    assert named_like(name) is None


@pytest.mark.parametrize("name", ["Qwen3.6-27B-MTP-Q4_K_M.gguf", "mtp-x/Qwen3.6-Q4_0.gguf"])
def test_models_that_are_called_after_their_heads(name: str) -> None:
    assert not is_beside(name)
    assert named_like(name) is None


# --- heads that this version drafts with ----------------------------------------------------------


def test_a_head_beside_its_model_is_taken(tmp_path: Path) -> None:
    target = validate(architectures.write(tmp_path / "x.gguf", "qwen35"))
    head = validate(architectures.write(tmp_path / "h.gguf", "qwen35", heads=1, beside=True))
    assert drafts_beside(head) and not drafts_itself(head) and not drafts_itself(target)
    assert compare(target, head).ok
    target = validate(architectures.write(tmp_path / "g.gguf", "gemma4"))
    head = validate(architectures.write_assistant(tmp_path / "a.gguf"))
    assert drafts_beside(head) and compare(target, head).ok


def test_a_head_of_another_width_or_vocabulary_is_refused(tmp_path: Path) -> None:
    target = validate(architectures.write(tmp_path / "x.gguf", "qwen35"))
    wide = architectures.Shape(width=128)
    head = architectures.write(tmp_path / "w.gguf", "qwen35", wide, heads=1, beside=True)
    assert "goes on from states of 128 numbers" in compare(target, validate(head)).why_not
    more = architectures.Shape(vocab=400)
    head = architectures.write(tmp_path / "v.gguf", "qwen35", more, heads=1, beside=True)
    assert "the head 400" in compare(target, validate(head)).why_not
