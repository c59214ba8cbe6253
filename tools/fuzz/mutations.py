"""Kinds of damage. Each takes a random generator and changes an anatomy in place."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from random import Random

import gguf
from gguf import constants

from tools.fuzz.anatomy import (
    INTEGERS,
    STRING,
    Anatomy,
    Entry,
    number,
    refit,
    scalar,
    string,
)

Mutation = Callable[[Random, Anatomy], None]

_EXTREMES = (0, 1, 2, 3, 7, 127, 255, 511, 512, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
_FAR = (-1, -2, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
_FLOATS = (math.nan, math.inf, -math.inf, -1.0, 0.0, 1e-45, 1e38, 1e300, 0.5)
_TEXTS = (
    *(b"", b"\0", b"\xff\xfe\x80", b"\x1b[31m", b"a" * 70_000, "💥".encode(), b"<0x0A>", b" "),
    *("▁".encode() * 300, b"%s%n%x", b"llama\0", b"../../x", b"<|im_start|>", b"true"),
)
_TOKENIZERS = ("llama", "gpt2", "bert", "t5", "rwkv", "plamo2", "none", "no_vocab", "gemma4")
_PRES = ("default", "llama-bpe", "qwen2", "deepseek-llm", "tekken", "gpt-4o", "kimi-k2", "bogus")
_SCALINGS = ("none", "linear", "yarn", "longrope", "bogus")
_TEMPLATES = (
    "{{ messages }}",
    "{% for i in range(10**9) %}x{% endfor %}",
    "{{ ''.__class__.__mro__ }}",
    "{% if %}",
    "{{ 'a' * 10**9 }}",
    "{{ raise_exception('no') }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ messages[99].content }}",
    "\x1b]0;title\x07{{ messages[0]['content'] }}",
    "",
)
_ARCHITECTURES = tuple(gguf.MODEL_ARCH_NAMES.values())
_TYPES = tuple(int(kind) for kind in gguf.GGMLQuantizationType)
_TENSOR_NAMES = tuple(
    name.format(bid=0) + ".weight" for name in constants.TENSOR_NAMES.values() if name
)


def _hyperparameters() -> tuple[str, ...]:
    groups = (value for value in vars(constants.Keys).values() if isinstance(value, type))
    names = (name for group in groups for name in vars(group).values() if isinstance(name, str))
    return tuple(
        sorted({name for name in names if name.startswith("{arch}.") and name.count("{") == 1})
    )


_HYPERPARAMETERS = _hyperparameters()
_IDS = tuple(
    sorted(
        name
        for key, name in vars(constants.Keys.Tokenizer).items()
        if key.endswith("_ID") and isinstance(name, str)
    )
)


def _any_number(rng: Random, kind: int, now: float = 0) -> float:
    if kind not in INTEGERS:
        return rng.choice((*_FLOATS, now * 2))
    near = (now + 1, now - 1, now * 2, now // 2, now * 3, rng.randrange(1, 100))
    return rng.choice((*_EXTREMES, *near, *near, *(_FAR if rng.random() < 0.3 else ())))


def _any_item(rng: Random, kind: int, now: bytes = b"") -> bytes:
    if kind == STRING:
        return string(rng.choice(_TEXTS))
    known = number(kind, now) if now else 0
    return scalar(kind, _any_number(rng, kind, 0 if known != known else known))


def value(rng: Random, model: Anatomy) -> None:
    """One number or text is another; hyperparameters more often than others."""
    mine = [each for each in model.entries if each.key.startswith(model.architecture.encode())]
    entry = rng.choice(mine if mine and rng.random() < 0.6 else model.entries)
    if entry.items and entry.kind != 7:
        index = rng.randrange(len(entry.items))
        entry.items[index] = _any_item(rng, entry.kind, entry.items[index])
    elif entry.items:
        entry.items[0] = bytes([rng.choice((0, 1, 2, 255))])


def hyperparameter(rng: Random, model: Anatomy) -> None:
    """A hyperparameter that other kinds of models have."""
    key = rng.choice(_HYPERPARAMETERS).format(arch=model.architecture)
    kind = rng.choice((4, 4, 4, 5, 6, 6, 7, 10, STRING))
    count = rng.choice((1, 1, 1, 1, 2, 4, 512))
    items = [_any_item(rng, kind) for _ in range(count)]
    model.set(key, kind, *items, is_array=count > 1 or rng.random() < 0.1)


def named_text(rng: Random, model: Anatomy) -> None:
    """A text that chooses code in llama.cpp: tokenizer, splitting rules, scaling, template."""
    key, texts = rng.choice(
        (
            ("tokenizer.ggml.model", _TOKENIZERS),
            ("tokenizer.ggml.pre", _PRES),
            (f"{model.architecture}.rope.scaling.type", _SCALINGS),
            ("tokenizer.chat_template", _TEMPLATES),
        )
    )
    model.set(key, STRING, string(rng.choice(texts).encode()))


def special_id(rng: Random, model: Anatomy) -> None:
    """A special token outside the vocabulary, or just another one."""
    key, kind = rng.choice(_IDS), rng.choice((4, 4, 4, 5, 11))
    model.set(key, kind, scalar(kind, _any_number(rng, kind, 271)))
    if rng.random() < 0.3:
        name = rng.choice(("bos", "eos", "sep", "space_prefix"))
        model.set(f"tokenizer.ggml.add_{name}{'_token' * (len(name) == 3)}", 7, b"\1")


def architecture(rng: Random, model: Anatomy) -> None:
    """The model claims to be of another architecture, its hyperparameters with it."""
    old, new = model.architecture.encode(), rng.choice(_ARCHITECTURES).encode()
    for entry in model.entries:
        if entry.key.startswith(old + b"."):
            entry.key = new + entry.key[len(old) :]
    model.set("general.architecture", STRING, string(new))
    if rng.random() < 0.5:
        hyperparameter(rng, model)


def kind(rng: Random, model: Anatomy) -> None:
    """A value is of another type: its bytes with it, or read as what they were."""
    entry = rng.choice(model.entries)
    new = rng.choice((0, 1, 2, 3, 4, 5, 6, 7, STRING, 10, 11, 12, 13, 99))
    numeric = entry.kind != STRING and new not in (STRING, 7, 13, 99)
    if numeric and rng.random() < 0.8:
        numbers = [number(entry.kind, item) for item in entry.items]
        entry.items = [scalar(new, 0 if n != n or abs(n) > 1e308 else n) for n in numbers]
    entry.kind = new


def key(rng: Random, model: Anatomy) -> None:
    """A name is another, or none."""
    entry, other = rng.choice(model.entries), rng.choice(model.entries)
    entry.key = rng.choice(
        (b"", b"\0" + entry.key, entry.key + b"x", entry.key[:-1], other.key, entry.key.upper())
    )


def missing(rng: Random, model: Anatomy) -> None:
    model.entries.remove(rng.choice(model.entries))


def twice(rng: Random, model: Anatomy) -> None:
    entry = copy.deepcopy(rng.choice(model.entries))
    model.entries.insert(rng.randrange(len(model.entries)), entry)


def exchanged(rng: Random, model: Anatomy) -> None:
    """Two values change places."""
    one, two = rng.choice(model.entries), rng.choice(model.entries)
    one.key, two.key = two.key, one.key


def per_layer(rng: Random, model: Anatomy) -> None:
    """A number becomes a list of them."""
    entry = rng.choice(model.entries)
    if entry.kind == STRING or entry.is_array:
        return
    entry.is_array = True
    entry.items = entry.items * rng.choice((0, 1, 1, 2, 2, 3, 512, 513))
    if entry.items and rng.random() < 0.5:
        entry.items[-1] = _any_item(rng, entry.kind, entry.items[-1])


def array(rng: Random, model: Anatomy) -> None:
    """A list is shorter, longer, disordered, empty, or says so."""
    lists = [each for each in model.entries if each.is_array]
    if not lists:
        return
    entry = rng.choice(lists)
    if not entry.items:
        return
    at = rng.randrange(len(entry.items))
    match rng.randrange(8):
        case 0:
            del entry.items[at:]
        case 1:
            entry.items += entry.items[: rng.choice((1, 2, 129, 5000))]
        case 2:
            entry.items.reverse()
        case 3:
            entry.items[at] = rng.choice(entry.items)
        case 4:
            entry.items.clear()
        case 5:
            entry.count = int(rng.choice((*_EXTREMES, *_FAR, len(entry.items) - 1)))
        case 6:
            del entry.items[at]
        case _:
            entry.items[at] = _any_item(rng, entry.kind, entry.items[at])


def vocabulary(rng: Random, model: Anatomy) -> None:
    """Tokens, types and embeddings change together, so that all agree on the wrong thing."""
    tokens = model.entry("tokenizer.ggml.tokens")
    if tokens is None or not tokens.items:
        return
    size = rng.choice((1, 2, 40, len(tokens.items) + 1, len(tokens.items) + 200))
    for name in ("tokens", "token_type", "scores"):
        entry = model.entry(f"tokenizer.ggml.{name}")
        if entry is None or not entry.items:
            continue
        extra = [
            string(b"<extra%d>" % i) if name == "tokens" else entry.items[-1]
            for i in range(size - len(entry.items))
        ]
        entry.items = [*entry.items[:size], *extra]
    for tensor in model.tensors:
        if tensor.shape and tensor.name in (b"token_embd.weight", b"output.weight"):
            tensor.shape[-1] = size
            refit(tensor)


def token_types(rng: Random, model: Anatomy) -> None:
    """Many tokens are of another kind, perhaps of none that exists."""
    entry = model.entry("tokenizer.ggml.token_type")
    if entry is None or entry.kind not in INTEGERS:
        return
    new = scalar(entry.kind, rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 99, -1)))
    entry.items = [new if rng.random() < 0.5 else item for item in entry.items]


def tensor(rng: Random, model: Anatomy) -> None:  # noqa: C901 - a list of cases
    """A tensor is missing, named otherwise, of another shape, type or place."""
    if not model.tensors:
        return
    one, two = rng.choice(model.tensors), rng.choice(model.tensors)
    fits = rng.random() < 0.75
    match rng.randrange(9):
        case 0:
            model.tensors.remove(one)
        case 1:
            one.name, two.name = two.name, one.name
        case 2:
            one.name = rng.choice(
                (rng.choice(_TENSOR_NAMES).encode(), one.name + b"x", b"", two.name)
            )
        case 3:
            one.shape.reverse()
        case 4 if one.shape:
            index = rng.randrange(len(one.shape))
            one.shape[index] = int(_any_number(rng, 10, one.shape[index]))
        case 5:
            one.shape = rng.choice(([*one.shape, 1], [*one.shape, 2], one.shape[:-1], [], [1] * 5))
        case 6:
            one.kind = rng.choice((*_TYPES, 4, 5, 99))
        case 7:
            one.offset = int(rng.choice((*_EXTREMES, *_FAR, 32, 64)))
        case _:
            extra = copy.deepcopy(one)
            extra.name = rng.choice(
                (rng.choice(_TENSOR_NAMES).encode(), one.name, b"blk.1." + one.name)
            )
            model.tensors.append(extra)
    if fits:
        refit(one)


def all_types(rng: Random, model: Anatomy) -> None:
    """All matrices are of another type."""
    new = rng.choice(_TYPES)
    for each in model.tensors:
        if len(each.shape) > 1:
            each.kind = new
            refit(each)


def weights(rng: Random, model: Anatomy) -> None:
    """The numbers themselves: not numbers, or noise."""
    for each in rng.choices(model.tensors, k=2) if model.tensors else ():
        size = len(each.data)
        each.data = rng.choice((b"\xff" * size, bytes(size), rng.randbytes(size), b"\x7f" * size))


def layers(rng: Random, model: Anatomy) -> None:
    """The last layers are missing, or are claimed to be there."""
    found = model.entry(f"{model.architecture}.block_count")
    if found is not None and found.items and found.kind in INTEGERS:
        found.items[0] = scalar(
            found.kind, number(found.kind, found.items[0]) + rng.choice((-1, 1))
        )


def head(rng: Random, model: Anatomy) -> None:
    """The first bytes: what it is, which version, how much there is."""
    match rng.randrange(4):
        case 0:
            model.magic = rng.choice((b"GGML", b"\0\0\0\0", b"<htm", b"FUGG"))
        case 1:
            model.version = rng.choice((0, 1, 2, 4, 1 << 24, (1 << 32) - 1))
        case 2:
            model.keys_said = rng.choice((*_EXTREMES, len(model.entries) - 1))
        case _:
            model.tensors_said = rng.choice((*_EXTREMES, max(len(model.tensors) - 1, 0)))


def aligned(rng: Random, model: Anatomy) -> None:
    """The file says how its tensors are aligned, rightly or not; or that it is one of many."""
    if rng.random() < 0.6:
        model.set("general.alignment", 4, scalar(4, rng.choice((0, 1, 3, 8, 32, 64, 1 << 31))))
    else:
        for name in ("split.no", "split.count", "split.tensors.count"):
            model.set(name, 2, scalar(2, rng.choice((0, 1, 2, 3, 65535))))


def reordered(rng: Random, model: Anatomy) -> None:
    """The same in another order, which is no damage."""
    rng.shuffle(model.entries)
    rng.shuffle(model.tensors)


COMMON: tuple[Mutation, ...] = (
    *(value, value, value, hyperparameter, hyperparameter, architecture, tensor, tensor, array),
    *(named_text, special_id, per_layer, vocabulary, token_types, all_types, weights, layers),
)
"""What may well pass for a sound model."""

GROSS: tuple[Mutation, ...] = (kind, key, missing, twice, exchanged, head, aligned, reordered)


def broken(rng: Random, model: Anatomy) -> None:
    """One kind of damage."""
    if model.entries:
        rng.choice(COMMON if rng.random() < 0.75 else GROSS)(rng, model)


def bytewise(rng: Random, data: bytes, header: int) -> bytes:
    """Damage that knows nothing of the format, most of it in the first ``header`` bytes."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(max(min(header, len(found)), 1)) if rng.random() < 0.9 else 0
        match rng.randrange(6):
            case 0:
                found[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                found[at : at + 4] = scalar(4, rng.choice(_EXTREMES))
            case 2:
                found[at : at + 8] = scalar(10, rng.choice((*_EXTREMES, *_FAR)))
            case 3:
                del found[at : at + rng.randrange(1, 64)]
            case 4:
                del found[rng.randrange(len(found) + 1) :]
            case _:
                found += rng.randbytes(rng.choice((1, 32, 4096)))
    return bytes(found)


__all__ = ["COMMON", "GROSS", "Entry", "broken", "bytewise"]
