"""Lists that say which image is in which split, such as CoOp's.

Two forms are read: a table (CSV, JSON Lines, Parquet) with the columns split and filename, and
CoOp's own `split_zhou_*.json`, {"train": [[path, class number, class name], ...], "val": ...,
"test": ...}.
"""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from speciarl_pl.data.reading.listing import require_file
from speciarl_pl.data.reading.lists import require_unique
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.data.reading.tables import read_columns
from speciarl_pl.errors import DataError
from speciarl_pl.system.csv_cells import safe_cell
from speciarl_pl.system.files import replacing

SPLITS: Final = ("train", "val", "test")
"""Names of splits in such a list."""

_EXPECTED: Final = "a CSV with the columns split and filename, or CoOp's split_zhou_*.json"


def read_split(path: str | Path) -> dict[str, str]:
    """Read a list of splits.

    Returns:
        File as written -> `train`, `val` or `test`, in the order of the list.

    Raises:
        DataError: If it is missing, malformed or empty, names a file twice or another split.
    """
    file = require_file(path, _EXPECTED)
    if file.suffix.lower() == ".json":
        return parse_coop(file.read_bytes(), file)
    return _checked(file, _read_table(file))


def parse_coop(content: bytes, name: str | Path) -> dict[str, str]:
    """Read CoOp's JSON.

    Args:
        content: The JSON, UTF-8.
        name: Where it comes from, for errors.

    Returns:
        As `read_split`.

    Raises:
        DataError: As `read_split`.

    Example:
        >>> parse_coop(b'{"train": [["a.jpg", 0, "cat"]], "test": [["b.jpg", 0, "cat"]]}', "s.json")
        {'a.jpg': 'train', 'b.jpg': 'test'}
    """
    try:
        lists = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: not readable JSON ({error}); expected {_EXPECTED}") from None
    if not isinstance(lists, dict) or not set(lists) >= {"train", "test"}:
        raise DataError(f'{name}: no "train" and "test" in it; expected {_EXPECTED}')
    if not all(isinstance(rows, list) for rows in lists.values()):
        raise DataError(f"{name}: a split of it is no list; expected {_EXPECTED}")
    return _checked(
        name, [(_file(name, entry), split) for split, rows in lists.items() for entry in rows]
    )


def write_split(path: Path, splits: dict[str, str]) -> None:
    """Write a list of splits as CSV with the columns split and filename, whole or not at all.

    Raises:
        RunError: If the file cannot be written.
    """
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["split", "filename"])
        writer.writerows([split, safe_cell(name)] for name, split in splits.items())


def count_splits(splits: dict[str, str]) -> dict[str, int]:
    """Count the images of each split.

    Example:
        >>> count_splits({"a.jpg": "train", "b.jpg": "test", "c.jpg": "test"})
        {'train': 1, 'val': 0, 'test': 2}
    """
    counts = Counter(splits.values())
    return {split: counts[split] for split in SPLITS}


def _read_table(path: Path) -> list[tuple[str, str]]:
    columns = read_columns(path, ["filename", "split"])
    return list(zip(columns["filename"], columns["split"], strict=True))


def _checked(name: str | Path, rows: list[tuple[str, str]]) -> dict[str, str]:
    if not rows:
        raise DataError(f"{name}: lists no images; expected {_EXPECTED}")
    others = sorted({split for _, split in rows} - set(SPLITS))
    if others:
        raise DataError(f"{name}: split {shown(others[0])}; expected one of {', '.join(SPLITS)}")
    require_unique(name, (file for file, _ in rows))
    return dict(rows)


def _file(name: str | Path, entry: Any) -> str:
    if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[0], str):
        raise DataError(f"{name}: entry {shown(entry)}; expected [path, class number, class name]")
    return entry[0]
