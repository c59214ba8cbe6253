"""What is installed and found on this machine."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from specdec_cli.doctor.results import Build, Llama, Threads
from specdec_cli.memory.machine import ram
from specdec_cli.models.environment import default_threads

if TYPE_CHECKING:
    from specdec_cli.models.devices import Device

_TRY_SECONDS = 120.0
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_GPU_SIGNS = {
    "NVIDIA": ("/proc/driver/nvidia/version", "/dev/nvidiactl"),
    "AMD": ("/dev/kfd",),
}


def versions() -> dict[str, str]:
    """Return versions of the programs that matter, ``not installed`` where one is missing."""
    return {
        "specdec": _version("specdec-cli"),
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "executable": sys.executable,
        "system": platform.platform(),
        "llama-cpp-python": _version("llama-cpp-python"),
        "huggingface-hub": _version("huggingface-hub"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def loads() -> str:
    """Try in another process whether llama.cpp can be loaded; why not, or nothing.

    A library for another processor, or a driver that does not fit, may end the process.
    """
    program = "from specdec_cli.models import binding; binding.start()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TRY_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it is not ready after {_TRY_SECONDS:.0f} s"
    except OSError as error:
        return str(error)
    if done.returncode == 0:
        return ""
    if done.returncode < 0:
        return f"it ends the process with {_signal(-done.returncode)}"
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"it ends the process with {done.returncode}"


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    built = ": it was built for another processor" if name == "SIGILL" else ""
    return f"{name}{built}"


def llama() -> Llama:
    """What the loaded llama.cpp was built with.

    Raises:
        ImportError, OSError, RuntimeError: it cannot be loaded.
    """
    from specdec_cli.models import binding
    from specdec_cli.models.build_info import build_info

    return Llama("", Build(binding.library(), build_info()))


def devices() -> tuple[Device, ...]:
    """The devices llama.cpp finds; of memory what this process may use.

    That is less than the machine has where a limit is set.

    Raises:
        ImportError, OSError, RuntimeError: llama.cpp cannot be loaded.
    """
    from specdec_cli.models.devices import devices as found

    memory = ram()
    return tuple(
        replace(device, free=memory.free, total=memory.total) if device.kind == "cpu" else device
        for device in found()
    )


def threads(busy: float, environ: Mapping[str, str]) -> Threads:
    """How many are used, and how they wait.

    Args:
        busy: threads of other programs that run, by processors.
        environ: the environment before anything was set here.
    """
    waiting = {name: os.environ[name] for name in _WAITING if name in os.environ}
    return Threads(
        default_threads(),
        os.cpu_count() or 1,
        busy,
        waiting,
        bool(waiting) and not any(name in environ for name in _WAITING),
    )


def unused_gpu() -> str:
    """Whose GPU this machine seems to have; empty where there is no sign of one."""
    for maker, signs in _GPU_SIGNS.items():
        if any(Path(sign).exists() for sign in signs):
            return maker
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "Apple"
    return ""
