"""Notices when an engine's memory creeps up over many pushes."""

import warnings
from typing import Final

_SETTLED_AFTER: Final = 5
"""Pushes after which an engine has allocated what it keeps."""

_LEAST_BYTES: Final = 2**30
"""Growth that is never warned about: an allocator's, and that of an update in the same process."""


class MemoryGuard:
    """Warns when memory grows beyond what it was after the fifth push.

    Args:
        growth: Share of growth that is warned about, if it is more than 1 GiB; once more after each
            further such growth.
    """

    def __init__(self, growth: float = 0.1) -> None:
        if not growth > 0:
            raise ValueError(f"memory_growth: expected a share > 0, got {growth}")
        self._growth = growth
        self._pushes: dict[str, int] = {}
        self._settled: dict[str, int] = {}

    def record(self, source: str, memory_bytes: int) -> None:
        """Note the memory of a replica after a push."""
        pushes = self._pushes[source] = self._pushes.get(source, 0) + 1
        if pushes < _SETTLED_AFTER:
            return
        settled = self._settled.setdefault(source, memory_bytes)
        if memory_bytes > settled + max(settled * self._growth, _LEAST_BYTES):
            warnings.warn(
                f"{source}: memory grew from {settled / 2**30:.2f} GiB to "
                f"{memory_bytes / 2**30:.2f} GiB by push {pushes}; if it goes on, restart the run "
                "from its last checkpoint",
                stacklevel=2,
            )
            self._settled[source] = memory_bytes
