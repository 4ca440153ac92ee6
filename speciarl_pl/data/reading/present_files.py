"""Which of the listed files are there: one listing a folder, not one look a file."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from speciarl_pl.data.images.kinds import image_endings

_NAMED: Final = 3


def names_in(folder: Path) -> frozenset[str]:
    """List the names in a folder; none if it is missing."""
    try:
        return frozenset(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def absent(root: Path, files: Sequence[str]) -> list[str]:
    """Give the files that are not there, in their order.

    Args:
        root: Folder that the paths start from.
        files: Paths below `root`, with `/` between folders.

    Example:
        >>> absent(Path("no/such/folder"), ["images/1.jpg"])
        ['images/1.jpg']
    """
    there: dict[str, frozenset[str]] = {}
    missing = []
    for file in files:
        folder, _, name = file.rpartition("/")
        if folder not in there:
            there[folder] = names_in(root / folder)
        if name not in there[folder]:
            missing.append(file)
    return missing


def unlisted(root: Path, files: Iterable[str]) -> list[str]:
    """Give the image files that lie beside the listed ones and are not listed, sorted."""
    listed = set(files)
    folders = sorted({file.rpartition("/")[0] for file in listed})
    return [file for file in _images(root, folders) if file not in listed]


def name_some(names: Sequence[str], named: int = _NAMED) -> str:
    """Name the first few.

    Example:
        >>> name_some(["a", "b", "c", "d"])
        'a, b, c and 1 more'
    """
    more = len(names) - named
    return ", ".join(names[:named]) + (f" and {more:,} more" if more > 0 else "")


def _images(root: Path, folders: Sequence[str]) -> Iterator[str]:
    for folder in folders:
        for name in sorted(names_in(root / folder)):
            if not name.startswith(".") and Path(name).suffix.lower() in image_endings():
                yield f"{folder}/{name}"
