"""Failed requests to the Hub, as errors with hints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from specdec_cli.errors import NetworkError, NotFoundError, SpecdecError

Cause = Literal[
    "certificates",
    "disabled",
    "endpoint",
    "file",
    "gated",
    "metadata",
    "offline",
    "proxy",
    "repo",
    "revision",
    "status",
    "token",
    "unreachable",
    "unresolved",
]
_CHECK = (
    "check the connection, HF_ENDPOINT and the proxy (ALL_PROXY, HTTPS_PROXY); without a network "
    "-m FILE works, and no profile for the built-in pair"
)
_TRANSIENT = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request.

    Args:
        status: of the HTTP answer, 0 if there was none.
        retry_after: seconds the Hub asks to wait, if it does.
        reason: in the words of the HTTP client.
    """

    cause: Cause
    status: int = 0
    retry_after: int | None = None
    reason: str = ""

    @property
    def passes(self) -> bool:
        """Whether trying again may help."""
        if self.cause == "unreachable":
            return True
        return self.cause == "status" and self.status in _TRANSIENT


class HubError(Exception):
    """Carries a failure to where it is retried or reported."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.cause)
        self.failure = failure


def reported(  # noqa: C901 - a list of cases
    failure: Failure,
    *,
    repo: str,
    file: str,
    revision: str,
    endpoint: str,
    token: bool,
    kept: bool = False,
) -> SpecdecError:
    """The error that tells of a failure.

    Args:
        endpoint: the address of the Hub in use.
        token: whether a token was sent.
        kept: something of the file was fetched, and will not be fetched again.
    """
    check = f"{_CHECK}; what was fetched is kept" if kept else _CHECK
    page = f"{endpoint}/{repo}"
    match failure.cause:
        case "offline":
            return NetworkError(
                f"HF_HUB_OFFLINE is set, so {repo} cannot be asked for",
                "unset HF_HUB_OFFLINE and run it again",
            )
        case "gated":
            return NetworkError(
                f"{repo} is gated: its owner lets only those in who accept its terms",
                f"accept them on {page} with the account of your token, and run it again"
                if token
                else f"accept them on {page}, then set HF_TOKEN to a token of yours: hf auth login",
            )
        case "repo":
            return NotFoundError(
                f"{repo} does not exist on the Hub, or is private",
                f"check the name on {page}; for a private one "
                + ("use a token that may read it" if token else "set HF_TOKEN to a token of yours"),
            )
        case "revision":
            return NotFoundError(
                f"{repo} has no revision {revision}",
                f"use main, or one that {page}/commits/main lists",
            )
        case "file":
            return NotFoundError(
                f"{repo} has no file {file} at {revision}",
                f"its files are listed on {page}/tree/{revision}",
            )
        case "token" if failure.reason:
            return NetworkError(
                f"your token cannot be read: {failure.reason}",
                "check HF_TOKEN_PATH and HF_HOME, or set HF_TOKEN",
            )
        case "token":
            return NetworkError(
                "your token has characters that no token has",
                "copy it again from https://huggingface.co/settings/tokens into HF_TOKEN",
            )
        case "endpoint":
            return NetworkError(
                "HF_ENDPOINT is not an address",
                "set it to one such as https://huggingface.co, or unset it",
            )
        case "certificates":
            return NetworkError(
                f"the certificates cannot be read: {failure.reason}",
                "SSL_CERT_FILE and SSL_CERT_DIR name them: correct or unset these",
            )
        case "proxy":
            return NetworkError(
                f"a proxy cannot be used: {failure.reason}",
                "check ALL_PROXY, HTTPS_PROXY, HTTP_PROXY and NO_PROXY, such as "
                "socks5://localhost:1080",
            )
        case "disabled":
            return NetworkError(f"the Hub has disabled {repo}", "choose another repository")
        case "metadata":
            return NetworkError(
                f"{endpoint} does not answer as a Hub: {failure.reason}",
                "check HF_ENDPOINT and the proxy settings",
            )
        case "unreachable":
            return NetworkError(
                f"{_host(endpoint)} cannot be reached: {failure.reason or 'no answer'}",
                check,
            )
        case "unresolved":
            return NetworkError(
                f"{_host(endpoint)} cannot be found: {failure.reason}",
                check,
            )
        case "status":
            return _status(failure, repo, endpoint, token)


def _status(failure: Failure, repo: str, endpoint: str, token: bool) -> SpecdecError:
    host = _host(endpoint)
    if failure.status == 401:
        if token:
            return NetworkError(
                f"{host} does not accept your token",
                f"make a new one on {endpoint}/settings/tokens and set HF_TOKEN, or: hf auth login",
            )
        return NetworkError(
            f"{host} wants a token for {repo}",
            f"make one on {endpoint}/settings/tokens and set HF_TOKEN, or: hf auth login",
        )
    if failure.status == 403:
        return NetworkError(
            f"{host} does not let you read {repo}",
            f"give your token the right to read it on {endpoint}/settings/tokens"
            if token
            else "set HF_TOKEN to a token that may read it",
        )
    if failure.status == 404:
        return NotFoundError(f"{repo} does not have what is asked for", f"check {endpoint}/{repo}")
    if failure.status == 429:
        wait = failure.retry_after
        when = f"in {wait} seconds" if wait is not None else "in some minutes"
        more = "" if token else "; with HF_TOKEN set more are allowed"
        return NetworkError(
            f"{host} takes no more requests for now",
            f"run it again {when}, it goes on where it was{more}",
        )
    return NetworkError(
        f"{host} answers with the status {failure.status}",
        "run it again later, it goes on where it was",
    )


def _host(endpoint: str) -> str:
    """The endpoint without a name or password somebody may have put into it."""
    return re.sub(r"^https?://([^/@]*@)?", "", endpoint)
