"""What a profile file may say: a pair of models, and the defaults that suit it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from specdec_cli import paths

SCHEMA_VERSION = 1

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Source(_Strict):
    """One model and how it is loaded. Unset fields are left to the built-in defaults.

    Args:
        embedded: name of a file that ships with the program.
        path: a file; relative to the profile, ``~`` is the home folder.
    """

    embedded: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    path: str | None = Field(default=None, min_length=1)
    gpu_layers: Count | Literal["auto", "all"] | None = None
    threads: Count | None = None

    @model_validator(mode="after")
    def _names_one_file(self) -> Self:
        if (self.embedded is None) == (self.path is None):
            raise ValueError("give either embedded or path")
        return self

    def locate(self, profile: Path) -> Path:
        """The file, where ``profile`` is the file that names it."""
        if self.embedded is not None:
            return paths.embedded() / self.embedded
        return profile.parent / Path(self.path or "").expanduser()


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
    """A pair of models and its defaults."""

    schema_version: Literal[1]
    description: str = ""
    notes: str = ""
    licence: str = ""
    target: Source
    draft: Source | None = None
    drafter: Literal["auto", "model", "none"] | None = None
    verify: Literal["auto", "match", "rejection", "block"] | None = None
    draft_max: Count | None = None
    draft_min: Count | None = None
    draft_p_min: Share | None = None
    context: Count | None = None
    predict: Annotated[int, Field(ge=-1)] | None = None
    system: str | None = None
    sampling: SamplingDefaults = SamplingDefaults()

    def defaults(self, file: Path) -> dict[str, object]:
        """The values this profile sets, by option name; ``file`` is where it was read from."""
        draft = self.draft
        sampling = self.sampling.model_dump(exclude={"temperature"})
        values: dict[str, object] = {
            "model": str(self.target.locate(file)),
            "draft-model": str(draft.locate(file)) if draft else None,
            "gpu-layers": self.target.gpu_layers,
            "gpu-layers-draft": draft.gpu_layers if draft else None,
            "threads": self.target.threads,
            "threads-draft": draft.threads if draft else None,
            "drafter": self.drafter,
            "verify": self.verify,
            "draft-max": self.draft_max,
            "draft-min": self.draft_min,
            "draft-p-min": self.draft_p_min,
            "ctx-size": self.context,
            "predict": self.predict,
            "system": self.system,
            "temp": self.sampling.temperature,
            **{name.replace("_", "-"): value for name, value in sampling.items()},
        }
        return {name: value for name, value in values.items() if value is not None}


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
    parts: dict[str, type[BaseModel]] = {
        "target": Source,
        "draft": Source,
        "sampling": SamplingDefaults,
    }
    model = parts.get(str(where[0]), Profile) if where else Profile
    return list(model.model_fields)
