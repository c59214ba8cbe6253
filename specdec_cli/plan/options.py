"""The options of ``specdec plan``."""

from __future__ import annotations

from dataclasses import dataclass

from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.table import DRAFTING, HARDWARE, MODELS, OUTPUT, SAMPLING, CommandOptions
from specdec_cli.options.values import Number, Several, Switch

_GIGABYTES = Number(0.0, 1e6, "GB")


@dataclass(frozen=True, slots=True)
class MachineOptions:
    """The machine that is planned for."""

    gpu: tuple[float, ...] | None = option(
        Several(_GIGABYTES),
        "Plan for a GPU with so much free memory instead of this machine's; repeatable, 0 for none",
    )
    ram: float | None = option(
        _GIGABYTES, "Plan for so much free main memory instead of this machine's"
    )
    confirm: bool = option(
        Switch(),
        "Let llama.cpp lay the models out without loading them, where their files are here",
        True,
    )


PlanOptions = CommandOptions[MachineOptions]
PLAN = OptionSet(
    "plan",
    MachineOptions,
    (
        Group.of("Machine", MachineOptions),
        MODELS.only("model", "draft-model", "offline"),
        HARDWARE,
        DRAFTING.only("drafter", "draft-max", "draft-min", "adaptive", "exact"),
        SAMPLING.only("temp"),
        OUTPUT.only("json", "color", "quiet", "verbose"),
    ),
)
