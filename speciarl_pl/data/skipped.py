"""The list of samples that could not be read."""

from collections.abc import Iterable, Sequence
from typing import Final

from speciarl_pl.records import SkippedSample

NAMED: Final = 50
"""How many a summary names."""


def add_skipped(known: list[SkippedSample], new: Iterable[SkippedSample]) -> None:
    """Append what is not in `known` yet; a sample is told by its data set and id."""
    seen = {(skipped.dataset, skipped.id) for skipped in known}
    for skipped in new:
        if (skipped.dataset, skipped.id) not in seen:
            seen.add((skipped.dataset, skipped.id))
            known.append(skipped)


def summarise(skipped: Sequence[SkippedSample], named: int = NAMED) -> str:
    """Count and name skipped samples.

    Args:
        skipped: The samples.
        named: Name at most this many.

    Returns:
        Several lines of text; empty if there are none.

    Example:
        >>> print(summarise([SkippedSample("a.jpg", "pets", "a.jpg: an empty file")]))
        1 sample(s) could not be read and were skipped:
          pets: a.jpg: an empty file
    """
    if not skipped:
        return ""
    lines = [f"{len(skipped)} sample(s) could not be read and were skipped:"]
    lines += [f"  {one.dataset}: {one.reason}" for one in skipped[:named]]
    if len(skipped) > named:
        lines.append(f"  and {len(skipped) - named} more")
    return "\n".join(lines)
