"""llama.cpp's log: to stderr with ``-vv``, else to a file that does not grow without end."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler

from specdec_cli import paths
from specdec_cli.terminal.safe import safe

_LOGGER = "specdec.llama"
_FILE_BYTES = 1_000_000
_asked = [0]
"""How often ``-v`` was given."""


class _Screen(logging.Handler):
    """Writes to whatever stderr is, with control characters made visible."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(safe(record.getMessage()) + "\n")


class _File(RotatingFileHandler):
    """A log that is lost rather than in the way, if its file cannot be written."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            logging.getLogger(_LOGGER).removeHandler(self)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002
        logging.getLogger(_LOGGER).removeHandler(self)


def start(*, level: int, keep: bool = True) -> None:
    """Say where the log goes; later calls change nothing.

    Args:
        level: how often ``-v`` was given.
        keep: there may be a file of it.
    """
    _asked[0] = level
    verbose = level > 1
    logger = logging.getLogger(_LOGGER)
    if not logger.propagate:  # it has been started
        return
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    if verbose:
        logger.addHandler(_Screen())
    else:
        logger.addHandler(_file() if keep else logging.NullHandler())


def is_verbose() -> bool:
    """Whether ``-v`` was given, as far as that is known yet."""
    return _asked[0] > 0


def _file() -> logging.Handler:
    file = paths.log_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = _File(file, maxBytes=_FILE_BYTES, backupCount=1, encoding="utf-8", delay=True)
    except OSError:
        return logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    return handler
