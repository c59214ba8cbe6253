"""What llama.cpp's own programs are told so that they load a pair as it is loaded here."""

from __future__ import annotations

from specdec_cli.engine.settings import ModelChoice
from specdec_cli.models.settings import GpuLayers

_EVERY = 999
"""Layers no model has; all versions take the number, only later ones the word for all."""


def device_flags(target: ModelChoice, draft: ModelChoice | None) -> dict[str, str]:
    """Options for devices and layers, and their values; what is left open is left out."""
    load = target.load
    found = {"--rpc": ",".join(load.servers)}
    if load.devices is not None:
        found["-dev"] = ",".join(load.devices) or "none"
    if load.split_mode != "layer":
        found["-sm"] = load.split_mode
    found["-ts"] = ",".join(f"{share:g}" for share in load.tensor_split)
    found["-mg"] = str(load.main_gpu) if load.main_gpu else ""
    found["-ngl"] = _layers(load.gpu_layers)
    if draft:
        if draft.load.devices is not None:
            found["-devd"] = ",".join(draft.load.devices) or "none"
        found["-ngld"] = _layers(draft.load.gpu_layers)
    return {option: value for option, value in found.items() if value}


def _layers(layers: GpuLayers) -> str:
    if layers == "auto":
        return ""
    return str(_EVERY if layers < 0 else layers)
