"""``specdec pull``: fetch both models of a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.errors import UsageError
from specdec_cli.options.command import Command
from specdec_cli.options.resolve import resolve
from specdec_cli.pairs.pull.options import PULL

WORDS = (
    "The profiles whose models to fetch, which specdec list names; or a model on the Hub, "
    "OWNER/NAME:QUANT"
)
EXAMPLES = """\
Examples:
  specdec pull qwen3-8b
  specdec pull --dry-run llama3.3-70b
  specdec pull unsloth/Qwen3-4B-GGUF:Q4_K_M
  HF_HOME=/data/huggingface specdec pull gemma3-12b

The models go to the cache that all programs of Hugging Face share. HF_HOME, HF_TOKEN, HF_ENDPOINT
and HF_HUB_OFFLINE mean what they mean there. An interrupted download goes on where it was.
"""


def pull(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Fetch both models of a pair from the Hugging Face Hub.

    What is to be fetched comes first: files, bytes, free disk, memory, and whether the two models
    fit together, which their headers tell.
    """
    options = resolve(PULL, flags)
    if not words:
        raise UsageError("no profile is named", "name one: specdec pull smollm2-1.7b")
    from specdec_cli.pairs.pull.action import pull_all

    return pull_all(words, options)


COMMAND = Command(pull, PULL, WORDS, EXAMPLES, arguments=("PROFILE...",), alias="download")
