"""Listing folders."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from speciarl_pl.data.kinds import left_out_as
from speciarl_pl.data.left_out import HIDDEN, LeftOut
from speciarl_pl.errors import DataError

_OF_SYSTEMS: Final = frozenset(
    {
        "$recycle.bin",
        "#recycle",
        "#snapshot",
        "@eadir",
        "__macosx",
        "desktop.ini",
        "ehthumbs.db",
        "lost+found",
        "system volume information",
        "thumbs.db",
    }
)
"""Lower-case names of files and folders that systems put among a user's own."""


def require_folder(path: str | os.PathLike[str], expected: str) -> Path:
    """Give `path` back if it is a folder.

    Args:
        path: The folder.
        expected: What it should hold, for the message.

    Raises:
        DataError: If it is missing or a file.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "no such folder"
        raise DataError(f"{folder}: {problem}; expected {expected}")
    return folder


def require_file(path: str | os.PathLike[str], expected: str) -> Path:
    """Give `path` back if it is a file; `expected` as in `require_folder`.

    Raises:
        DataError: If it is missing or a folder.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        problem = "is a folder, not a file" if file.exists() else "no such file"
        raise DataError(f"{file}: {problem}; expected {expected}")
    return file


def walk_images(folder: Path, left_out: LeftOut | None = None) -> Iterator[Path]:
    """List image files below `folder` at any depth, sorted.

    A file is an image by its ending, or else by its first bytes; see `kinds.left_out_as`. Hidden
    files and folders are left out, and those that systems put there.

    Args:
        folder: Where to look.
        left_out: Takes what is left out.
    """
    out = LeftOut() if left_out is None else left_out
    for parent, folders, files in os.walk(folder, onerror=_closed_to(out), followlinks=True):
        folders[:] = [name for name in sorted(folders) if is_entered(Path(parent, name), out)]
        for name in sorted(files):
            path = Path(parent, name)
            reason = HIDDEN if is_hidden(name) else left_out_as(path)
            if reason is None:
                yield path
            else:
                out.add(reason, name)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that a person does not see or has not put there.

    Example:
        >>> is_hidden("._a.jpg"), is_hidden("Thumbs.db"), is_hidden("a.jpg")
        (True, True, False)
    """
    return name.startswith(".") or name.lower() in _OF_SYSTEMS


def is_entered(folder: Path, out: LeftOut) -> bool:
    """Whether to look into a folder; one that is not is noted in `out`."""
    if is_hidden(folder.name):
        out.add(HIDDEN, f"{folder.name}/")
        return False
    if folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve()):
        out.add("link to a folder that it lies in", f"{folder.name}/")
        return False
    return True


def _closed_to(out: LeftOut) -> Callable[[OSError], None]:
    """What to do about a folder that cannot be listed."""
    return lambda error: out.add(f"cannot be opened: {error.strerror}", f"{error.filename}/")
