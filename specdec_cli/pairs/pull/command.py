"""``specdec pull``: fetch both models of a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.errors import UsageError
from specdec_cli.options.settled import COLOR, QUIET, settle
from specdec_cli.options.table import Group, Option
from specdec_cli.options.values import Switch

WORDS = (
    "The profiles whose models to fetch, which specdec list names; or a model on the Hub, "
    "OWNER/NAME:QUANT"
)
ARGUMENTS = ("PROFILE...",)
EXAMPLES = """\
Examples:
  specdec pull qwen3-8b
  specdec pull --dry-run llama3.3-70b
  specdec pull unsloth/Qwen3-4B-GGUF:Q4_K_M
  HF_HOME=/data/huggingface specdec pull gemma3-12b

The models go to the cache that all programs of Hugging Face share. HF_HOME, HF_TOKEN, HF_ENDPOINT
and HF_HUB_OFFLINE mean what they mean there. An interrupted download goes on where it was.
"""
OPTIONS = (
    Group(
        "Options",
        (
            Option("dry-run", Switch(), "Say what would be fetched, and fetch only headers"),
            Option("force", Switch(), "Fetch a pair whose models do not fit together"),
            Option(
                "accept-changed",
                Switch(),
                "Take files that differ from the size or hash in the profile",
            ),
            QUIET,
            COLOR,
        ),
    ),
)


def pull(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Fetch both models of a pair from the Hugging Face Hub.

    What is to be fetched comes first: files, bytes, free disk, memory, and whether the two models
    fit together, which their headers tell.
    """
    options = settle(OPTIONS, "pull", flags)
    if not words:
        raise UsageError("no profile is named", "name one: specdec pull smollm2-1.7b")
    from specdec_cli.pairs.pull.action import pull_all

    return pull_all(words, options)
