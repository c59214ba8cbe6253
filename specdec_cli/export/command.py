"""``specdec export``: the same pair and settings as the command line of a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.errors import UsageError
from specdec_cli.options.chosen import pair
from specdec_cli.options.layers import gather_options
from specdec_cli.options.settled import JSON
from specdec_cli.options.table import (
    ANSWER,
    DRAFTING,
    HARDWARE,
    MODELS,
    OUTPUT,
    PROMPT,
    SAMPLING,
    Group,
    Option,
)
from specdec_cli.options.values import Choice, Words
from specdec_cli.terminal.console import Streams

SERVERS = ("llama-server", "vllm", "sglang")
WORDS = "The profile to export; the built-in pair without one"
ARGUMENTS = ("[PROFILE]",)
EXAMPLES = """\
Examples:
  specdec export qwen3-8b --to llama-server
  specdec export qwen3-8b --to vllm > serve.sh
  specdec export qwen3-8b --to sglang --format yaml > config.yaml
  specdec export --to llama-server -m target.gguf -md draft.gguf --draft-max 5
  specdec export --to vllm -m t.gguf -md d.gguf --hf-target OWNER/BIG --hf-draft OWNER/SMALL

The command is on stdout, what has no equivalent on stderr. Nothing is started or fetched. A file of
--format yaml is used as vllm serve --config FILE, or python -m sglang.launch_server --config FILE.
"""
BRIEF = (
    "to",
    "format",
    "hf-target",
    "hf-draft",
    "model",
    "draft-model",
    "draft-max",
    "temp",
    "ctx-size",
    "gpu-layers",
    "json",
)
"""Options that the short help shows."""
_COMMAND = "export"

EXPORT = (
    Group(
        "Export",
        (
            Option("to", Choice(SERVERS), "The server"),
            Option(
                "format",
                Choice(("shell", "yaml")),
                "A command line, or the configuration file that vllm and sglang read",
                "shell",
            ),
            Option(
                "hf-target",
                Words("OWNER/NAME", some=True),
                "The target's original weights on the Hub, for vllm and sglang",
                shown="base in the profile",
            ),
            Option(
                "hf-draft",
                Words("OWNER/NAME", some=True),
                "The same for the draft model",
                shown="base in the profile",
            ),
        ),
    ),
    MODELS.without("offline"),
    DRAFTING.without("expect"),
    PROMPT.only("system"),
    ANSWER.only("predict"),
    SAMPLING.without("seed", "logit-bias"),
    HARDWARE,
    Group("Output", (JSON, *OUTPUT.only("quiet").options)),
)


def export(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Print the command line of a server with this pair and its tuned settings.

    For when one machine is outgrown. llama-server reads the same files; vLLM and SGLang load the
    original weights, which a profile names.
    """
    named, flags = pair(words, flags, "give one profile, or -m FILE -md FILE")
    options, profile = gather_options(EXPORT, _COMMAND, named, flags)
    if options["to"] is None:
        servers = ", ".join(SERVERS)
        raise UsageError(
            "export needs the server's name", f"add --to and one of {servers}: --to llama-server"
        )
    if options["format"] == "yaml" and options["to"] == "llama-server":
        raise UsageError("llama-server reads no configuration in YAML", "leave --format out")
    from specdec_cli.export.action import export_pair

    return export_pair(options, profile, Streams.standard())
