"""The options of ``specdec export``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.table import (
    ANSWER,
    DRAFTING,
    HARDWARE,
    JSON,
    MODELS,
    OUTPUT,
    PROMPT,
    SAMPLING,
    CommandOptions,
)
from specdec_cli.options.values import Choice, Words

Server = Literal["llama-server", "vllm", "sglang"]
SERVERS: tuple[Server, ...] = get_args(Server)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The server that is told, and what it loads."""

    to: Server | None = option(Choice(SERVERS), "The server")
    format: str = option(
        Choice(("shell", "yaml")),
        "A command line, or the configuration file that vllm and sglang read",
        "shell",
    )
    hf_target: str | None = option(
        Words("OWNER/NAME", some=True),
        "The target's original weights on the Hub, for vllm and sglang",
        shown="base in the profile",
    )
    hf_draft: str | None = option(
        Words("OWNER/NAME", some=True),
        "The same for the draft model",
        shown="base in the profile",
    )


ExportOptions = CommandOptions[ServerOptions]
EXPORT = OptionSet(
    "export",
    ServerOptions,
    (
        Group.of("Export", ServerOptions),
        MODELS.without("offline"),
        DRAFTING.without("expect"),
        PROMPT.only("system"),
        ANSWER.only("predict"),
        SAMPLING.without("seed", "logit-bias"),
        HARDWARE,
        Group("Output", (JSON, *OUTPUT.only("quiet").options)),
    ),
)
