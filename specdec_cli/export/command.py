"""``specdec export``: the same pair and settings as the command line of a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.errors import UsageError
from specdec_cli.export.options import EXPORT, SERVERS
from specdec_cli.options.command import Command
from specdec_cli.options.resolve import resolve_pair
from specdec_cli.terminal.console import Streams

WORDS = "The profile to export; the built-in pair without one"
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
BRIEF = "to format hf-target hf-draft model draft-model draft-max temp ctx-size gpu-layers json"


def export(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Print the command line of a server with this pair and its tuned settings.

    For when one machine is outgrown. llama-server reads the same files; vLLM and SGLang load the
    original weights, which a profile names.
    """
    options = resolve_pair(EXPORT, words, flags, "give one profile, or -m FILE -md FILE")
    if options.own.to is None:
        servers = ", ".join(SERVERS)
        raise UsageError(
            "export needs the server's name", f"add --to and one of {servers}: --to llama-server"
        )
    if options.own.format == "yaml" and options.own.to == "llama-server":
        raise UsageError("llama-server reads no configuration in YAML", "leave --format out")
    from specdec_cli.export.action import export_pair

    return export_pair(options, options.own.to, Streams.standard())


COMMAND = Command(export, EXPORT, WORDS, EXAMPLES, brief=BRIEF)
