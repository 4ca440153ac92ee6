"""Grey levels of more than 8 bits as 8 bits.

White is what the file declares, as far as the levels keep to it. Where a file declares nothing, it
is the largest number of the fewest bits that hold the brightest level: of 8, 10, 12, 14 and 16
bits, as cameras and scanners use them, and of any number of bits above 16. So 12 bits kept in 16
look as the same picture in 8; an image whose brightest level is above a quarter of 16 bits keeps
its darkness; and no image becomes brighter than its file can mean.

Floating point is white at 1 if nothing is brighter; whole numbers count as integers; others are
white at their brightest level, from 128 on at that of as many bits. Black is 0, or the lowest
level below it.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Levels: TypeAlias = NDArray[Any]
"""[height, width], integers or floating point."""

_DEPTHS: Final = (8, 10, 12, 14, 16)
"""Bits a level that are in use up to 16."""

_QUARTER: Final = 1 << 14
"""Below this fewer than 16 bits are enough."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file says of its levels."""

    black: float | None = None
    """Level of black; None if it does not say."""
    whites: tuple[float, ...] = ()
    """Levels that may be white, the likeliest first: it is the first that no level exceeds."""
    inverted: bool = False
    """Whether black and white change places."""
    clear: int | None = None
    """Level that is transparent; None if there is none."""
    unsigned: bool = False
    """Whether integers of 32 bits have no sign, which Pillow's always have."""


NOTHING: Final = Declared()
"""What a file says that says nothing."""


def eight_bits(levels: Levels, declared: Declared = NOTHING) -> NDArray[np.uint8]:
    """Scale levels to 0 (black) up to 255 (white); what is transparent becomes white.

    Args:
        levels: As stored. NaN is taken for black, infinity for the end of the range.
        declared: What the file says of them.

    Raises:
        ValueError: If no level is a finite number.

    Example:
        >>> twelve_bits = np.array([[0, 2056, 4095]], np.uint16)
        >>> eight_bits(twelve_bits).tolist()
        [[0, 128, 255]]
        >>> eight_bits(twelve_bits, Declared(whites=(65535,))).tolist()
        [[0, 8, 16]]
    """
    if levels.size == 0:
        return levels.astype(np.uint8)
    grey = _scaled(levels, *_ends(levels, declared))
    if declared.inverted:
        grey = 255 - grey
    if declared.clear is not None:
        grey[levels == declared.clear] = 255
    return grey


def _scaled(levels: Levels, black: float, white: float) -> NDArray[np.uint8]:
    if white <= black:  # nothing but one level, below 0 or 0 itself
        return np.zeros(levels.shape, np.uint8)
    # Exact enough for 16 bits, and half the memory.
    exact: NDArray[np.floating] = levels.astype(
        np.float32 if levels.dtype.itemsize == 2 else np.float64
    )
    exact -= black
    exact *= 255 / (white - black)
    scaled: NDArray[np.uint8] = np.nan_to_num(exact.clip(0, 255)).round().astype(np.uint8)
    return scaled


def _ends(levels: Levels, declared: Declared) -> tuple[float, float]:
    """Levels of black and white."""
    finite = levels if levels.dtype.kind in "iu" else levels[np.isfinite(levels)]
    if finite.size == 0:
        raise ValueError("no level is a finite number")
    low, top = float(finite.min()), float(finite.max())
    black = declared.black if declared.black is not None and declared.black <= low else min(0, low)
    white = next((white for white in declared.whites if white >= top), None)
    return black, _white(finite, top) if white is None else white


def _white(levels: Levels, top: float) -> float:
    if top <= 0:
        return top
    if levels.dtype.kind == "f" and not (top > 1 and bool((levels == np.rint(levels)).all())):
        return max(top, 1) if top < 128 else whole_white(top)
    if 255 < top < _QUARTER and _is_scaled_up(levels):
        return 65535  # 8 bits that were scaled up to 16: a dark picture, not one of fewer bits
    return whole_white(top)


def _is_scaled_up(levels: Levels) -> bool:
    first = levels.ravel()[:4096]  # which nearly always is enough to say no
    return not (first % 257).any() and not (levels % 257).any()


def whole_white(top: float) -> float:
    """Give the largest number of the fewest bits that hold a level.

    Example:
        >>> [whole_white(top) for top in (200, 900, 3000, 16384, 100_000)]
        [255, 1023, 4095, 65535, 131071]
    """
    needed = int(np.ceil(top)).bit_length()
    bits = next((depth for depth in _DEPTHS if depth >= needed), needed)
    return (1 << bits) - 1
