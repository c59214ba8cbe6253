"""What fetching a pair would take, before a byte of the weights is fetched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from specdec_cli.errors import DamagedFileError, NetworkError, NotAModelError, NotFoundError
from specdec_cli.gguf.check import check, validate
from specdec_cli.gguf.header import Header, read_header
from specdec_cli.gguf.reader import shown
from specdec_cli.hub.cache import present
from specdec_cli.hub.client import Found, Hub
from specdec_cli.hub.download import free_bytes, partial
from specdec_cli.hub.pin import TRUST, changed, fits_pin, require_pinned, unpinned
from specdec_cli.hub.ranges import read_remote_header
from specdec_cli.hub.remote import HubFile, HubModel, choose
from specdec_cli.hub.retry_policy import RetryPolicy


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file of a model.

    Args:
        path: where it is; ``None`` for one that has to be fetched.
        found: as the Hub has it; ``None`` for one that is here, as nobody was asked.
        have: its bytes that are here.
        size: all its bytes.
    """

    name: str
    size: int
    have: int
    path: Path | None = None
    found: Found | None = None

    @property
    def missing(self) -> int:
        """Bytes to fetch."""
        return self.size - self.have


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """The files of one model, and what its header says.

    Args:
        header: of the first file; tensors of other parts are not in it.
        header_bytes: fetched to read it.
    """

    model: HubModel
    files: tuple[Wanted, ...]
    header: Header
    header_bytes: int = 0

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def missing(self) -> int:
        """Bytes to fetch."""
        return sum(file.missing for file in self.files)


def plan(
    hub: Hub, model: HubModel, note: Callable[[str], None], *, accept_changed: bool = False
) -> ModelPlan:
    """Look up a model's files and read its header; only what is not here is asked for.

    Args:
        accept_changed: whether files may differ from the size and hash they are expected to have.

    Raises:
        NetworkError, NotFoundError: the Hub cannot be reached, or lacks a file.
        DamagedFileError: a file is not the expected one, or no sound GGUF.
    """
    here = present(model)
    if here:
        if not accept_changed:
            for path, file in zip(here, model.files, strict=False):
                require_pinned(path, file)
        files = tuple(_here(path) for path in here)
        return ModelPlan(model, files, read_header(here[0]))
    named = resolve(hub, model, note)
    found = [_found(hub, file, note) for file in named.files]
    if accept_changed:
        found = [replace(item, file=unpinned(item.file)) for item in found]
    for item in found:
        _require_expected(item)
    header, fetched = read_remote_header(hub, found[0])
    if header.split is None:  # the first part alone lacks tensors
        check(header)
    return ModelPlan(named, tuple(_wanted(hub, item) for item in found), header, fetched)


def whole_header(hub: Hub, found: ModelPlan) -> tuple[Header, int]:
    """A model's header with the tensors of all its files.

    Returns:
        The header, and the bytes that were fetched for the other files' headers.

    Raises:
        NetworkError, NotFoundError, DamagedFileError: as :func:`plan`.
    """
    first = found.files[0]
    if first.path is not None:
        return validate(first.path), 0
    tensors, fetched = list(found.header.tensors), 0
    for file in found.files[1:]:
        assert file.found  # files are here all together or not at all
        header, more = read_remote_header(hub, file.found)
        tensors += header.tensors
        fetched += more
    whole = replace(found.header, tensors=tuple(tensors), file_size=found.size)
    check(whole)
    return whole, fetched


def resolve(hub: Hub, model: HubModel, note: Callable[[str], None]) -> HubModel:
    """The model with the name of its file, which a quantisation alone does not tell.

    Raises:
        NotFoundError: no file of the repository has that quantisation.
    """
    if model.first.file:
        return model
    first = model.first
    names = RetryPolicy(hub, first, note).ask(lambda: hub.names(first.repo, first.revision))
    named = choose(model, names)
    if named is None:
        models = [name for name in names if name.endswith(".gguf")]
        listed = ", ".join(shown(name)[1:-1] for name in models[:8]) or "none"
        raise NotFoundError(
            f"{first.repo} has no GGUF file for {model.quant}", f"its GGUF files: {listed}"
        )
    return named


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model on the Hub beside what is expected of it, a sentence for each finding.

    Args:
        problems: what is otherwise.
        unknown: what could not be compared.
    """

    problems: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def compared(hub: Hub, model: HubModel) -> Comparison:
    """Compare a model with what is expected of it; asks even for what is here."""

    def silent(_: str) -> None:
        pass

    unknown = []
    try:
        for file in resolve(hub, model, silent).files:
            found = _found(hub, file, silent)
            _require_expected(found)
            if not file.sha256 or found.sha256:
                continue
            path = hub.cached(file)
            if path is None:
                unknown.append(
                    f"the sha256 of {file} cannot be compared, as the Hub does not say it; "
                    "pull compares the bytes"
                )
            else:
                require_pinned(path, file)
    except (NetworkError, NotFoundError, DamagedFileError, NotAModelError) as error:
        return Comparison((error.message,), tuple(unknown))
    return Comparison((), tuple(unknown))


def room(hub: Hub) -> int:
    """Bytes that are free where the cache is."""
    return free_bytes(hub.cache)


def _found(hub: Hub, file: HubFile, note: Callable[[str], None]) -> Found:
    return RetryPolicy(hub, file, note).ask(lambda: hub.find(file))


def _here(path: Path) -> Wanted:
    size = path.stat().st_size
    return Wanted(path.name, size, size, path)


def _wanted(hub: Hub, found: Found) -> Wanted:
    have = found.size
    if not hub.blob(found).exists():
        at = partial(hub, found)
        have = min(at.stat().st_size, found.size) if at.exists() else 0
    return Wanted(found.file.name, found.size, have, None, found)


def _require_expected(found: Found) -> None:
    """The file must be the one its profile was written for."""
    file, sha256 = found.file, found.sha256
    if sha256 and not fits_pin(sha256, file):
        raise changed(file, sha256)
    if file.size and file.size != found.size:
        raise DamagedFileError(
            f"{file} has changed: it has {found.size:,} bytes, not {file.size:,}", TRUST
        )
