"""Damaged model files: nothing but our own errors escapes, within bounded memory, no crash.

Every mutant is made from a seed, so a failure names one that can be made again.
"""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from specdec_cli.errors import DamagedFileError, SpecdecError
from specdec_cli.gguf.check import check
from specdec_cli.gguf.header import parse_header
from tests.ggufs import write_gguf
from tests.waiting import PATIENCE

LOADER = Path(__file__).parents[1] / "data" / "load_models.py"
EXTREMES = (0, 1, 5, 127, 255, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 40)
HUGE = (1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1)
MUTANTS = 6_000
SPARE_MEMORY = 4 << 20  # bytes


class CountingSource(io.BytesIO):
    """A file that counts what is read of it."""

    taken = 0
    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        data = super().read(size)
        self.taken += len(data)
        return data


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_gguf(tmp_path_factory.mktemp("model") / "m.gguf", tensor_type="Q8_0").read_bytes()


@pytest.fixture(scope="module")
def header_size(model: bytes) -> int:
    return parse_header(io.BytesIO(model), len(model)).data_offset


def mutate(model: bytes, header_size: int, seed: int) -> bytes:
    """One damaged model: one to three kinds of damage, all in the header."""
    rng = random.Random(seed)
    data = bytearray(model)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(min(header_size, max(len(data) - 8, 1)))
        kind = rng.randrange(7)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            data[at : at + 8] = struct.pack("<Q", rng.choice(EXTREMES + HUGE))
        elif kind == 3:
            data[at : at + 4] = struct.pack("<I", rng.choice(EXTREMES) & 0xFFFFFFFF)
        elif kind == 4:  # move a piece of the header elsewhere
            start, length = rng.randrange(header_size), rng.randrange(1, 64)
            data[at : at + length] = model[start : start + length]
        elif kind == 5:
            del data[at : at + rng.randrange(1, 64)]
        else:
            del data[rng.randrange(len(data)) :]
            data += b"\0" * 8  # so that later damage has something to hit
    return bytes(data)


def mutate_values(model: bytes, header_size: int, seed: int) -> bytes:
    """One gently damaged model: it still parses, with one number or letter changed."""
    rng = random.Random(seed)
    data = bytearray(model)
    if rng.random() < 0.5:  # the values of llama.cpp's own keys
        names = (b"llama.", b"tokenizer.ggml.bos", b"tokenizer.ggml.eos", b"blk.", b"general.")
        name = rng.choice(names)
        spots, at = [], data.find(name)
        while 0 <= at < header_size:
            spots.append(at)
            at = data.find(name, at + 1)
        at = rng.choice(spots) + rng.randrange(len(name), 60)
    else:
        at = rng.randrange(24, header_size)
    if rng.random() < 0.5:
        data[at] = rng.choice((0, 1, 2, 3, 32, 127, 255, data[at] ^ (1 << rng.randrange(8))))
    else:
        data[at : at + 4] = struct.pack("<I", rng.choice(EXTREMES) & 0xFFFFFFFF)
    return bytes(data)


def outcome(data: bytes) -> str:
    """Parses and checks; "" when the file passes, else what was said of it."""
    source = CountingSource(data)
    error: SpecdecError | None = None
    try:
        check(parse_header(source, len(data), "mutant.gguf"))
    except SpecdecError as refusal:
        error = refusal
    assert source.taken <= len(data)
    assert source.reads <= 2 + len(data) // 1024
    if error is None:
        return ""
    assert error.message.isprintable()
    assert error.hint
    return error.message


@pytest.mark.parametrize("shard", range(4))
def test_only_our_errors_escape(model, header_size, shard):
    passed = 0
    for seed in range(shard, MUTANTS, 4):
        try:
            passed += not outcome(mutate(model, header_size, seed))
        except BaseException:
            print("mutant of seed", seed)
            raise
    assert 0 < passed < MUTANTS // 8  # the damage is neither harmless nor all alike


def test_memory_is_bounded(model, header_size):
    tracemalloc.start()
    try:
        for seed in range(300):
            data = mutate(model, header_size, seed)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            outcome(data)
            assert tracemalloc.get_traced_memory()[1] - before < len(data) + SPARE_MEMORY, seed
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("claimed", HUGE + EXTREMES[5:])
@pytest.mark.parametrize("at", [8, 16], ids=["tensors", "metadata"])
def test_absurd_counts_cost_nothing(model, at, claimed):
    data = model[:at] + struct.pack("<Q", claimed) + model[at + 8 :]
    assert "damaged" in (said := outcome(data)) or "truncated" in said


def test_zeros_without_end_are_not_walked():
    """A sparse file claims a large size and costs nothing to make; it costs little to refuse."""

    class Zeros(io.RawIOBase):
        taken = 0

        def seek(self, *_: int) -> int:
            return 0

        def read(self, size: int = -1) -> bytes:
            start, self.taken = self.taken, self.taken + size
            return (prefix[start : start + size]).ljust(size, b"\0")

    for kind in (8, 4):  # strings, integers
        key = struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, kind, 1 << 36)
        prefix = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key
        source = Zeros()
        with pytest.raises(DamagedFileError, match="claims"):
            parse_header(source, 1 << 40, "sparse.gguf")  # type: ignore[arg-type]
        assert source.taken < 1 << 20


def test_survivors_do_not_crash_llama_cpp(model, header_size, tmp_path):
    """Files that pass our check must not end the process: llama.cpp loads and runs 60 of them."""
    paths: list[Path] = []
    for seed in range(100_000):
        data = mutate_values(model, header_size, seed)
        if data != model and not outcome(data):
            paths.append(tmp_path / f"seed-{seed}.gguf")
            paths[-1].write_bytes(data)
        if len(paths) == 60:
            break
    result = subprocess.run(
        [sys.executable, str(LOADER)],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    last = result.stdout.strip().splitlines()[-1] if result.stdout else "nothing"
    assert result.returncode == 0, f"llama.cpp ended at: {last}\n{result.stderr[-2000:]}"
    assert result.stdout.count("done ") == len(paths)
    assert "decoded 0" in result.stdout
