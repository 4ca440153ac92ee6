"""What an image file says of the range of its grey levels."""

import struct
from typing import IO, Any, Final

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from speciarl_pl.data.images.grey import NOTHING, Declared, Levels, whole_white

_BITS: Final = 258
_PHOTOMETRIC: Final = 262
_MINIMA: Final = (340, 280)
"""Tags SMinSampleValue and MinSampleValue."""
_MAXIMA: Final = (341, 281)
"""Tags SMaxSampleValue and MaxSampleValue."""
_FORMAT: Final = 339
_UNSIGNED: Final = 1
_PNG_START: Final = 8
"""Bytes before the first chunk."""


def is_deep(image: Image.Image) -> bool:
    """Whether an image has grey levels of more than 8 bits.

    Example:
        >>> is_deep(Image.new("I;16", (1, 1))), is_deep(Image.new("L", (1, 1)))
        (True, False)
    """
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def deep_levels(image: Image.Image, declared: Declared) -> Levels:
    """Give the levels of an image as its file means them."""
    levels = np.asarray(image)
    return levels.view(np.uint32) if image.mode == "I" and declared.unsigned else levels


def declared_by(image: Image.Image) -> Declared:
    """Read what an open file declares, before it is decoded.

    - TIFF: 12 bits a sample; SMinSampleValue and SMaxSampleValue, or MinSampleValue and
      MaxSampleValue, of which programs make the range as well as the extremes: integers go up to
      the bits that hold the maximum; WhiteIsZero.
    - PNG: sBIT, whose bits may have been scaled up to 16, as the standard wants it, or not.
    - PGM and JPEG 2000: Pillow scales what they declare up to 16 bits.

    Args:
        image: As `Image.open` gives it.
    """
    if isinstance(image, TiffImageFile):
        return _of_tiff(image)
    if isinstance(image, PngImageFile) and image.fp is not None:
        clear = image.info.get("transparency")
        bits = _significant_bits(image.fp)
        whites = () if bits is None else (float((1 << bits) - 1), 65535.0)
        return Declared(whites=whites, clear=clear if isinstance(clear, int) else None)
    if (image.format == "PPM" and image.mode == "I") or image.format == "JPEG2000":
        return Declared(whites=(65535,))
    return NOTHING


def _of_tiff(image: TiffImageFile) -> Declared:
    tags: Any = image.tag_v2
    low, high = _first(tags, _MINIMA), _first(tags, _MAXIMA)
    bits, integers = _first(tags, (_BITS,)) or 1, image.mode != "F"
    if integers:
        low = low if low is not None and low < 0 else None  # above 0 it is the darkest level's
        high = high and whole_white(high)
        high = high or ((1 << int(bits)) - 1 if bits < 16 else None)
    return Declared(
        black=low,
        whites=(high,) if high and high > (low or 0) else (),
        inverted=tags.get(_PHOTOMETRIC) == 0,
        unsigned=bits == 32 and (_first(tags, (_FORMAT,)) or _UNSIGNED) == _UNSIGNED,
    )


def _first(tags: Any, names: tuple[int, ...]) -> float | None:
    """The first number that one of some tags holds."""
    for name in names:
        value = tags.get(name)
        value = value[0] if isinstance(value, tuple) and value else value
        if isinstance(value, int | float) and np.isfinite(value):
            return float(value)
    return None


def _significant_bits(file: IO[bytes]) -> int | None:
    """Bits of a level in the chunk sBIT of a PNG, which is left where it was; None without one."""
    place = file.tell()
    try:
        file.seek(_PNG_START)
        while len(chunk := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", chunk)
            if kind == b"sBIT" and length:
                bits = file.read(1)[0]
                return bits if 0 < bits <= 16 else None
            if kind == b"IDAT":
                return None
            file.seek(length + 4, 1)  # the checksum, too
        return None
    finally:
        file.seek(place)
