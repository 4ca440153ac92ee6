"""The files of a folder that are not taken for images of it: counted and named, by the reason."""

from collections import Counter, defaultdict
from typing import Final

from speciarl_pl.system.file_names import printable

HIDDEN: Final = "hidden or of the system"
"""Reason of files and folders that a person does not see."""

_NAMED: Final = 3
"""How many are named of each reason."""


class LeftOut:
    """What a listing left out.

    Example:
        >>> left_out = LeftOut()
        >>> for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        ...     left_out.add("no image", name)
        >>> left_out.add("PDF", "e.pdf")
        >>> str(left_out)
        'left out 5: 4 no image (a.txt, b.txt, c.txt, ...); 1 PDF (e.pdf)'
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._names: dict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, name: str) -> None:
        """Count a file or folder, and keep the name of the first few.

        Args:
            reason: Why it is left out, which stands behind the number of all such files.
            name: As a user knows it.
        """
        self._counts[reason] += 1
        if len(self._names[reason]) < _NAMED:
            self._names[reason].append(printable(name))

    def __bool__(self) -> bool:
        return bool(self._counts)

    def __str__(self) -> str:
        if not self:
            return ""
        parts = (self._part(reason, count) for reason, count in self._counts.most_common())
        return f"left out {self._counts.total():,}: {'; '.join(parts)}"

    def _part(self, reason: str, count: int) -> str:
        names = self._names[reason]
        more = ", ..." if count > len(names) else ""
        return f"{count:,} {reason} ({', '.join(names)}{more})"
