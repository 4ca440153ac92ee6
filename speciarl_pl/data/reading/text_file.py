"""Reading a text file of an encoding that it need not tell."""

import codecs
from pathlib import Path
from typing import Final

from speciarl_pl.data.reading.shown import shown
from speciarl_pl.errors import DataError

_MARKS: Final = (  # the longer ones first: that of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order mark -> encoding."""

_BEGINNINGS: Final = (
    (b"PK\x03\x04", "a zip file or an Excel workbook; unpack it, or save the sheet as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV (UTF-8)"),
    (b"PAR1", "a Parquet file; let its name end in .parquet"),
    (b"\x1f\x8b", "compressed by gzip; unpack it"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; fetch it: git lfs pull"),
)
"""How files begin that are no text -> what they are and what to do."""

_SAMPLE: Final = 4096
_MOSTLY: Final = 0.4
_HARDLY: Final = 0.05
"""Shares of NUL by which UTF-16 without a mark is told, in its one half and the other."""


def read_text(
    path: Path, encoding: str | None = None, option: bool = False, errors: str = "strict"
) -> str:
    """Read a text file whole, lines as they end there.

    UTF-8, and UTF-16 and UTF-32 where a mark or the NULs of every second byte tell them; nothing is
    guessed that could be another encoding as well.

    Args:
        path: The file.
        encoding: Its encoding, by a name that Python knows; None: found out.
        option: Whether the user can say the encoding, for the message.
        errors: What `bytes.decode` is to do with what it cannot read.

    Raises:
        DataError: If it is not text of that encoding; names the line, and what it may be instead.
    """
    content = path.read_bytes()
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            raise DataError(f"{path}: is {kind}")
    found = encoding or _encoding(content)
    try:
        text = content.decode(found, errors)
    except UnicodeDecodeError as error:
        raise DataError(_undecodable(path, content, error, option)) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DataError(f"{path}: not text, it holds NUL (line {line}); save it as UTF-8")
    return text.removeprefix("\ufeff")


def check_encoding(encoding: str | None) -> None:
    """Check an argument `encoding`.

    Raises:
        ValueError: If Python knows no such encoding of text.
    """
    try:
        if encoding is not None:
            "".encode(encoding)
    except LookupError:
        raise ValueError(
            f"encoding: expected a name such as utf-8, cp1252 or utf-16, got {encoding!r}"
        ) from None


def _encoding(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    sample = content[:_SAMPLE]
    first, second = (_share_of_nul(sample[half::2]) for half in (0, 1))
    if second > _MOSTLY and first < _HARDLY:
        return "utf-16-le"
    return "utf-16-be" if first > _MOSTLY and second < _HARDLY else "utf-8"


def _share_of_nul(content: bytes) -> float:
    return content.count(0) / len(content) if content else 0.0


def _undecodable(path: Path, content: bytes, error: UnicodeDecodeError, option: bool) -> str:
    line = content[: error.start].count(b"\n") + 1
    start = content.rfind(b"\n", 0, error.start) + 1
    written = content[start:].split(b"\n", 1)[0][:200].decode("cp1252", "replace")
    if error.encoding.lower() != "utf-8":
        return f"{path}: not {error.encoding} text: {error.reason} in line {line}; save it as UTF-8"
    advice = ", or say its encoding, such as `encoding: cp1252`" if option else ""
    return (
        f"{path}: not UTF-8 text: byte 0x{content[error.start]:02x} in line {line}, which"
        f" Windows-1252 (Latin-1) would read as {shown(written.strip())}; save it as UTF-8{advice}"
    )
