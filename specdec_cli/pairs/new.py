"""``specdec new``: a profile of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from specdec_cli.errors import Exit, NotFoundError, UsageError
from specdec_cli.hub.remote import parse
from specdec_cli.options.command import Command
from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.resolve import resolve
from specdec_cli.options.values import Words
from specdec_cli.pairs.verdict import require_pair
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import profile
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.utf8 import require_text

WORDS = "Its name: small letters, digits, dots, dashes and underscores"
EXAMPLES = """\
Examples:
  specdec new mine --target big.gguf --draft small.gguf
  specdec new mine --target unsloth/Qwen3-4B-GGUF:Q4_K_M --draft Qwen/Qwen3-0.6B-GGUF:Q8_0
  specdec new qwen3-8b --like qwen3-8b

A model is a file, or one on the Hub: OWNER/NAME/FILE.gguf or OWNER/NAME:QUANT, either with
@REVISION. A profile with the name of one that ships takes its place.
"""


@dataclass(frozen=True, slots=True)
class OwnProfileOptions:
    """What a profile of one's own begins with."""

    like: str | None = option(Words("PROFILE"), "Begin with what another profile says")
    target: str | None = option(Words("MODEL", some=True), "The target model")
    draft: str | None = option(Words("MODEL", some=True), "The draft model")


NEW = OptionSet("new", OwnProfileOptions, (Group.of("Options", OwnProfileOptions),))
_FIRST = """\
# A profile of your own. Every field: docs/profiles.md. To change it: specdec edit {name}
schema_version: 1
description: ""
"""
_EMBEDDED = """\
target:
  embedded: tiny-target.gguf
draft:
  embedded: tiny-draft.gguf
"""
_LAST = """\

# drafter: model
# draft_max: 8
# context: 8192
# sampling:
#   temperature: 0.7
"""


def new(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Make a profile of your own; it says where the file is."""
    options = resolve(NEW, flags).own
    name = _name(words)
    file = store.own_file(name)
    if file.exists():
        raise UsageError(f"you have a profile {name} already", f"specdec edit {name}")
    text = _text(name, options)
    store.write(file, text)
    streams = Streams.standard()
    streams.out.write(f"{file}\n")
    streams.err.write(f"to change it: specdec edit {name}\n")
    return Exit.OK


def _name(words: Sequence[str]) -> str:
    if len(words) != 1:
        raise UsageError("new takes one name", "specdec new mine --target big.gguf")
    if not store.is_name(words[0]):
        raise UsageError(
            f"{words[0]!r} cannot be a profile's name",
            "begin with a small letter or digit; then also dots, dashes and underscores",
        )
    return words[0]


def _text(name: str, options: OwnProfileOptions) -> str:
    """The file's text; it is a valid profile."""
    target, draft = options.target, options.draft
    if options.like:
        if target or draft:
            raise UsageError("--like and --target exclude each other", "change it afterwards")
        return store.load(profile(options.like)).file.read_text(encoding="utf-8")
    if draft and not target:
        raise UsageError("--draft is given without --target", "give both")
    if not target:
        return _FIRST.format(name=name) + _EMBEDDED + _LAST
    import yaml

    models = {"target": _source(target)}
    if draft:
        models["draft"] = _source(draft)
    from specdec_cli.profiles.schema import Profile

    found = Profile.model_validate({"schema_version": 1, **models})
    require_pair(store.Stored(name, store.own_file(name), found))
    dumped = yaml.safe_dump(models, sort_keys=False, allow_unicode=True)
    return _FIRST.format(name=name) + str(dumped) + _LAST


def _source(text: str) -> dict[str, str]:
    """A model as a profile names it."""
    path = Path(text).expanduser()
    model = parse(text)
    if model is None and not path.exists():
        raise NotFoundError(
            f"{text} is neither a file nor a model on the Hub",
            "check the path; models on the Hub are OWNER/NAME/FILE.gguf or OWNER/NAME:QUANT",
        )
    if path.exists() or model is None:
        require_text(str(path.absolute()), "the path")  # a profile is
        return {"path": str(path.absolute())}
    source = {"repo": model.first.repo}
    if model.quant:
        source["quant"] = model.quant
    else:
        source["file"] = model.first.file
    if model.first.revision != "main":
        source["revision"] = model.first.revision
    return source


COMMAND = Command(new, NEW, WORDS, EXAMPLES, arguments=("NAME",))
