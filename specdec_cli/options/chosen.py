"""The models that a word of the command line chooses, or an error that says how to get them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from specdec_cli.errors import DamagedFileError, NotFoundError, UsageError
from specdec_cli.hub.remote import SITE
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import meant
from specdec_cli.profiles.local import downloaded
from specdec_cli.profiles.names import Meaning
from specdec_cli.terminal.safe import safe_line

Flags = Mapping[str, object]
_MAGIC = b"GGUF"


def pair_and_prompt(
    words: Sequence[str], flags: Flags
) -> tuple[str | None, list[str], dict[str, object]]:
    """Tell the models from the prompt.

    Returns:
        The profile if the first word is one, the words of the prompt, and the flags; a model that
        the first word names is among them as the target.

    Raises:
        NotFoundError: the first word looks like a model, and there is none.
        DamagedFileError: it is a file, and not a model.
        UsageError: it is a model, and so is what ``-m`` names.
    """
    rest = list(words)
    found = meant(words[0]) if words else None
    if found is None or found.kind == "text":
        return None, rest, dict(flags)
    if "model" in flags:
        if found.kind == "file" and found.name.lower().endswith(".gguf"):
            raise _two_models(found.name)
        return None, rest, dict(flags)
    try:
        named, flags = _with_models(found, flags)
    except NotFoundError as error:
        raise NotFoundError(error.message, _or_prompt(error.hint, words[0])) from None
    except DamagedFileError as error:
        hint = f"to ask about its text: -f {words[0]}"
        raise DamagedFileError(error.message, _or_prompt(hint, words[0])) from None
    return named, rest[1:], flags


def pair(words: Sequence[str], flags: Flags, hint: str) -> tuple[str | None, dict[str, object]]:
    """The models of a command line that names a pair and nothing else.

    Returns:
        The profile if the word is one, and the flags; a model that it names is among them as the
        target.

    Raises:
        UsageError: there are more words; ``hint`` says where prompts come from.
        NotFoundError: there is no such model or profile.
        DamagedFileError: it is a file, and not a model.
    """
    if words and "model" in flags and meant(words[0]).kind == "file":
        raise _two_models(words[0])
    if len(words) > 1 or (words and "model" in flags):
        raise UsageError(f"there is one word too many: {words[-1]!r}", hint)
    return _with_models(meant(words[0]), flags) if words else (None, dict(flags))


def _with_models(found: Meaning, flags: Flags) -> tuple[str | None, dict[str, object]]:
    if found.kind == "profile":
        return found.name, dict(flags)
    if found.kind == "file":
        _require_model(found.name)
        return None, {**flags, "model": found.name}
    if found.kind == "hub":
        return None, {**flags, "model": str(downloaded(found.name))}
    raise store.unknown(found.name)


def _or_prompt(hint: str, word: str) -> str:
    """A hint that also says how a word that may be meant as text is sent to the model."""
    if word.lower().endswith(".gguf") or SITE.match(word) or ("/" in word and ":" in word):
        return hint
    joint = " As" if hint.endswith("?") else "; as"
    return f'{hint}{joint} a prompt: specdec run -p "{safe_line(word)} …"'


def _require_model(name: str) -> None:
    """Refuse a file that cannot be meant as a model.

    Raises:
        NotFoundError: it does not exist, or is a folder.
        DamagedFileError: it is something else.
    """
    path = os.path.expanduser(name)  # noqa: PTH111 - Path.expanduser may raise
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists may raise
        raise NotFoundError(f"{name} does not exist", "check the path")
    if os.path.isdir(path):  # noqa: PTH112
        from specdec_cli.gguf.header import folder_named  # brings numpy

        raise folder_named(name)
    if name.lower().endswith(".gguf"):
        return  # what is wrong with it is said when its header is read
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            begins = file.read(len(_MAGIC))
    except OSError as error:
        raise NotFoundError(
            f"{name} cannot be read: {error.strerror or error}", "check the path"
        ) from None
    if begins != _MAGIC:
        raise DamagedFileError(
            f"{name} is a file, and not a GGUF model",
            "name a GGUF file, or a profile; specdec list names those",
        )


def _two_models(name: str) -> UsageError:
    return UsageError(
        f"there are two targets: {name} and that of -m", f"as the draft model: -md {name}"
    )
