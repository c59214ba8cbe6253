"""What llama.cpp says of devices and of its build."""

from __future__ import annotations

import psutil
import pytest

from specdec_cli.models.build_info import build_info, features
from specdec_cli.models.devices import devices


def test_the_processor_is_a_device_with_the_main_memory() -> None:
    found = [device for device in devices() if device.kind == "cpu"]
    assert len(found) == 1
    assert found[0].name == "CPU" and found[0].description
    assert found[0].total == psutil.virtual_memory().total
    assert 0 < found[0].free < found[0].total


def test_devices_have_names_of_their_own() -> None:
    names = [device.name for device in devices()]
    assert all(names) and len(set(names)) == len(names)


def test_the_build_has_a_processor_backend_and_a_commit() -> None:
    build = build_info()
    assert "CPU" in build.backends
    assert build.commit and build.ggml
    assert build.rpc == ("RPC" in build.backends)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ()),
        (
            "CPU : SSE3 = 1 | AVX2 = 1 | AVX512 = 0 | AVX512_VNNI = 1 | OPENMP = 1 | ",
            ("SSE3", "AVX2", "AVX512-VNNI", "OpenMP"),
        ),
        (
            "CUDA : ARCHS = 800,900 | USE_GRAPHS = 1 | CPU : SSE3 = 1 | NEON = 0 | ",
            ("ARCHS=800,900", "USE_GRAPHS", "SSE3"),
        ),
        ("nonsense | = 1 | A = ", ()),
    ],
)
def test_the_line_of_features_is_read(line: str, expected: tuple[str, ...]) -> None:
    assert features(line) == expected
