"""Reading tables: CSV and its kin, JSON Lines, JSON and Parquet."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Final, TypeAlias

import pyarrow
import pyarrow.parquet

from speciarl_pl.data.reading.listing import require_file
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.data.reading.text_file import read_text
from speciarl_pl.errors import DataError
from speciarl_pl.system.csv_cells import original_cell
from speciarl_pl.text import tidy

Columns: TypeAlias = dict[str, list[Any]]
"""A table: column name -> values, all of one length."""

_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What may stand between cells; of those that give equally many columns, the first."""
_DECLARED = re.compile(r"\ufeff?sep=(.)\r?\n")
"""First line by which Excel is told the delimiter."""
_INSTEAD: Final = {
    ".xlsx": "save the sheet as CSV (UTF-8)",
    ".xls": "save the sheet as CSV (UTF-8)",
    ".ods": "save the sheet as CSV (UTF-8)",
    ".gz": "unpack it",
    ".zip": "unpack it",
    ".arrow": "read it with HubImages",
}


class MissingColumnError(DataError):
    """A column that is wanted is not there."""


def read_columns(
    path: Path,
    wanted: Sequence[str] | None = None,
    encoding: str | None = None,
    advice: str = "",
) -> Columns:
    """Read a table whole.

    Cells of CSV are text as written (`None`, `NA` and numbers are not interpreted), but for the `'`
    before what a spreadsheet would run, see `csv_cells`; names of columns are tidied. Commas,
    semicolons, tabs and bars between cells are told apart by the header.

    Args:
        path: The table; the file name's ending tells its format.
        wanted: Columns to read and no others; None: all.
        encoding: Encoding of a text file; None: found out, see `read_text`.
        advice: What helps where a column is not there, for the message.

    Raises:
        DataError: If it is missing, of another format or malformed, if two columns have one name,
            or if a column that is wanted is not there.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        instead = _INSTEAD.get(path.suffix.lower(), "")
        raise DataError(
            f"{path}: unknown kind of table; expected one of {', '.join(READERS)}"
            + (f": {instead}" if instead else "")
        )
    require_file(path, "a table of images and labels")
    try:
        return reader(path, wanted, encoding)
    except MissingColumnError as error:
        raise DataError(f"{error}{advice}") from None
    except (ValueError, OSError, csv.Error) as error:
        raise DataError(
            f"{path}: cannot be read as {path.suffix} ({shown(str(error), 300)})"
        ) from None


def require_columns(
    path: Path, there: Sequence[str], wanted: Sequence[str] | None, how: str = ""
) -> None:
    """Check the columns of a table.

    Args:
        path: The table.
        there: Names of its columns.
        wanted: Those that must be among them.
        how: How it was read, for the message.

    Raises:
        DataError: If two have one name, or one that is wanted is not there.
    """
    twice = [name for name, count in Counter(filter(None, there)).items() if count > 1]
    if twice:
        raise DataError(
            f"{path}: {len(twice)} names of columns occur twice, such as {shown(twice[0])}; rename"
            " or remove all but one"
        )
    for name in wanted or ():
        if name not in there:
            named = ", ".join(shown(column) for column in there[:20]) or "none"
            more = f" and {len(there) - 20} more" if len(there) > 20 else ""
            raise MissingColumnError(
                f"{path}: no column {name!r}; the columns there are: {named}{more}{how}"
            )


# ------------------------------------------------------------------------- CSV


def _read_csv(path: Path, wanted: Sequence[str] | None, encoding: str | None) -> Columns:
    text = read_text(path, encoding, option=True)
    declared = _DECLARED.match(text)
    text = text[declared.end() :] if declared else text
    tabs_first = path.suffix.lower() != ".csv"
    delimiter = declared.group(1) if declared else _delimiter(text, wanted, tabs_first)
    between = _DELIMITERS.get(delimiter, shown(delimiter))
    header = _header(text, delimiter)
    names = [tidy(cell) for cell in header]
    require_columns(path, names, wanted, f" (read with {between} between cells, the first line)")
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, **_blanks(header))
    next(reader, None)
    rows: list[list[str]] = []
    for row in filter(None, reader):
        rows.append(row)
        if len(row) != len(names):
            raise DataError(
                f"{path}: row {len(rows)} has {len(row)} cells and the header {len(names)} (line"
                f" {reader.line_num}: {shown(delimiter.join(row))}); {between} stand between cells:"
                " put a label that holds one in double quotes"
            )
    return {
        name: [original_cell(row[at]) for row in rows]
        for at, name in enumerate(names)
        if wanted is None or name in wanted
    }


def _header(text: str, delimiter: str) -> list[str]:
    return next(csv.reader(StringIO(text, newline=""), delimiter=delimiter), [])


def _blanks(header: Sequence[str]) -> dict[str, Any]:
    """Where a blank follows every delimiter of the header, one does in the rows."""
    return {"skipinitialspace": len(header) > 1 and all(cell[:1] == " " for cell in header[1:])}


def _delimiter(text: str, wanted: Sequence[str] | None, tabs_first: bool) -> str:
    order = sorted(_DELIMITERS, key=lambda one: one != "\t") if tabs_first else list(_DELIMITERS)
    headers = {one: [tidy(cell) for cell in _header(text, one)] for one in order}
    fitting = [one for one in order if wanted and set(wanted) <= set(headers[one])]
    return fitting[0] if fitting else max(order, key=lambda one: len(headers[one]))


# ------------------------------------------------------------------------ JSON


def _read_jsonl(path: Path, wanted: Sequence[str] | None, encoding: str | None) -> Columns:
    rows = []
    for number, line in enumerate(read_text(path, encoding, option=True).split("\n"), start=1):
        if line.strip():
            rows.append(_parsed(f"{path}: line {number}", line))
    return _gathered(path, rows, wanted)


def _read_json(path: Path, wanted: Sequence[str] | None, encoding: str | None) -> Columns:
    text = read_text(path, encoding, option=True)
    if text.lstrip()[:1] != "[":
        return _read_jsonl(path, wanted, encoding)
    return _gathered(path, _parsed(str(path), text), wanted)


def _parsed(where: str, text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, " if "\n" in text.strip() else ""
        raise DataError(
            f"{where}: no JSON: {error.msg} ({place}column {error.colno} of {shown(text.strip())})"
        ) from None
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(
            name for name, count in Counter(name for name, _ in pairs).items() if count > 1
        )
        raise ValueError(f"the key {shown(twice)} occurs twice in one object; keep one")
    return values


def _gathered(path: Path, rows: Sequence[Any], wanted: Sequence[str] | None) -> Columns:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(
                f"{path}: every line must be a JSON object such as"
                f' {{"image": ..., "label": ...}}; row {number} is {shown(row)}'
            )
    names = list(dict.fromkeys(name for row in rows for name in row))
    require_columns(path, names, wanted if rows else None)
    return {name: [row.get(name) for row in rows] for name in (wanted or names)}


# --------------------------------------------------------------------- Parquet


def _read_parquet(path: Path, wanted: Sequence[str] | None, _: str | None) -> Columns:
    schema = pyarrow.parquet.read_schema(path)
    require_columns(path, schema.names, wanted)
    for name in wanted or ():
        _check_text(path, name, schema.field(name).type)
    table = pyarrow.parquet.read_table(path, columns=list(wanted) if wanted else None)
    columns: Columns = table.to_pydict()
    return columns


def _check_text(path: Path, name: str, kind: pyarrow.DataType) -> None:
    """Refuse what cannot be text before gigabytes of it are read."""
    types = pyarrow.types
    binary = types.is_binary(kind) or types.is_large_binary(kind)
    if binary or types.is_nested(kind):
        raise DataError(
            f"{path}: column {name!r} holds {shown(str(kind), 80)[1:-1]}; expected text, paths of"
            f" images and labels; pictures inside a table are read by HubImages with `hub: {path}`"
        )


READERS: Final[dict[str, Callable[[Path, Sequence[str] | None, str | None], Columns]]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".tab": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".parquet": _read_parquet,
}
"""File name ending -> reader."""
