"""Values of a table in a message: cut, and a picture never as its bytes."""

from collections.abc import Sequence
from typing import Any, Final

_LONGEST: Final = 60
"""Characters of a value that a message shows."""
_NAMED: Final = 3


def shown(value: Any, longest: int = _LONGEST) -> str:
    """Give a value as a message shows it, in one line.

    Example:
        >>> shown("Maine Coon"), shown(7), shown("x" * 100, 10)
        ("'Maine Coon'", '7', "'xxxxxxxx...")
        >>> shown(bytes(1_200_000)), shown({"bytes": bytes(9), "path": None})
        ('1,200,000 bytes', '{bytes: 9 bytes, path: None}')
        >>> shown([bytes(5)])
        '[5 bytes]'
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value):,} bytes"
    if isinstance(value, dict):
        parts = [f"{key}: {shown(one)}" for key, one in list(value.items())[:_NAMED]]
        return _cut("{" + ", ".join(parts) + (", ..." if len(value) > _NAMED else "") + "}", 200)
    if isinstance(value, list | tuple):
        parts = [shown(one) for one in value[:_NAMED]]
        return _cut("[" + ", ".join(parts) + (", ..." if len(value) > _NAMED else "") + "]", 200)
    # A text of megabytes is cut before it is quoted.
    return _cut(repr(value[: longest + 1] if isinstance(value, str) else value), longest)


def row_names(numbers: Sequence[int]) -> str:
    """Name the first few rows.

    Example:
        >>> row_names([3]), row_names([1, 4, 5, 9])
        ('row 3', 'rows 1, 4, 5 and 1 more')
    """
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    more = len(numbers) - _NAMED
    named = ", ".join(map(str, numbers[:_NAMED]))
    return f"rows {named}" + (f" and {more:,} more" if more > 0 else "")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest + 2 else f"{text[: longest - 1]}..."
