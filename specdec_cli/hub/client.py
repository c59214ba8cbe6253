"""The one file that talks to huggingface_hub: its cache, its metadata, its HTTP session.

Files are fetched by byte ranges through its session, because ``hf_hub_download`` keeps nothing of
an interrupted download. They are stored where it would store them, and it makes the links, so all
programs share one cache.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from specdec_cli import atomic
from specdec_cli.errors import NetworkError, SpecdecError
from specdec_cli.hub.failures import Cause, Failure, HubError, reported
from specdec_cli.hub.remote import HubFile

try:  # it reads its variables while it is imported
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub import errors as hub_errors
    from huggingface_hub import utils as untyped_utils

    _utils: Any = untyped_utils
    """Public, though type checkers do not see it."""

    _get_session = _utils.get_session  # which imports the rest
except ValueError as error:
    raise NetworkError(
        f"an HF_ variable cannot be used: {error}",
        "check HF_ENDPOINT and all others whose names begin with HF_",
    ) from error

_HttpError: Any = hub_errors.HfHubHTTPError.__mro__[1]
"""Base of what the HTTP client raises; the package does not export it."""

_KNOWN = (
    hub_errors.FileMetadataError,
    hub_errors.HFValidationError,
    hub_errors.LocalEntryNotFoundError,
    hub_errors.OfflineModeIsEnabled,
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ETAG = re.compile(r"[A-Za-z0-9-]{1,128}")
_LIBRARY = "specdec"

CHUNK = 1 << 16
"""Bytes handed on at a time."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file as the Hub has it.

    Args:
        commit: of the repository; what is fetched is fetched from there, whatever happens to
            the branch meanwhile.
        etag: the sha256 of its bytes for files as large as models.
        size: in bytes.
    """

    file: HubFile
    commit: str
    etag: str
    size: int

    @property
    def sha256(self) -> str | None:
        """The hash the bytes must have, if the Hub says it."""
        return self.etag if re.fullmatch(r"[0-9a-f]{64}", self.etag) else None


@dataclass(frozen=True, slots=True)
class Body:
    """What a server sends of a file: from ``start`` on, ``total`` bytes in the whole file."""

    start: int
    total: int | None
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Removal:
    """A deletion that has not been carried out: the bytes it frees, and how to do it."""

    freed: int
    execute: Callable[[], None]


class Hub:
    """The Hub and its cache on this machine, as the environment says where they are."""

    def __init__(self) -> None:
        if not constants.HF_DEBUG:
            _utils.logging.set_verbosity_error()

    @property
    def endpoint(self) -> str:
        """The Hub's address."""
        return str(constants.ENDPOINT)

    @property
    def has_token(self) -> bool:
        """Whether requests are sent with a token, from the environment or a login."""
        try:
            return bool(huggingface_hub.get_token())
        except (OSError, UnicodeDecodeError):
            return False

    @property
    def cache(self) -> Path:
        """The folder of the shared cache; it need not exist."""
        return Path(constants.HF_HUB_CACHE)

    def folder(self, repo: str) -> Path:
        """Where the cache keeps a repository."""
        return self.cache / f"models--{repo.replace('/', '--')}"

    def blob(self, found: Found) -> Path:
        """Where the cache keeps a file's bytes."""
        return self.folder(found.file.repo) / "blobs" / found.etag

    def cached(self, file: HubFile) -> Path | None:
        """The file in the cache, if it is there; asks nobody."""
        try:
            path = huggingface_hub.try_to_load_from_cache(
                file.repo, file.file, cache_dir=self.cache, revision=file.revision
            )
        except (hub_errors.HFValidationError, OSError, UnicodeDecodeError):
            return None  # no repository can have this name, or nobody may read its folder
        return Path(path) if isinstance(path, str) else None

    def cached_names(self, repo: str, revision: str) -> list[str]:
        """The files of a repository that the cache has; asks nobody."""
        folder = self.folder(repo)
        try:
            commit = (folder / "refs" / revision).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            commit = revision
        snapshot = folder / "snapshots" / commit
        if not _COMMIT.fullmatch(commit) or not snapshot.is_dir():
            return []
        files = (path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*.gguf"))
        return sorted(files)

    def names(self, repo: str, revision: str) -> list[str]:
        """All files of a repository.

        Raises:
            HubError: the request failed.
        """
        with self._translated(), _sensible("no list of files comes"):
            api = huggingface_hub.HfApi(endpoint=self.endpoint, library_name=_LIBRARY)
            # Not list_repo_files, which waits as long as it is told to, in silence.
            info = api.model_info(repo, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT)
            return [str(file.rfilename) for file in info.siblings or []]

    def find(self, file: HubFile) -> Found:
        """Ask for a file's commit, hash and size.

        Raises:
            HubError: the request failed, or its answer could not be a Hub's.
        """
        with self._translated(), _sensible("what it says of a file makes no sense"):
            said = huggingface_hub.get_hf_file_metadata(
                self._url(file, file.revision), library_name=_LIBRARY, endpoint=self.endpoint
            )
        commit, etag, size = said.commit_hash or "", said.etag or "", said.size
        # Both become parts of paths, so neither is taken on trust.
        if not _COMMIT.fullmatch(commit) or not _ETAG.fullmatch(etag):
            raise HubError(Failure("metadata", reason="no commit or hash comes with the file"))
        if size is None or size < 0:
            raise HubError(Failure("metadata", reason="no size comes with the file"))
        return Found(file, commit, etag, size)

    @contextmanager
    def body(self, found: Found, start: int, end: int | None = None) -> Iterator[Body]:
        """Open a file's bytes from ``start`` to before ``end``.

        The server may send all of it instead; see the answer's ``start``. The token goes to the
        Hub alone, not to where it redirects.

        Raises:
            HubError: the request failed, now or while ``chunks`` are read.
        """
        headers = _utils.build_hf_headers(library_name=_LIBRARY)
        headers["Accept-Encoding"] = "identity"
        if start or end is not None:
            headers["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        url = self._url(found.file, found.commit)
        with self._translated(), ExitStack() as opened:
            with _sensible("what it sends of a file makes no sense"):
                answer = opened.enter_context(
                    _get_session().stream(
                        "GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT
                    )
                )
                _utils.hf_raise_for_status(answer)
                begins, total = _extent(answer.status_code, answer.headers)
            yield Body(begins, total, answer.iter_bytes(chunk_size=CHUNK))

    def link(self, found: Found) -> Path:
        """Make the cache's entry for a file whose bytes are there; fetches them if they are not.

        The branch that was asked for is noted as being at the commit that was found.

        Raises:
            HubError: the request failed.
        """
        with self._translated(), _sensible("what it says of a file makes no sense"):
            path = huggingface_hub.hf_hub_download(
                found.file.repo,
                found.file.file,
                revision=found.commit,
                cache_dir=self.cache,
                endpoint=self.endpoint,
                library_name=_LIBRARY,
            )
        if found.file.revision != found.commit:
            branch = self.folder(found.file.repo) / "refs" / found.file.revision
            atomic.write_text(branch, found.commit)
        return Path(str(path))

    def lock(self, found: Found, timeout: float | None) -> AbstractContextManager[object]:
        """Held while a file's bytes are written, by one program at a time.

        Args:
            timeout: seconds after which entering it raises ``TimeoutError``; ``None`` for never.
        """
        folder = self.cache / ".locks" / self.folder(found.file.repo).name
        folder.mkdir(parents=True, exist_ok=True)
        # Not the package's own name for it: `link` takes that one.
        lock: AbstractContextManager[object] = _utils.WeakFileLock(
            folder / f"{found.etag}.fetch.lock", timeout=timeout
        )
        return lock

    def reported(self, error: HubError, file: HubFile, *, kept: bool = False) -> SpecdecError:
        """The error that tells of a failure.

        Args:
            kept: something of the file was fetched.
        """
        return reported(
            error.failure,
            repo=file.repo,
            file=file.file,
            revision=file.revision,
            endpoint=self.endpoint,
            token=self.has_token,
            kept=kept,
        )

    def removable(self, paths: Collection[Path]) -> Removal:
        """What deleting files of the cache would free; bytes that others share stay.

        Args:
            paths: entries of snapshots, as :meth:`cached` gives them.
        """
        try:
            info = huggingface_hub.scan_cache_dir(self.cache)
        except hub_errors.CacheNotFound:
            return Removal(0, lambda: None)
        files = [
            file
            for repo in info.repos
            for revision in repo.revisions
            for file in revision.files
            if file.file_path in paths
        ]
        strategy = info.delete_files(*files)
        return Removal(int(strategy.expected_freed_size), strategy.execute)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """A request to the Hub; its failure is a :class:`HubError`.

        A token with other characters than tokens have is refused first: the HTTP client would
        quote it in its complaint.
        """
        try:
            token = huggingface_hub.get_token() or ""
        except (OSError, UnicodeDecodeError) as error:
            raise HubError(Failure("token", reason=str(error))) from error
        if not re.fullmatch(r"[!-~]*", token):
            raise HubError(Failure("token"))
        if not _is_address(self.endpoint):
            raise HubError(Failure("endpoint"))
        _prepare_session()
        with _translated():
            yield

    def _url(self, file: HubFile, revision: str) -> str:
        return huggingface_hub.hf_hub_url(
            file.repo, file.file, revision=revision, endpoint=self.endpoint
        )


def _extent(status: int, headers: Any) -> tuple[int, int | None]:
    """Where an answer's bytes begin, and how many the whole file has."""
    if status == 206:
        extent = headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)", extent)
        if match is None:
            raise HubError(Failure("metadata", reason="a range without its extent"))
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch("[0-9]{1,18}", length) else None


def _is_address(endpoint: str) -> bool:
    """Whether a client can ask it for something."""
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", endpoint):
        return False
    try:
        parts = urlsplit(endpoint)
        name = (parts.hostname or "").encode("idna")
        return bool(name) and parts.port != 0
    except ValueError:  # no number for a port, an address of IPv6 without its end, a label too long
        return False


def _prepare_session() -> None:
    """Build the HTTP client, which reads the variables of certificates and proxies.

    Raises:
        HubError: one of them has no sense.
    """
    try:
        _get_session()
    except OSError as error:  # an SSLError is one
        raise HubError(Failure("certificates", reason=error.strerror or str(error))) from error
    except Exception as error:  # they differ from scheme to scheme
        raise HubError(Failure("proxy", reason=str(error))) from error


@contextmanager
def _sensible(otherwise: str) -> Iterator[None]:
    """Wraps calls of the package: unexpected exceptions mean that the answer was not a Hub's.

    The system's own errors, such as a full disk, and the package's are left as they are.
    """
    try:
        yield
    except (HubError, OSError, MemoryError, _HttpError, *_KNOWN):
        raise
    except Exception as error:
        raise HubError(Failure("metadata", reason=otherwise)) from error


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what huggingface_hub and its HTTP client raise into :class:`HubError`."""
    try:
        yield
    except hub_errors.OfflineModeIsEnabled as error:
        raise HubError(Failure("offline")) from error
    except hub_errors.HFValidationError as error:
        raise HubError(Failure("repo")) from error
    except hub_errors.HfHubHTTPError as error:
        raise HubError(_answered(error)) from error
    except hub_errors.FileMetadataError as error:
        raise HubError(Failure("metadata", reason="a header is missing")) from error
    except hub_errors.LocalEntryNotFoundError as error:
        raise HubError(Failure("unreachable", reason="no answer")) from error
    except _HttpError as error:
        behind = _of_system(error)
        reason = (behind.strerror or "").lower() if behind else ""
        reason = reason or str(error).split("\n")[0] or type(error).__name__
        unresolved = isinstance(behind, socket.gaierror)
        raise HubError(Failure("unresolved" if unresolved else "unreachable", reason=reason)) from (
            error
        )


def _of_system(error: BaseException | None) -> OSError | None:
    """The system's error behind another one: a name without an address, a refusal."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


# A gated repository is to the package one that is not found, too, so it comes first.
_REFUSALS: tuple[tuple[type[Exception], Cause], ...] = (
    (hub_errors.GatedRepoError, "gated"),
    (hub_errors.DisabledRepoError, "disabled"),
    (hub_errors.RepositoryNotFoundError, "repo"),
    (hub_errors.RevisionNotFoundError, "revision"),
    (hub_errors.EntryNotFoundError, "file"),
)


def _answered(error: hub_errors.HfHubHTTPError) -> Failure:
    """The failure an answer of the Hub tells of."""
    status = int(error.response.status_code)
    for kind, name in _REFUSALS:
        if isinstance(error, kind):
            return Failure(name, status)
    retry = str(error.response.headers.get("Retry-After", ""))
    return Failure("status", status, int(retry) if re.fullmatch("[0-9]{1,18}", retry) else None)
