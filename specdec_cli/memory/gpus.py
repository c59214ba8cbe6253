"""Memory bandwidths of GPUs that are in use, as their makers state them.

Sources: the data sheets of NVIDIA, AMD, Intel and Apple. Nominal values; a model reaches about
three quarters of them.
"""

from __future__ import annotations

import re

from specdec_cli.memory.plan import Plan

_GIGABYTES = {
    "rtx 3060": 360, "rtx 3060 ti": 448, "rtx 3070": 448, "rtx 3070 ti": 608, "rtx 3080": 760,
    "rtx 3080 ti": 912, "rtx 3090": 936, "rtx 3090 ti": 1008, "rtx 4060": 272, "rtx 4060 ti": 288,
    "rtx 4070": 504, "rtx 4070 super": 504, "rtx 4070 ti": 504, "rtx 4070 ti super": 672,
    "rtx 4080": 717, "rtx 4080 super": 736, "rtx 4090": 1008, "rtx 5060": 448, "rtx 5060 ti": 448,
    "rtx 5070": 672, "rtx 5070 ti": 896, "rtx 5080": 960, "rtx 5090": 1792, "rtx a4000": 448,
    "rtx a5000": 768, "rtx a6000": 768, "rtx 6000 ada": 960, "tesla t4": 320, "tesla p40": 347,
    "v100": 900, "a10": 600, "a40": 696, "a100": 1555, "a100 80gb pcie": 1935,
    "a100-sxm4-80gb": 2039, "l4": 300, "l40": 864, "l40s": 864, "h100": 3350, "h100 pcie": 2000,
    "h200": 4800, "rx 6800 xt": 512, "rx 6900 xt": 512, "rx 7800 xt": 624, "rx 7900 xt": 800,
    "rx 7900 xtx": 960, "rx 9070 xt": 640, "mi210": 1638, "mi300x": 5300, "arc a770": 560,
    "arc b580": 456, "apple m1": 68, "apple m1 pro": 200, "apple m1 max": 400,
    "apple m1 ultra": 800, "apple m2": 100, "apple m2 pro": 200, "apple m2 max": 400,
    "apple m2 ultra": 800, "apple m3": 100, "apple m3 pro": 150, "apple m3 max": 300,
    "apple m3 ultra": 819, "apple m4": 120, "apple m4 pro": 273, "apple m4 max": 410,
}  # fmt: skip
"""10^9 bytes per second; of variants with the same name the slower."""


def of_target(plan: Plan) -> float | None:
    """Bytes per second of the GPU that holds all of a target, where it is one and known."""
    homes = set(plan.choice.placement.target.homes)
    if len(homes) != 1 or 0 in homes:
        return None
    return bandwidth(plan.machine.gpus[homes.pop() - 1].description)


def bandwidth(description: str) -> float | None:
    """Bytes per second of reading a GPU's memory, by how its driver describes it."""
    words = description.lower()
    names = (name for name in _GIGABYTES if re.search(rf"\b{re.escape(name)}\b", words))
    name = max(names, key=len, default=None)
    return _GIGABYTES[name] * 1e9 if name else None
