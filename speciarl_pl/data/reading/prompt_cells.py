"""Cells of a column of questions: the same rule for CSV, JSON, Parquet and data sets of a hub."""

import math
from collections.abc import Sequence
from typing import Any

from speciarl_pl.data.reading.shown import shown
from speciarl_pl.errors import DataError


def prompt_cells(cells: Sequence[Any], path: object, column: str, first: int = 1) -> list[str]:
    """Give the questions in a column, without blank space around them.

    Args:
        cells: The column.
        path: What to call the table in an error.
        column: Name of the column, for an error.
        first: Number of the first row.

    Returns:
        One a row; empty where the cell is (null, not a number, blank text), which is then asked the
        question of the data module.

    Raises:
        DataError: Naming the first row that holds no text.

    Example:
        >>> prompt_cells([" What is it? ", None, " "], "t.csv", "question")
        ['What is it?', '', '']
        >>> prompt_cells(["What is it?", 7], "t.csv", "question")
        Traceback (most recent call last):
            ...
        speciarl_pl.errors.DataError: t.csv: row 2 has 7 in 'question'; expected a question, as \
text, or an empty cell for that of data.prompt
    """
    for number, cell in enumerate(cells, start=first):
        if not (isinstance(cell, str) or _is_empty(cell)):
            raise DataError(
                f"{path}: row {number} has {shown(cell)} in {column!r}; expected a question, as"
                " text, or an empty cell for that of data.prompt"
            )
    return [cell.strip() if isinstance(cell, str) else "" for cell in cells]


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
