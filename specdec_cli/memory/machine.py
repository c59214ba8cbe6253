"""Where weights and caches can be: main memory, and the GPUs that llama.cpp would use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from specdec_cli.memory.limits import free_addresses, free_memory

if TYPE_CHECKING:
    from specdec_cli.models.devices import Device
    from specdec_cli.models.settings import ModelSettings

MEBIBYTE = 1 << 20
_RESERVE = 512 * MEBIBYTE
_RESERVED_SHARE = 16
"""A sixteenth of a small GPU, half a gibibyte of a large one, for what cannot be counted.

Drivers' workspaces, matrices that are unpacked for a moment, and other programs' windows.
"""


@dataclass(frozen=True, slots=True)
class Store:
    """One memory: its name, what it is, and its bytes, free and in all."""

    name: str
    description: str
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Machine:
    """The memory there is.

    Args:
        gpus: in the order in which llama.cpp counts them.
        shared: the GPUs' memory is the main memory.
        addresses: bytes this process may still map, where that is limited.
    """

    ram: Store
    gpus: tuple[Store, ...] = ()
    shared: bool = False
    addresses: int | None = None

    @property
    def stores(self) -> tuple[Store, ...]:
        """Main memory first."""
        return self.ram, *self.gpus

    def usable(self, index: int) -> int:
        """Bytes of a device that may be planned with; 0 is main memory."""
        if index == 0:
            return self.ram.free
        gpu = self.gpus[index - 1]
        return max(gpu.free - min(_RESERVE, gpu.total // _RESERVED_SHARE), 0)


def this_machine(load: ModelSettings | None = None) -> Machine:
    """The machine as it is now. Loads llama.cpp, which knows the GPUs.

    Args:
        load: names the devices to plan with; all that llama.cpp would use without.

    Raises:
        UsageError, NetworkError: a device or a server that is named is not there.
    """
    from specdec_cli.models.devices import devices  # not above: it loads the C libraries
    from specdec_cli.models.placement import require_devices

    used = require_devices(load) if load else None
    found = devices()
    chosen = found if used is None else [found[index] for index in used]
    return replace(machine_of(chosen, ram()), addresses=free_addresses())


def ram() -> Store:
    """Main memory, as much of it as this process may use."""
    return Store("RAM", "main memory", *free_memory())


def machine_of(found: Sequence[Device], memory: Store) -> Machine:
    """The devices that llama.cpp puts layers on: GPUs, or else the first that is built in."""
    gpus = [device for device in found if device.kind == "gpu"]
    chosen = gpus or [device for device in found if device.kind == "igpu"][:1]
    stores = tuple(Store(gpu.name, gpu.description, gpu.free, gpu.total) for gpu in chosen)
    return Machine(memory, stores, bool(stores) and (not gpus or sys.platform == "darwin"))


def imagined(free: Sequence[int], memory: Store) -> Machine:
    """A machine with GPUs that have this many bytes free."""
    sizes = enumerate(size for size in free if size)
    return Machine(memory, tuple(Store(f"GPU{i}", "as given", size, size) for i, size in sizes))
