r"""Names of files that are not UTF-8: shown, kept in tables, and opened again.

Python reads a byte of a name that is not UTF-8 as a lone surrogate, which can neither be printed
nor written into a table of text.

Example:
    >>> printable("caf\udce9.jpg")
    'caf\\xe9.jpg'
"""

import codecs
import os
import sys
from io import TextIOWrapper
from typing import Final

_HANDLER: Final = "speciarl_pl.printable"
"""Name of our way to write what an encoding cannot."""

_MARK: Final = "\0"
"""Begins a path that is kept by its bytes; no path can begin with it."""


def printable(text: str) -> str:
    r"""Write what is not UTF-8 in hexadecimal, as `\xe9` for a byte; all else stays as it is.

    Example:
        >>> printable("Citroën"), printable("Citro\udcebn"), printable("half a pair: \ud800")
        ('Citroën', 'Citro\\xebn', 'half a pair: \\ud800')
    """
    return text.encode("utf-8", _HANDLER).decode("utf-8")


def is_printable(text: str) -> bool:
    r"""Whether a text is UTF-8 throughout.

    Example:
        >>> is_printable("Citroën"), is_printable("Citro\udcebn")
        (True, False)
    """
    return printable(text) == text


def kept_path(path: str) -> str:
    r"""Turn a path into text that a table can hold; nearly every path is that already.

    Example:
        >>> kept_path("a.jpg")
        'a.jpg'
        >>> opened_path(kept_path("caf\udce9.jpg")) == "caf\udce9.jpg"
        True
    """
    if is_printable(path) and not path.startswith(_MARK):
        return path
    try:
        return _MARK + os.fsencode(path).decode("latin-1")
    except UnicodeEncodeError:  # half a pair of surrogates, which no file's name can hold
        return printable(path)


def opened_path(kept: str) -> str:
    """Give the path that `kept_path` was given."""
    if not kept.startswith(_MARK):
        return kept
    return os.fsdecode(kept.removeprefix(_MARK).encode("latin-1"))


def print_all_names() -> None:
    """Let the console show every name, also one that its encoding cannot write."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _in_hexadecimal(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = map(ord, error.object[error.start : error.end])
    return "".join(map(_hexadecimal, characters)), error.end


def _hexadecimal(character: int) -> str:
    if 0xDC80 <= character <= 0xDCFF:  # how Python reads a byte that is not UTF-8
        return f"\\x{character - 0xDC00:02x}"
    return chr(character).encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(_HANDLER, _in_hexadecimal)
