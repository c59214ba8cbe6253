"""Where a model's layers go: names of devices turned into what llama.cpp takes, and checked.

llama.cpp looks at these values while it loads, and some mistakes end the process, so all are
refused before.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from specdec_cli.errors import UsageError
from specdec_cli.models import devices as known_devices
from specdec_cli.models import rpc
from specdec_cli.models.binding import lib
from specdec_cli.models.devices import Device
from specdec_cli.models.settings import ModelSettings

_SPLIT_MODES = {"none": 0, "layer": 1, "row": 2, "tensor": 3}
_RPC = "RPC"


def place(settings: ModelSettings, params: Any) -> list[Any]:
    """Set what concerns devices in llama.cpp's model parameters.

    Returns:
        The arrays they point to, to be kept until the model is loaded.

    Raises:
        UsageError, NetworkError, BackendError: as :func:`require_devices`.
    """
    used = require_devices(settings)
    kept: list[Any] = []
    if used is not None:
        handles = [known_devices.handle(index) for index in used]
        kept.append((ctypes.c_void_p * (len(used) + 1))(*handles, None))
        params.devices = ctypes.cast(kept[-1], ctypes.c_void_p)
    if settings.tensor_split:
        shares = (ctypes.c_float * lib.llama_max_devices())(*settings.tensor_split)
        kept.append(shares)
        params.tensor_split = ctypes.cast(shares, ctypes.POINTER(ctypes.c_float))
    params.split_mode = _SPLIT_MODES[settings.split_mode]
    params.main_gpu = settings.main_gpu
    return kept


def require_devices(settings: ModelSettings, option: str = "--device") -> list[int] | None:
    """Connect to the servers and check the names.

    Args:
        option: what chose the devices, for the message.

    Returns:
        The devices to use, by their places in :func:`devices`; ``None`` to let llama.cpp choose.

    Raises:
        UsageError: there is no such device, or the rest does not go with them.
        NetworkError: a server cannot be used.
        BackendError: this build of llama.cpp knows no servers.
    """
    rpc.connect(settings.servers)
    return resolve(settings, known_devices.devices(), option)


def resolve(
    settings: ModelSettings, known: Sequence[Device], option: str = "--device"
) -> list[int] | None:
    """The devices to use among those that are known; as :func:`require_devices`."""
    usable = {device.name: i for i, device in enumerate(known) if device.takes_layers}
    local = [i for i in usable.values() if known[i].backend != _RPC]
    if settings.devices is None:
        used = local if settings.stays_local else list(usable.values())
    else:
        used = [_index(name, usable, known, option) for name in settings.devices]
        if len(set(used)) < len(used):
            raise UsageError(f"{option} names a device twice", "name each once")
    _check_split(settings, [known[i] for i in used])
    chosen = settings.devices is not None or (settings.stays_local and len(local) < len(usable))
    return used if chosen else None


def _index(name: str, usable: dict[str, int], known: Sequence[Device], option: str) -> int:
    if name in usable:
        return usable[name]
    if not usable:
        has = ", ".join(device.name for device in known) or "nothing"
        raise UsageError(
            f"{option} {name}: llama.cpp finds no GPU here, only {has}",
            "leave it out; docs/install.md says how to install a build for a GPU",
        )
    listed = ", ".join(f"{each} ({known[i].description})" for each, i in usable.items())
    raise UsageError(
        f"{option}: there is no device {name!r}",
        f"there are: {listed}; none keeps everything on the processor",
    )


def _check_split(settings: ModelSettings, used: Sequence[Device]) -> None:
    listed = ", ".join(device.name for device in used)
    asked = [
        flag
        for flag, is_set in (
            ("--tensor-split", settings.tensor_split),
            ("--main-gpu", settings.main_gpu),
            ("--split-mode", settings.split_mode != "layer"),
        )
        if is_set
    ]
    if asked and not used:
        raise UsageError(
            f"{asked[0]} has nothing to choose from: no GPU is in use",
            "leave it out",
        )
    if len(settings.tensor_split) > len(used):
        raise UsageError(
            f"--tensor-split has {len(settings.tensor_split)} shares for {len(used)} devices",
            f"give one for each of: {listed}",
        )
    if settings.main_gpu and settings.main_gpu >= len(used):
        raise UsageError(
            f"--main-gpu {settings.main_gpu} is not among {len(used)} devices",
            f"count from 0 in: {listed}",
        )
