"""Text that should be UTF-8: bytes of files and pipes, and words of the command line."""

from __future__ import annotations

from specdec_cli.errors import UsageError

_HINT = "convert it first, for example: iconv -f latin1 -t utf-8"
_ESCAPED = 0xDC00
"""Python keeps a byte that is not UTF-8 as half of a surrogate pair, this much above the byte."""


class EncodingError(UsageError):
    """Text that should be UTF-8 is not."""


def decode(data: bytes, name: str) -> str:
    """Bytes as UTF-8 text; a byte order mark is dropped.

    Raises:
        EncodingError: naming the first wrong byte and its offset.
    """
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _wrong(name, data[error.start], error.start) from None


def require_text(text: str, name: str) -> str:
    """A text of the command line or the environment, which must have been UTF-8.

    Raises:
        EncodingError: naming the first wrong byte and its offset.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        offset = len(text[: error.start].encode())
        raise _wrong(name, ord(text[error.start]) - _ESCAPED, offset) from None
    return text


def _wrong(name: str, byte: int, offset: int) -> EncodingError:
    return EncodingError(f"{name} is not UTF-8: byte {byte:#04x} at offset {offset}", _HINT)
