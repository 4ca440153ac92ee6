"""How the groups of a step are cut into mini-batches (one optimiser step) and micro-batches."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def mini_batches(items: Sequence[T], count: int) -> list[list[T]]:
    """Cut into exactly `count` consecutive parts whose sizes differ by at most one.

    Parts may be empty, so that every rank takes the same number of optimiser steps.

    Example:
        >>> mini_batches([1, 2, 3, 4, 5], 2)
        [[1, 2, 3], [4, 5]]
    """
    size, longer = divmod(len(items), count)
    parts, start = [], 0
    for index in range(count):
        end = start + size + (index < longer)
        parts.append(list(items[start:end]))
        start = end
    return parts


def micro_batches(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Cut into consecutive parts of at most `size`.

    Example:
        >>> list(micro_batches("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
