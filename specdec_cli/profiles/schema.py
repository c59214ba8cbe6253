"""What a profile file may say: a pair of models, and the defaults that suit it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from specdec_cli import paths
from specdec_cli.drafters import registry
from specdec_cli.gguf import heads
from specdec_cli.hub.remote import REPO, HubFile, HubModel
from specdec_cli.templates.names import is_name

SourceRole = Literal["target", "draft", "head"]
SCHEMA_VERSION = 1

REVISION = r"^[A-Za-z0-9_]+([./-][A-Za-z0-9_]+)*$"
"""No two dots in a row: it becomes part of a path."""

_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
FileName = Annotated[str, Field(pattern=rf"^({_SEGMENT}/)*{_SEGMENT}\.gguf$", max_length=200)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0, lt=1 << 31)]


if TYPE_CHECKING:
    DrafterChoice = str
    DrafterName = str
else:  # at run time one of the registry's names, as pydantic words it
    DrafterChoice = Literal[registry.choices()]
    DrafterName = Literal[registry.names()]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False
    )


class Part(_Strict):
    """One file of a repository of the Hub.

    Args:
        file: its path in the repository, always with forward slashes.
        sha256: the hash of its bytes in hex, or the beginning of it.
        size: in bytes.
    """

    file: FileName
    sha256: Hash | None = None
    size: Annotated[int, Field(gt=0, lt=1 << 63)] | None = None


class Source(_Strict):
    """One model and how it is loaded. Unset fields are left to the built-in defaults.

    Args:
        embedded: name of a file that ships with the program.
        path: a file; relative to the profile, ``~`` is the home folder.
        repo: a repository of the Hugging Face Hub, ``owner/name``; goes with ``file`` or ``quant``.
        file: the model in the repository; of a model in several files, the first.
        quant: instead of ``file``, the one GGUF of the repository that has this in its name.
        revision: a branch, tag or commit of the repository.
        sha256, size: of ``file``, as in :class:`Part`.
        parts: the other files of a model in several; known from the first one's name if left out.
        base: the repository of the original weights, ``owner/name``, which other servers load.
        confirmed: how sure the names are, see docs/profiles.md.
    """

    embedded: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    path: str | None = Field(default=None, min_length=1, max_length=4096)
    repo: Annotated[str, Field(pattern=f"^{REPO}$", max_length=96)] | None = None
    file: FileName | None = None
    quant: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{2,20}$")] | None = None
    revision: Annotated[str, Field(pattern=REVISION, max_length=200)] = "main"
    sha256: Hash | None = None
    size: Annotated[int, Field(gt=0, lt=1 << 63)] | None = None
    parts: tuple[Part, ...] = ()
    base: Annotated[str, Field(pattern=f"^{REPO}$", max_length=96)] | None = None
    confirmed: Literal["guess", "named", "hashed", "hub"] | None = None
    gpu_layers: Count | Literal["auto", "all"] | None = None
    threads: Count | None = None

    @model_validator(mode="after")
    def _names_one_file(self) -> Self:
        if sum(place is not None for place in (self.embedded, self.path, self.repo)) != 1:
            raise ValueError("give either embedded or path or repo")
        of_the_hub = self.model_fields_set & {"file", "quant", "revision", "sha256", "size"}
        if self.repo is None and of_the_hub:
            raise ValueError(f"{min(of_the_hub)} goes with repo")
        if self.repo is not None and (self.file is None) == (self.quant is None):
            raise ValueError("repo goes with either file or quant")
        return self

    def model(self) -> HubModel | None:
        """The model as the Hub knows it; ``None`` for a local file."""
        if self.repo is None:
            return None
        wanted = HubFile(self.repo, self.file or "", self.revision, self.sha256, self.size)
        rest = tuple(
            HubFile(self.repo, part.file, self.revision, part.sha256, part.size)
            for part in self.parts
        )
        return HubModel(wanted, rest, self.quant)

    def locate(self, profile: Path) -> Path | None:
        """The file, where ``profile`` is the file that names it; ``None`` if not downloaded.

        A local file need not exist.
        """
        if self.embedded is not None:
            return paths.embedded() / self.embedded
        if self.path is not None:
            return profile.parent / os.path.expanduser(self.path)  # noqa: PTH111 - cannot fail
        from specdec_cli.hub.cache import find

        model = self.model()
        return find(model) if model else None

    def named(self) -> str:
        """The model as a person would name it, wherever it is."""
        model = self.model()
        return str(model) if model else str(self.embedded or self.path)


class Head(_Strict):
    """A trained head that drafts from the target's own states.

    Args:
        kind: what it is. Of a kind that no drafter uses it is named, so that nothing is lost, and
            left out.
        model: its file; ``None`` when it is inside the target's.
    """

    kind: heads.Head
    model: Source | None = None


class SamplingDefaults(_Strict):
    """Sampling defaults; ranges are checked with the person's own options."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


