"""What llama.cpp says of devices and of its build."""

from __future__ import annotations

import psutil
import pytest

from specdec_cli.errors import BackendError, UsageError
from specdec_cli.models import rpc
from specdec_cli.models.build_info import build_info, features
from specdec_cli.models.devices import Device, devices
from specdec_cli.models.placement import resolve
from specdec_cli.models.settings import ModelSettings
from specdec_cli.options.loading import loads
from specdec_cli.options.table import HardwareOptions

CPU = Device("CPU", "a processor", "cpu", 1, 1, "CPU")
MACHINE = (
    CPU,
    Device("CUDA0", "a card", "gpu", 1, 1, "CUDA"),
    Device("CUDA1", "a card", "gpu", 1, 1, "CUDA"),
    Device("RPC0", "host:50052", "gpu", 1, 1, "RPC"),
)


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


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (ModelSettings(), None),
        (ModelSettings(devices=()), []),
        (ModelSettings(devices=("CUDA1", "CUDA0")), [2, 1]),
        (ModelSettings(devices=("RPC0",), stays_local=True), [3]),
        (ModelSettings(stays_local=True), [1, 2]),
        (ModelSettings(devices=("CUDA0", "CUDA1"), tensor_split=(3, 1)), [1, 2]),
    ],
)
def test_names_become_devices(settings: ModelSettings, expected: list[int] | None) -> None:
    assert resolve(settings, MACHINE) == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (ModelSettings(devices=("CUDA7",)), "there is no device 'CUDA7'"),
        (ModelSettings(devices=("CPU",)), "there is no device 'CPU'"),
        (ModelSettings(devices=("CUDA0", "CUDA0")), "twice"),
        (ModelSettings(devices=(), tensor_split=(1,)), "no GPU is in use"),
        (ModelSettings(devices=("CUDA0",), tensor_split=(1, 1)), "2 shares for 1 devices"),
        (ModelSettings(devices=("CUDA0",), split_mode="none", main_gpu=1), "--main-gpu 1"),
    ],
)
def test_what_is_not_there_is_refused(settings: ModelSettings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve(settings, MACHINE)


def test_without_a_gpu_only_none_is_possible() -> None:
    assert resolve(ModelSettings(devices=()), (CPU,)) == []
    with pytest.raises(UsageError, match="no GPU here, only CPU"):
        resolve(ModelSettings(devices=("CUDA0",)), (CPU,), "--device-draft")


def test_the_draft_is_laid_out_like_the_target_but_stays_on_this_machine() -> None:
    target, draft = loads(HardwareOptions(device="CUDA0,CUDA1", tensor_split="3,1"))
    assert draft == target and target.tensor_split == (3.0, 1.0)
    target, draft = loads(HardwareOptions(device="CUDA0", device_draft="none", split_mode="row"))
    assert (draft.devices, draft.split_mode) == ((), "layer")
    target, draft = loads(HardwareOptions(rpc="a:1,b:2"))
    assert target.servers == draft.servers == ("a:1", "b:2")
    assert draft.stays_local and not target.stays_local


@pytest.mark.skipif(build_info().rpc, reason="this build has RPC")
def test_servers_need_a_build_with_rpc() -> None:
    with pytest.raises(BackendError, match="no RPC backend") as caught:
        rpc.connect(("localhost:1",))
    assert "GGML_RPC=ON" in caught.value.hint
