"""Cells of a column of labels: the same rule for CSV, JSON, Parquet and data sets of a hub."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from speciarl_pl.data.reading.shown import row_names, shown
from speciarl_pl.errors import DataError
from speciarl_pl.text import tidy

_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")


def label_cells(
    cells: Sequence[Any], path: object, column: str, meant: bool, first: int = 1
) -> list[str]:
    """Give the labels in a column, each of which must hold a name, tidied.

    A cell is empty if it is null, not a number or blank text. A number is no name, whether the
    file writes it as text (CSV knows nothing else) or as a number: unless `meant`.

    Args:
        cells: The column.
        path: What to call the table in an error.
        column: Name of the column, for an error.
        meant: Whether a label style or a mapping was asked for, so that numbers are meant.
        first: Number of the first row.

    Raises:
        DataError: Naming the rows and the first of their cells.

    Example:
        >>> label_cells(["Samoyed", " Maine&nbsp;Coon"], "t.csv", "label", meant=False)
        ['Samoyed', 'Maine Coon']
        >>> label_cells([7, "8", 9.0], "t.csv", "label", meant=True)
        ['7', '8', '9']
    """

    def refuse(which: Callable[[Any], bool], what: str) -> None:
        found = [at for at, cell in enumerate(cells, start=first) if which(cell)]
        if found:
            has = "has" if len(found) == 1 else "have"
            cell = shown(cells[found[0] - first])
            said = what.format(cell=cell, column=repr(column))
            raise DataError(f"{path}: {row_names(found)} {has} {said}")

    refuse(_is_empty, "an empty {column} ({cell}); fill it in or remove the row")
    refuse(_is_no_text, "{cell} in {column}; expected text")
    if not meant:
        refuse(
            _is_number,
            "{cell} in {column}, a number; expected text, a name: say what the numbers stand for"
            " with `label_map: FILE` (id,name), or with `label_style: raw` that the number itself"
            " is the name",
        )
    return [tidy(cell if isinstance(cell, str) else _digits(cell)) for cell in cells]


def _is_empty(cell: Any) -> bool:
    if isinstance(cell, float):
        return math.isnan(cell)
    return cell is None or (isinstance(cell, str) and not tidy(cell))


def _is_no_text(cell: Any) -> bool:
    number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return not isinstance(cell, str) and not number


def _is_number(cell: Any) -> bool:
    return not isinstance(cell, str) or _NUMBER.fullmatch(tidy(cell)) is not None


def _digits(number: float) -> str:
    """Digits of a number; a column of whole numbers with holes is read as 7.0."""
    return str(int(number)) if math.isfinite(number) and number == int(number) else str(number)
