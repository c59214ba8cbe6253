"""Reading GGUF headers: whole ones exactly, damaged ones with a message that names the damage."""

from __future__ import annotations

import io
import math
import os
import struct
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from specdec_cli.errors import (
    DamagedFileError,
    NotAModelError,
    NotFoundError,
    SpecdecError,
    UsageError,
)
from specdec_cli.gguf.check import check, validate
from specdec_cli.gguf.header import parse_header, read_header
from specdec_cli.gguf.reader import StringArray, shown
from specdec_cli.gguf.types import TENSOR_TYPES
from tests.ggufs import SPECIALS, default_tokens, write_gguf

BPE = default_tokens()
KEY = "llama.attention."


def string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def value(key: str | bytes, kind: int, raw: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + raw


def tensor(name: str | bytes, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    dims = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return string(name) + dims + struct.pack("<IQ", kind, offset)


def gguf_bytes(
    values: tuple[bytes, ...] = (), tensors: tuple[bytes, ...] = (), data: int = 0, version: int = 3
) -> bytes:
    """A file made by hand, with ``data`` zero bytes after the padding."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    head += b"".join(values) + b"".join(tensors)
    return head + b"\0" * (-len(head) % 32) + b"\0" * data


def parse(data: bytes, name: str = "x.gguf"):
    return parse_header(io.BytesIO(data), len(data), name)


def refused(data: bytes) -> str:
    with pytest.raises(DamagedFileError) as caught:
        parse(data)
    assert caught.value.hint
    assert caught.value.message.isprintable()
    assert caught.value.message.startswith("x.gguf ")
    return caught.value.message


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "model.gguf", n_layers=2, kv_heads=1)


# Whole files


@pytest.mark.parametrize("kind", ["F32", "F16", "Q8_0", "Q4_0"])
def test_agrees_with_the_reference_reader(tmp_path, kind):
    path = write_gguf(tmp_path / "m.gguf", tensor_type=kind, n_layers=2, tied=False)
    ours, theirs = validate(path), gguf.GGUFReader(path)
    fields = {k: f for k, f in theirs.fields.items() if not k.startswith("GGUF.")}
    assert list(ours.metadata) == list(fields)
    for key, field in fields.items():
        mine = ours.metadata[key]
        assert list(mine) == field.contents() if not np.isscalar(mine) else mine == field.contents()
    assert ours.data_offset == theirs.data_offset
    for mine, their in zip(ours.tensors, theirs.tensors, strict=True):
        assert mine.name == their.name
        assert mine.shape == tuple(their.shape)
        assert mine.type.name == their.tensor_type.name
        assert mine.nbytes == their.n_bytes
        assert ours.data_offset + mine.offset == their.data_offset
    assert ours.file_size == path.stat().st_size


def test_properties(model):
    header = validate(model)
    assert (header.architecture, header.name, header.version) == ("llama", "random", 3)
    assert (header.n_vocab, header.context_length) == (len(BPE), 256)
    assert (header.n_layers, header.embedding_length) == (2, 32)
    assert (header.tokenizer_model, header.tokenizer_pre) == ("gpt2", "smollm")
    assert header.bos_id == BPE.index(SPECIALS[0])
    assert header.eos_id == BPE.index(SPECIALS[1])
    assert not header.add_bos
    assert not header.add_eos
    assert header.chat_template is not None
    assert "im_start" in header.chat_template
    assert header.parameter_count == sum(math.prod(t.shape) for t in header.tensors) > 10_000
    assert header.weights_bytes == 4 * header.parameter_count
    assert header.split is None
    assert header.tokens is not None
    assert header.tokens[-1] == SPECIALS[2]
    assert header.tokens[:3] == BPE[:3]
    assert list(header.tokens.raws()) == [text.encode() for text in BPE]


def test_defaults_are_those_of_llama_cpp():
    tokens = value("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 3) + string("a") * 3)
    header = parse(gguf_bytes((value("tokenizer.ggml.model", 8, string("llama")), tokens)))
    assert (header.bos_id, header.eos_id, header.add_bos, header.add_eos) == (1, 2, True, False)
    header = parse(gguf_bytes())
    assert (header.bos_id, header.architecture, header.n_vocab) == (None, "", 0)
    assert header.name == "x.gguf"


def test_every_kind_of_value():
    scalars = [(0, "<B", 200), (1, "<b", -100), (2, "<H", 60_000), (3, "<h", -30_000)]
    scalars += [(4, "<I", 4_000_000_000), (5, "<i", -2_000_000_000), (10, "<Q", 1 << 63)]
    scalars += [(11, "<q", -(1 << 62)), (6, "<f", 0.5), (12, "<d", 0.1), (7, "<B", True)]
    values = [value(f"s{kind}", kind, struct.pack(code, number)) for kind, code, number in scalars]
    for kind, code, number in scalars:
        raw = struct.pack("<IQ", kind, 2) + struct.pack(code, number) * 2
        values.append(value(f"a{kind}", 9, raw))
    values.append(value("empty", 9, struct.pack("<IQ", 4, 0)))
    values.append(value("no strings", 9, struct.pack("<IQ", 8, 0)))
    values.append(value("text", 8, string("")))
    metadata = parse(gguf_bytes(tuple(values))).metadata
    for kind, _, number in scalars:
        assert metadata[f"s{kind}"] == number
        assert type(metadata[f"s{kind}"]) is type(number)
        assert np.asarray(metadata[f"a{kind}"]).tolist() == [number, number]
    assert len(metadata["empty"]) == 0  # type: ignore[arg-type]
    assert isinstance(metadata["no strings"], StringArray)
    assert metadata["text"] == ""


def test_bytes_that_are_not_utf8_are_kept():
    raw = struct.pack("<IQ", 8, 2) + string(b"\xff\xfe") + string(b"")
    metadata = parse(gguf_bytes((value("t", 9, raw), value("s", 8, string(b"a\xff"))))).metadata
    tokens = metadata["t"]
    assert isinstance(tokens, StringArray)
    assert tokens.raw(0) == b"\xff\xfe"
    assert tokens[0] == "\ufffd\ufffd"
    assert tokens[1] == ""
    assert metadata["s"] == "a\ufffd"
    with pytest.raises(IndexError):
        tokens.raw(2)


def test_large_vocabularies_are_read_in_pieces():
    words = [f"word {i}" for i in range(250_000)]
    raw = struct.pack("<IQ", 8, len(words)) + b"".join(map(string, words))
    values = (value("a", 4, struct.pack("<I", 7)), value("t", 9, raw), value("b", 8, string("end")))
    metadata = parse(gguf_bytes(values)).metadata
    tokens = metadata["t"]
    assert isinstance(tokens, StringArray)
    assert (len(tokens), tokens[0], tokens[249_999]) == (250_000, words[0], words[-1])
    assert metadata["b"] == "end"


def test_only_the_header_is_read(model):
    data = model.read_bytes()
    header = read_header(model)
    again = parse_header(io.BytesIO(data[: header.data_offset]), len(data), "model.gguf")
    assert again.tensors == header.tensors


def test_tensor_types_agree_with_the_reference():
    for kind, (block, nbytes) in gguf.GGML_QUANT_SIZES.items():
        if kind.name == "Q8_1":  # the reference still has its size of 2023
            nbytes = 36
        ours = TENSOR_TYPES[int(kind)]
        assert (ours.name, ours.block, ours.nbytes) == (kind.name, block, nbytes)


# Files that are something else


def test_missing_files(tmp_path, model):
    with pytest.raises(NotFoundError, match="does not exist"):
        read_header(tmp_path / "nothing.gguf")
    with pytest.raises(NotFoundError, match="is a folder, not a model"):
        read_header(tmp_path)
    with pytest.raises(NotFoundError, match="cannot be read"):
        read_header(model / "inside.gguf")
    with pytest.raises(NotFoundError, match="cannot be read"):
        read_header(Path("a\0b"))
    with pytest.raises(NotFoundError, match="is not a regular file"):
        read_header(Path(os.devnull))


@pytest.mark.parametrize(
    ("data", "said", "hint"),
    [
        (b"", "is empty", "download it again"),
        (b"<html>", 'is not a GGUF file: it starts with "<htm"', "web page"),
        (b"version https://git-lfs", 'starts with "vers"', "git lfs pull"),
        (b"PK\3\4", "starts with the bytes 50 4B 03 04", "ZIP archive"),
        (b"\1\2\0\0\0\0\0\0{", "is not a GGUF file", "safetensors"),
        (b"\1\2\0\0\0\0\0\0", "is not a GGUF file", "starts with the letters GGUF"),
        (b"tjgg", "is not a GGUF file", "old GGJT format"),
        (b"algg", "is not a GGUF file", "LoRA adapter"),
        (b"GG", 'starts with "GG"', "letters GGUF"),
        (gguf_bytes(version=1), "version 1, which", "newer conversion"),
        (gguf_bytes(version=4), "version 4; this program knows", "newer specdec"),
        (gguf_bytes(version=0), "big-endian", "little-endian"),
        (gguf_bytes(version=3 << 24), "big-endian", "little-endian"),
    ],
)
def test_other_files(data, said, hint):
    with pytest.raises(DamagedFileError) as caught:
        parse(data)
    assert said in caught.value.message
    assert hint in caught.value.hint


# Damage to the structure

I32 = struct.pack("<I", 5)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((value("k", 4, I32), value("k", 4, I32)), "two metadata values named 'k'"),
        ((value("", 4, I32),), "metadata value 0 is named ''"),
        ((value("k\0", 4, I32),), r"is named 'k\x00'"),
        ((value("k", 13, I32),), "metadata value 'k' has the unknown type 13"),
        ((value("k", 9, struct.pack("<IQ", 13, 1)),), "elements of the unknown type 13"),
        ((value("k", 9, struct.pack("<IQ", 9, 1)),), "array of arrays"),
        ((value("k", 9, struct.pack("<IQ", 4, 1 << 61)),), "'k' needs bytes up to"),
        ((value("k", 9, struct.pack("<IQ", 8, 1 << 61)),), "claims 2,305,843,009,213,693,952 str"),
        ((value("k", 8, struct.pack("<Q", 1 << 63)),), "is truncated: metadata value 'k'"),
        ((value("\x1b[2J", 99, b""),), r"'\x1b[2J' has the unknown type"),
        ((value("general.alignment", 4, struct.pack("<I", 0)),), "alignment is 0"),
        ((value("general.alignment", 4, struct.pack("<I", 48)),), "alignment is 48"),
        ((value("general.alignment", 8, string("32")),), "alignment is not a number"),
    ],
)
def test_damaged_metadata(values, said):
    assert said in refused(gguf_bytes(values))


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ((tensor("t", (8,)), tensor("t", (8,), offset=32)), "two tensors named 't'"),
        ((tensor("", (8,)),), "tensor 0 is named ''"),
        ((tensor("t" * 64, (8,)),), "tensor 0 is named 'ttt"),
        ((tensor("t", (1,) * 5),), "'t' has 5 dimensions"),
        ((tensor("t", (8, 0)),), "has the shape [8, 0]"),
        ((tensor("t", (1 << 32, 1 << 32)),), "has the shape"),
        ((tensor("t", (1 << 63,)),), "has the shape"),
        ((tensor("t", (8,), kind=4),), "'t' of the unknown type 4"),
        ((tensor("t", (8,), kind=1 << 31),), "unknown type 2,147,483,648"),
        ((tensor("t", (33,), kind=8),), "rows of 33 weights, which Q8_0 cannot store"),
        ((tensor("t", (8,), offset=8),), "'t' starts at 8 instead of 0"),
        ((tensor("t", (16,)), tensor("u", (8,), offset=32)), "'u' starts at 32 instead of 64"),
        ((tensor("t", (8,)), tensor("u", (8,), offset=64)), "'u' starts at 64 instead of 32"),
        ((tensor("t", (8,)), tensor("u", (8,), offset=(1 << 64) - 32)), "instead of 32"),
        ((tensor("t", (9999,)),), "is truncated: tensor 't' needs bytes up to"),
    ],
)
def test_damaged_tensors(tensors, said):
    assert said in refused(gguf_bytes((), tensors, data=256))


def test_truncation_says_what_is_missing(model):
    data = model.read_bytes()
    message = refused(data[:-100])
    assert "truncated: tensor 'output_norm.weight' needs bytes up to " in message
    assert message.endswith(f"the file has {len(data) - 100:,}")


def test_truncated_at_every_byte_of_the_header(tmp_path):
    path = write_gguf(tmp_path / "m.gguf", tokens=BPE[:20], merges=("a b",), d=4, ff=4, heads=1)
    data = path.read_bytes()
    for size in range(parse(data).data_offset):
        message = refused(data[:size])
        assert "truncated" in message or "empty" in message or "not a GGUF" in message, size


def test_a_file_shorter_than_promised():
    data = gguf_bytes((value("k", 8, string("x" * 100)),))
    with pytest.raises(DamagedFileError, match="truncated"):
        parse_header(io.BytesIO(data[:60]), len(data))


# Damage to the meaning: each of these ended the process, or failed late, inside llama.cpp


def changed_tokens(index: int, text: str | bytes) -> dict[str, Any]:
    return {"tokens": [*BPE[:index], text, *BPE[index + 1 :]]}


def extra(key: str, setting: Any) -> dict[str, Any]:
    return {"extra_metadata": {key: setting}}


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        (extra("general.architecture", "La\x1bma"), r"architecture is 'La\x1bma'"),
        (extra("llama.block_count", 0), "llama.block_count is 0"),
        (extra("llama.block_count", 513), "llama.block_count is 513"),
        (extra("llama.block_count", None), "llama.block_count is missing"),
        (extra("llama.block_count", "1"), "llama.block_count is not a whole number"),
        (extra("llama.nextn_predict_layers", 2), "nextn_predict_layers is 2"),
        (extra("llama.context_length", 0), "context_length is 0"),
        (extra("llama.embedding_length", None), "embedding_length is missing"),
        (extra("llama.rope.scaling.type", "bogus"), "RoPE scaling is 'bogus'"),
        (extra(KEY + "layer_norm_rms_epsilon", -1.0), "layer_norm_rms_epsilon is -1.0"),
        (extra(KEY + "layer_norm_rms_epsilon", math.nan), "layer_norm_rms_epsilon is nan"),
        (extra(KEY + "head_count", 3), "3 attention heads for 2 key heads"),
        (extra(KEY + "head_count", 6), "6 attention heads do not divide 32"),
        (extra(KEY + "head_count", 1 << 20), "head_count is 1,048,576"),
        (extra(KEY + "value_length", 8), "heads have 16 keys and 8 values"),
        (extra("llama.rope.dimension_count", 15), "rotates 15 of 16 dimensions"),
        (extra("llama.rope.dimension_count", 32), "rotates 32 of 16 dimensions"),
        ({"d": 30}, "rotates 15 of 15 dimensions"),
        (extra("llama.expert_count", 4), "uses 0 of 4 experts"),
        (extra("llama.expert_used_count", 4), "uses 4 of 0 experts"),
        (extra("llama.expert_count", 4000), "expert_count is 4,000"),
        (changed_tokens(267, "the"), "tokens 257 and 267 are both 'the'"),
        (changed_tokens(267, b"the\0x"), "tokens 257 and 267 are both 'the'"),
        ({"tokens": ["", *BPE[1:267], "[EMPTY_0]", *BPE[268:]]}, "both '[EMPTY_0]'"),
        ({"token_types": [1] * 5}, "271 tokens but 5 entries in tokenizer.ggml.token_type"),
        (extra("tokenizer.ggml.scores", [0.5] * 5), "5 entries in tokenizer.ggml.scores"),
        (extra("tokenizer.ggml.token_type", [1.5] * 271), "token_type is not a list of int32"),
        (extra("tokenizer.ggml.tokens", None), "tokenizer has no tokens"),
        (extra("tokenizer.ggml.tokens", "text"), "tokenizer has no tokens"),
        (extra("tokenizer.ggml.merges", None), "tokenizer has no merges"),
        (extra("tokenizer.ggml.model", "none"), "has no tokenizer"),
        (extra("tokenizer.ggml.model", "llama"), "no token for the byte 0"),
        (extra("tokenizer.ggml.model", "rwkv"), "no token for the byte 0"),
        ({"arch": "smallthinker"}, "uses 0 of 0 experts"),
        ({"arch": "paddleocr"}, "rotates sections of [] dimensions"),
        (
            {"arch": "qwen3vl", **extra("qwen3vl.rope.dimension_sections", [0, 0, 0, 9])},
            "rotates sections of [0, 0, 0] dimensions",
        ),
        ({"arch": "jamba"}, "its state is 0 wide"),
        ({"token_types": [6, *[1] * 270]}, "token 0, 'Ā', cannot stand for a byte"),
        (
            {"token_types": [6] * 271, **extra("tokenizer.ggml.model", "bert")},
            "token 0, 'Ā', cannot stand for a byte",
        ),
        ({"bos": 271}, "BOS token 271 is outside the vocabulary of 271"),
        ({"eos": 1 << 31}, "EOS token 2,147,483,648 is outside"),
        ({"tokens": BPE[:8], "merges": ("a b",), "add_bos": True}, "adds a BOS token to prompts"),
        (extra("general.alignment", 1), "is not aligned to 32 bytes"),
    ],
)
def test_models_llama_cpp_cannot_survive(tmp_path, kwargs, said):
    path = write_gguf(tmp_path / "x.gguf", **kwargs)
    with pytest.raises(DamagedFileError) as caught:
        validate(path)
    assert said in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "kwargs",
    [
        extra("tokenizer.ggml.padding_token_id", (1 << 32) - 1),
        {"bos": (1 << 32) - 1},
        extra(KEY + "head_count", [2]),
        extra("llama.rope.scaling.type", "yarn"),
        changed_tokens(0, b"\xff\xfe"),
        changed_tokens(0, ""),
        {"arch": "qwen2"},
        {"vocab": 300},
    ],
)
def test_unusual_but_sound_models_pass(tmp_path, kwargs):
    validate(write_gguf(tmp_path / "x.gguf", **kwargs))


@pytest.mark.parametrize("name", ["token_embd.weight", "blk.0.attn_q.weight", "output_norm.weight"])
def test_weights_of_a_type_that_cannot_be_multiplied(tmp_path, name):
    data = bytearray(write_gguf(tmp_path / "x.gguf").read_bytes())
    at = data.index(name.encode()) + len(name)
    dims = struct.unpack_from("<I", data, at)[0]
    struct.pack_into("<I", data, at + 4 + 8 * dims, 26)  # I32, as wide as F32
    with pytest.raises(DamagedFileError, match=f"'{name}' is of type I32"):
        check(parse(bytes(data)))


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"arch": "clip"}, "image projector"),
        (extra("general.type", "mmproj"), "image projector"),
        ({"arch": "bert"}, "embedding model"),
        (extra("llama.pooling_type", 3), "embedding model"),
        (extra("llama.pooling_type", 4), "reranker"),
        ({"arch": "t5"}, "encoder-decoder model"),
        ({"arch": "t5encoder"}, "is an encoder"),
        ({"arch": "controlvector"}, "control vector"),
        ({"arch": "flux"}, "image or video generator"),
        ({"arch": "wavtokenizer-dec"}, "into sound"),
        (extra("general.type", "adapter"), "LoRA adapter"),
        (extra("adapter.type", "lora"), "LoRA adapter"),
        (extra("general.type", "imatrix"), "importance matrix"),
        ({"arch": "llada"}, "diffusion model.*cannot write token by token"),
        (extra("llama.attention.causal", False), "cannot write token by token"),
    ],
)
def test_other_kinds_are_called_what_they_are(tmp_path, kwargs, said):
    with pytest.raises(NotAModelError, match=said):
        validate(write_gguf(tmp_path / "x.gguf", **kwargs))


def test_a_files_kind_is_told_before_what_it_lacks():
    imatrix = gguf_bytes((value("general.type", 8, string("imatrix")),))
    with pytest.raises(NotAModelError, match="importance matrix"):
        check(parse(imatrix))


def test_an_adapter_names_its_model(tmp_path):
    metadata = {"general.type": "adapter", "general.base_model.0.name": "Some\x1bModel"}
    with pytest.raises(NotAModelError, match=r"its model is 'Some\\x1bModel'"):
        validate(write_gguf(tmp_path / "x.gguf", extra_metadata=metadata))


def test_pooling_of_none_is_a_model(tmp_path):
    validate(write_gguf(tmp_path / "x.gguf", **extra("llama.pooling_type", 0)))


def test_a_vocabulary_alone(tmp_path):
    writer = gguf.GGUFWriter(path := tmp_path / "x.gguf", "llama")
    for key in ("context_length", "block_count", "embedding_length"):
        writer.add_uint32(f"llama.{key}", 1)
    writer.add_string("tokenizer.ggml.model", "t5")
    writer.add_array("tokenizer.ggml.tokens", BPE)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(NotAModelError, match="is a vocabulary without a model"):
        validate(path)


# Models in several files


def make_parts(folder: Path, count: int = 3) -> list[Path]:
    """A split model: metadata in the first part, the tensors spread over all."""
    whole = write_gguf(folder / "whole.gguf")
    source = gguf.GGUFReader(whole)
    paths = []
    for number in range(count):
        paths.append(folder / f"m-{number + 1:05}-of-{count:05}.gguf")
        if number == 0:
            writer = write_gguf_with_split(folder, paths[0], count)
        else:
            writer = gguf.GGUFWriter(paths[number], "llama")
            writer.add_uint16("split.no", number)
            writer.add_uint16("split.count", count)
            for tensor in source.tensors[number - 1 :: count - 1]:
                writer.add_tensor(tensor.name, tensor.data)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
    whole.unlink()
    return paths


def write_gguf_with_split(folder: Path, path: Path, count: int) -> None:
    """The first part: all the metadata, no tensors."""
    full = write_gguf(
        folder / "meta.gguf", extra_metadata={"split.count": count, "split.no": 0}
    ).read_bytes()
    infos = full.index(b"token_embd.weight") - 8
    path.write_bytes(full[:8] + struct.pack("<Q", 0) + full[16:infos])
    (folder / "meta.gguf").unlink()


def test_split_models_are_joined(tmp_path):
    parts = make_parts(tmp_path)
    first = read_header(parts[0])
    assert first.split is not None
    assert (first.split.number, first.split.count) == (0, 3)
    joined = validate(parts[0])
    assert joined.parameter_count == validate(write_gguf(tmp_path / "w.gguf")).parameter_count
    assert joined.file_size == sum(part.stat().st_size for part in parts)


def test_a_missing_part_is_named(tmp_path):
    parts = make_parts(tmp_path)
    parts[1].unlink()
    with pytest.raises(NotFoundError, match=r"'m-00002-of-00003\.gguf' is missing"):
        validate(parts[0])


def test_the_first_part_is_wanted(tmp_path):
    parts = make_parts(tmp_path)
    with pytest.raises(UsageError, match="part 2 of 3") as caught:
        validate(parts[1])
    assert "m-00001-of-00003.gguf" in caught.value.hint


def test_parts_must_keep_their_names_and_order(tmp_path):
    parts = make_parts(tmp_path)
    content = parts[2].read_bytes()
    parts[2].write_bytes(parts[1].read_bytes())
    with pytest.raises(DamagedFileError, match="is not part 3 of m-00001"):
        validate(parts[0])
    parts[2].write_bytes(content[:-10])
    with pytest.raises(DamagedFileError, match=r"m-00003-of-00003\.gguf is truncated"):
        validate(parts[0])
    with pytest.raises(DamagedFileError, match="is not named so"):
        validate(parts[0].rename(tmp_path / "renamed.gguf"))


# Texts on the terminal


@pytest.mark.parametrize("text", ["\x1b]0;x\x07", b"\xff\x00", "\u202eabc", "a\nb\rc", "x" * 999])
def test_shown_is_safe(text):
    assert shown(text).isprintable()
    assert len(shown(text)) < 300


def test_errors_are_safe_to_print(tmp_path):
    with pytest.raises(SpecdecError) as caught:
        read_header(tmp_path / "\x1b[31m.gguf")
    assert caught.value.message.isprintable()


def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    file, other = tmp_path / "m.gguf", tmp_path / "other.gguf"
    first = read_header(write_gguf(file, context=64))
    assert read_header(file) is first
    write_gguf(other, context=96).replace(file)
    assert read_header(file).context_length == 96