class Profile(_Strict):
    """A pair of models and its defaults.

    Args:
        memory_gb: roughly what both models and their caches need, in 10^9 bytes.
        head: a trained head that drafts for the target.
        chat_template: a file in Jinja that takes the place of the target's own template, relative
            to the profile; or the name of one of llama.cpp's formats.
    """

    schema_version: Literal[1]
    description: str = ""
    notes: str = ""
    licence: str = ""
    memory_gb: Annotated[float, Field(gt=0, lt=1e9)] | None = None
    target: Source
    draft: Source | None = None
    head: Head | None = None
    drafter: DrafterChoice | None = None
    adaptive: bool | None = None
    verify: Literal["auto", "match", "rejection", "block"] | None = None
    kernels: Literal["auto", "fast"] | None = None
    draft_max: Count | None = None
    draft_min: Count | None = None
    draft_p_min: Fraction | None = None
    context: Count | None = None
    predict: Annotated[int, Field(ge=-1)] | None = None
    system: str | None = None
    chat_template: str | None = None
    sampling: SamplingDefaults = SamplingDefaults()

    @property
    def sources(self) -> dict[SourceRole, Source]:
        """The models that this version uses, the target first."""
        found: dict[SourceRole, Source | None] = {"target": self.target, "draft": self.draft}
        if self.head is not None and registry.uses_head(self.head.kind):
            found["head"] = self.head.model
        return {role: source for role, source in found.items() if source is not None}

    def in_role(self, role: SourceRole) -> Source | None:
        """The model of a role; what drafts is the draft, a head in a file of its own too."""
        return self.drafting if role == "draft" else self.sources.get(role)

    @property
    def drafting(self) -> Source | None:
        """The file that drafts: a draft model, or a head that has a file of its own."""
        return self.draft or self.sources.get("head")

    @property
    def all_sources(self) -> list[Source]:
        """The models that it names, whether they are used or not."""
        head = self.head.model if self.head else None
        return [source for source in (self.target, self.draft, head) if source is not None]

    def defaults(self, file: Path) -> dict[str, object]:
        """The values this profile sets, by option name; ``file`` is where it was read from."""
        draft = self.drafting
        sampling = self.sampling.model_dump(exclude={"temperature"})
        values: dict[str, object] = {
            "model": _place(self.target, file),
            "draft-model": _place(draft, file) if draft else None,
            "gpu-layers": self.target.gpu_layers,
            "gpu-layers-draft": draft.gpu_layers if draft else None,
            "threads": self.target.threads,
            "threads-draft": draft.threads if draft else None,
            "drafter": self.drafter,
            "adaptive": self.adaptive,
            "verify": self.verify,
            "kernels": self.kernels,
            "draft-max": self.draft_max,
            "draft-min": self.draft_min,
            "draft-p-min": self.draft_p_min,
            "ctx-size": self.context,
            "predict": self.predict,
            "system": self.system,
            "chat-template": self._template(file.parent),
            "temp": self.sampling.temperature,
            **{name.replace("_", "-"): value for name, value in sampling.items()},
        }
        return {name: value for name, value in values.items() if value is not None}

    def _template(self, folder: Path) -> str | None:
        given = self.chat_template
        return given if given is None or is_name(given, folder) else str(folder / given)


def _place(source: Source, file: Path) -> str:
    """Where a model lies, or its name on the Hub while it does not lie anywhere."""
    return str(source.locate(file) or source.named())


def explain(error: ValidationError) -> list[str]:
    """What is wrong, one line per finding, with the nearest name for an unknown field."""
    return [_explain(finding) for finding in error.errors(include_url=False)]


def _explain(finding: Any) -> str:
    where = finding["loc"]
    name = ".".join(map(str, where))
    if finding["type"] == "extra_forbidden":
        near = get_close_matches(str(where[-1]), _fields(where[:-1]), 1)
        return f"{name} is not a field" + (f"; did you mean {near[0]}?" if near else "")
    if finding["type"] == "missing":
        return f"{name} is missing"
    return f"{name}: {finding['msg']}" if name else str(finding["msg"])


def _fields(where: Sequence[str | int]) -> list[str]:
    model: type[BaseModel] = Profile
    for step in where:
        kinds: dict[str, type[BaseModel]] = {
            "target": Source,
            "draft": Source,
            "head": Head,
            "model": Source,
            "parts": Part,
            "sampling": SamplingDefaults,
        }
        model = kinds.get(str(step), model)
    return list(model.model_fields)
