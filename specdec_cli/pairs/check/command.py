"""``specdec check``: can these two models speak for each other?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType

from specdec_cli.errors import UsageError
from specdec_cli.options.command import Command
from specdec_cli.options.option import Group, OptionSet
from specdec_cli.options.resolve import resolve
from specdec_cli.options.table import JSON

WORDS = (
    "Files, profiles, or models on the Hub: OWNER/NAME/FILE.gguf or OWNER/NAME:QUANT, either with "
    "@REVISION. Without DRAFT a profile's own is taken, or drafts are suggested"
)
EXAMPLES = """\
Examples:
  specdec check big.gguf small.gguf
  specdec check qwen3-8b
  specdec check Qwen/Qwen3-14B-GGUF:Q4_K_M Qwen/Qwen3-0.6B-GGUF:Q8_0

Of models on the Hub only the headers are fetched, some megabytes of each. It ends with 4 if the
models do not fit together.
"""
CHECK = OptionSet("check", NoneType, (Group("Options", (JSON,)),))


def check(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Compare two models: can one draft for the other?

    It compares the vocabularies, token by token, what begins and ends a text, sizes, and how
    rejected drafts can be taken back. Nothing is loaded.
    """
    options = resolve(CHECK, flags)
    if not 1 <= len(words) <= 2:
        raise UsageError("check takes a target and a draft", "specdec check big.gguf small.gguf")
    from specdec_cli.pairs.check.action import check_pair

    return check_pair(
        words[0], words[1] if len(words) > 1 else None, as_json=bool(options.output.json)
    )


COMMAND = Command(check, CHECK, WORDS, EXAMPLES, arguments=("TARGET", "[DRAFT]"))
