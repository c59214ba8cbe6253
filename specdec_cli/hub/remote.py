"""Names of models on the Hugging Face Hub, before anything is asked of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from specdec_cli.gguf.heads import is_beside, may_be_beside

PART = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf")
_NAME = r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*"
REPO = rf"{_NAME}/{_NAME}"
"""``owner/name``; the Hub allows no two dots or dashes in a row."""

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._+-]*"
_FILE = rf"(?:{_SEGMENT}/)*{_SEGMENT}\.gguf"
_REVISION = r"[A-Za-z0-9_]+(?:[./-][A-Za-z0-9_]+)*"
SITE = re.compile(r"hf://|(?:https?://)?(?:www\.)?(?:hf\.co|huggingface\.co)/")
"""What an address of the Hub begins with."""

_REFERENCE = re.compile(
    rf"(?P<repo>{REPO})(?:/(?P<file>{_FILE})|:(?P<quant>[A-Za-z0-9_]+))?(?:@(?P<revision>{_REVISION}))?"
)
_ADDRESS = re.compile(
    rf"(?P<repo>{REPO})/(?:resolve|blob)/(?P<revision>[A-Za-z0-9_.-]+)/(?P<file>{_FILE})"
    r"(?:\?download=true)?"
)
USUAL_QUANT = "Q4_K_M"
"""Which file of a repository is meant where none is named; so it is with llama.cpp and Ollama."""

_MAX_PARTS = 999


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository.

    Args:
        repo: ``owner/name``.
        file: the path in the repository.
        revision: a branch, tag or commit.
        sha256: the hash of its bytes in hex, or the beginning of it, if it is known.
        size: in bytes, if it is known.
    """

    repo: str
    file: str
    revision: str = "main"
    sha256: str | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.file.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        return f"{self.repo}/{self.file}" + ("" if self.revision == "main" else f"@{self.revision}")


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model in one file or several.

    Args:
        first: its file, or the first of them; without a name while only ``quant`` is known.
        rest: the other files where they were named.
        quant: what the file's name contains, where the name itself is not given.
    """

    first: HubFile
    rest: tuple[HubFile, ...] = ()
    quant: str | None = None

    @property
    def files(self) -> tuple[HubFile, ...]:
        """All files: those named, else those that the first one's name tells of."""
        if self.rest or not (match := PART.fullmatch(self.first.file)):
            return (self.first, *self.rest)
        count = min(int(match[3]), _MAX_PARTS)
        others = (
            HubFile(self.first.repo, f"{match[1]}-{number:05}-of-{match[3]}.gguf",
                    self.first.revision)
            for number in range(2, count + 1)
        )  # fmt: skip
        return (self.first, *others)

    def __str__(self) -> str:
        if self.first.file:
            return str(self.first)
        at = "" if self.first.revision == "main" else f"@{self.first.revision}"
        return f"{self.first.repo}:{self.quant}{at}"


def parse(text: str) -> HubModel | None:
    """Read ``owner/name/file.gguf``, ``owner/name:Q4_K_M`` or ``owner/name``.

    Each may begin with the Hub's address and end with ``@revision``; a file's own address on the
    Hub is read too. Without a file and a quantisation :data:`USUAL_QUANT` is meant.
    """
    site = SITE.match(text)
    rest = text[site.end() :] if site else text
    match = (_ADDRESS.fullmatch(rest) if site else None) or _REFERENCE.fullmatch(rest)
    if match is None:
        return None
    found = match.groupdict()
    file = found["file"] or ""
    if not file and found["repo"].lower().endswith(".gguf"):
        return None  # a folder and a file
    quant = found.get("quant") or (None if file else USUAL_QUANT)
    return HubModel(HubFile(found["repo"], file, found["revision"] or "main"), (), quant)


def choose(model: HubModel, names: list[str]) -> HubModel | None:
    """The model with its file's name, out of the names in its repository.

    The name must hold the quantisation between separators, so that ``Q4_K`` is not ``Q4_K_M``.
    Heads, projectors and importance matrices are no models. Of several, the shortest name is meant.
    """
    if model.first.file:
        return model
    wanted = re.compile(
        rf"(?:^|[^A-Za-z0-9_]){re.escape(model.quant or '')}(?=\.gguf$|-\d{{5}}-of-\d{{5}}\.gguf$)",
        re.IGNORECASE,
    )
    found = [
        name
        for name in names
        if wanted.search(name)
        and re.fullmatch(_FILE, name)
        and not is_beside(name)
        and ((part := PART.fullmatch(name)) is None or int(part[2]) == 1)
    ]
    if not found:
        return None
    name = min(found, key=lambda name: (may_be_beside(name), len(name), name))
    return replace(model, first=replace(model.first, file=name))
