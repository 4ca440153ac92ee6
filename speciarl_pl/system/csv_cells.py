r"""Text in a CSV file: never a formula for the spreadsheet that opens it, and read back as it was.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@`, quoted or not, and drops a tab or a
line break that stands before it. An answer of a model or the name of a file may begin so. Such a
cell is written behind a `'`, as spreadsheets do themselves to show it as text.

Example:
    >>> safe_cell("=1+1"), original_cell("'=1+1"), safe_cell("'round the clock")
    ("'=1+1", '=1+1', "'round the clock")
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

_STARTS: Final = "=+\\-@\t\r\n＝＋－＠"  # noqa: RUF001  (the wide ones of East Asian spreadsheets)

_RUNS: Final = re.compile(rf"'*[{_STARTS}]")
"""What is written behind a further `'`: also what looks as if it had been, so that one way back
leads to the original."""

_ESCAPED: Final = re.compile(rf"'+[{_STARTS}]")


def safe_cell(text: str) -> str:
    r"""Write text so that no spreadsheet runs it.

    Example:
        >>> safe_cell("@home"), safe_cell("'@home"), safe_cell("at home")
        ("'@home", "''@home", 'at home')
    """
    return f"'{text}" if _RUNS.match(text) else text


def original_cell(cell: str) -> str:
    r"""Give the text that `safe_cell` was given.

    Example:
        >>> original_cell("'@home"), original_cell("''@home"), original_cell("'home'")
        ('@home', "'@home", "'home'")
    """
    return cell[1:] if _ESCAPED.match(cell) else cell


def safe_cells(cells: Iterable[Any]) -> Iterator[Any]:
    """Make the texts among the cells of a row safe; numbers stay, negative ones too.

    Example:
        >>> list(safe_cells(["-1", -1, None]))
        ["'-1", -1, None]
    """
    for cell in cells:
        yield safe_cell(cell) if isinstance(cell, str) else cell


def escaped(cells: Iterable[Any]) -> int:
    """Count the cells that `safe_cells` changes."""
    return sum(isinstance(cell, str) and _RUNS.match(cell) is not None for cell in cells)
