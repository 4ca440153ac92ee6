"""Listing folders."""

import os
from collections.abc import Iterator
from pathlib import Path

from speciarl_pl.data.images import EXTENSIONS
from speciarl_pl.errors import DataError


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


def walk_images(folder: Path) -> Iterator[Path]:
    """List image files below `folder` at any depth, sorted; hidden files and folders left out."""
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS:
                yield Path(parent, name)
