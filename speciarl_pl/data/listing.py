"""Listing folders and reading the tables that name images."""

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import pyarrow.parquet

from speciarl_pl.data.kinds import left_out_as
from speciarl_pl.data.left_out import HIDDEN, LeftOut
from speciarl_pl.errors import DataError

Columns: TypeAlias = dict[str, list[Any]]
"""A table: column name -> values, all of one length."""

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


def class_folders(root: Path, left_out: LeftOut | None = None) -> list[Path]:
    """List the folders right below `root`, sorted, but hidden ones and those of systems.

    Args:
        root: Folder that holds those of the classes.
        left_out: Takes what lies beside them.
    """
    out = LeftOut() if left_out is None else left_out
    entries = sorted(root.iterdir())
    for path in entries:
        if not path.is_dir():
            out.add(HIDDEN if is_hidden(path.name) else "beside the class folders", path.name)
    return [path for path in entries if path.is_dir() and is_entered(path, out)]


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


def read_columns(path: Path) -> Columns:
    """Read a CSV, JSON Lines or Parquet table whole.

    CSV cells are text exactly as written (UTF-8; `None`, `NA` and numbers are not interpreted).

    Args:
        path: The table; the file name's ending tells its format.

    Raises:
        DataError: If it is missing, of another format or malformed.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown kind of table; expected one of {', '.join(READERS)}")
    require_file(path, "a table of images and labels")
    try:
        return reader(path)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error}); save it as UTF-8") from None
    except (ValueError, OSError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as {path.suffix} ({error})") from None


def require_columns(path: Path, columns: Columns, names: Sequence[str]) -> None:
    """Check that a table has some columns.

    Raises:
        DataError: Naming the file, the column and the columns that are there.
    """
    for name in names:
        if name not in columns:
            there = ", ".join(repr(column) for column in columns) or "none"
            raise DataError(f"{path}: no column {name!r}; the columns there are: {there}")


def _read_csv(path: Path) -> Columns:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        rows = [row for row in reader if row]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise DataError(
                f"{path}: row {number} has {len(row)} cells and the header {len(header)};"
                " put a label that holds a comma in double quotes"
            )
    return {name: [row[index] for row in rows] for index, name in enumerate(header)}


def _read_jsonl(path: Path) -> Columns:
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise DataError(f'{path}: every line must be a JSON object such as {{"image": ...}}')
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def _read_parquet(path: Path) -> Columns:
    columns: Columns = pyarrow.parquet.read_table(path).to_pydict()
    return columns


READERS: Final[dict[str, Callable[[Path], Columns]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}
"""File name ending -> reader."""
