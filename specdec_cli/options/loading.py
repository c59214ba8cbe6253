"""How both models are loaded, from the options of the hardware."""

from __future__ import annotations

from dataclasses import replace

from specdec_cli.models.settings import GpuLayers, ModelSettings
from specdec_cli.options.table import HardwareOptions


def loads(hardware: HardwareOptions) -> tuple[ModelSettings, ModelSettings]:
    """How the target is loaded, and how the draft model is.

    The draft model is laid out like the target, unless it has devices of its own. Every draft step
    would wait for the network, so it uses other machines only where they are named.
    """
    target = ModelSettings(
        gpu_layers=_gpu_layers(hardware.gpu_layers),
        devices=_names(hardware.device),
        split_mode=hardware.split_mode,
        main_gpu=hardware.main_gpu,
        tensor_split=tuple(map(float, _parts(hardware.tensor_split))),
        servers=_parts(hardware.rpc),
    )
    layers = _gpu_layers(hardware.gpu_layers_draft)
    own = _names(hardware.device_draft)
    if own is None and not target.servers:
        return target, replace(target, gpu_layers=layers)
    return target, ModelSettings(layers, devices=own, servers=target.servers, stays_local=True)


def _gpu_layers(value: int | str) -> GpuLayers:
    """Layers to offload, as the engine has them."""
    if isinstance(value, int):
        return value
    return -1 if value == "all" else "auto"


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return () if text == "none" else _parts(text)


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
