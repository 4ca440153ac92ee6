"""Listing folders."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from speciarl_pl.data.images.kinds import left_out_as
from speciarl_pl.data.reading.left_out import HIDDEN, LeftOut
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
    files and folders are left out, and those that systems put there. A folder that links lead to is
    listed once: where it lies, or else below the first link.

    Args:
        folder: Where to look.
        left_out: Takes what is left out.
    """
    out = LeftOut() if left_out is None else left_out
    found = _folders(folder, out)
    for parent in sorted(found, key=lambda below: below.relative_to(folder).parts):
        for name in sorted(found[parent]):
            path = parent / name
            reason = HIDDEN if is_hidden(name) else left_out_as(path)
            if reason is None:
                yield path
            else:
                out.add(reason, name)


def _folders(root: Path, out: LeftOut) -> dict[Path, list[str]]:
    """Files of `root` and of all folders below it, each once, however many links lead to it.

    Those that lie there come first, so that a folder goes by its own name and not by that of a link
    beside it.
    """
    found: dict[Path, list[str]] = {}
    listed: set[str] = set()
    links = deque([root])
    while links:
        link = links.popleft()
        if os.path.realpath(link) in listed:
            _note_link(link, out)
            continue
        for parent, folders, files in os.walk(link, onerror=_closed_to(out)):
            here = os.path.realpath(parent)
            if here in listed:  # a link led here before
                folders.clear()
                continue
            listed.add(here)
            found[Path(parent)] = files
            entered = [name for name in sorted(folders) if _is_entered(Path(parent, name), out)]
            links += (Path(parent, name) for name in entered if Path(parent, name).is_symlink())
            folders[:] = entered
    return found


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that a person does not see or has not put there.

    Example:
        >>> is_hidden("._a.jpg"), is_hidden("Thumbs.db"), is_hidden("a.jpg")
        (True, True, False)
    """
    return name.startswith(".") or name.lower() in _OF_SYSTEMS


def _is_entered(folder: Path, out: LeftOut) -> bool:
    """Whether to look into a folder; one that is not is noted in `out`."""
    if is_hidden(folder.name):
        out.add(HIDDEN, f"{folder.name}/")
        return False
    return True


def _note_link(link: Path, out: LeftOut) -> None:
    above = link.parent.resolve().is_relative_to(link.resolve())
    reason = "link to a folder that it lies in" if above else "link to a folder that is listed"
    out.add(reason, f"{link.name}/")


def _closed_to(out: LeftOut) -> Callable[[OSError], None]:
    """What to do about a folder that cannot be listed."""
    return lambda error: out.add(f"cannot be opened: {error.strerror}", f"{error.filename}/")
