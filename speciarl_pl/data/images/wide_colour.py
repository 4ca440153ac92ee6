"""Colours of 16 bits of which a file uses fewer.

Pillow keeps the upper 8 bits of each level, so that of 12 bits kept in 16 it leaves 16 levels that
are nearly black. Such a file is decoded once more for the lower ones.
"""

import os
import sys
from typing import IO, Any, Final

import numpy as np
from PIL import Image

from speciarl_pl.data.images.grey import Declared, Levels, eight_bits

_OTHER_ORDER: Final = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
"""Order of bytes by which Pillow takes the upper half of a level -> that by which the lower."""

_COLOURS: Final = frozenset(f"{mode};16{order}" for mode in ("RGB", "RGBA") for order in "BLN")
_GREY_ALPHA: Final = "LA;16B"

_DARK: Final = 64
"""Upper half of a level from which on all 16 bits are in use; see `data/images/grey.py`."""


def is_wide(image: Image.Image) -> bool:
    """Whether an open file, not yet decoded, holds colours or transparent grey of 16 bits."""
    tiles = getattr(image, "tile", ())
    return bool(tiles) and all(_form(tile.args) in {*_COLOURS, _GREY_ALPHA} for tile in tiles)


def brighten(image: Image.Image, file: str | os.PathLike[str] | IO[bytes], said: Declared) -> None:
    """Scale the levels of a decoded image by the bits that they use, if it is dark.

    Args:
        image: RGB or RGBA, as Pillow decodes it; changed in place.
        file: Where it is from.
        said: What the file says of its levels.
    """
    upper = np.asarray(image)
    if upper[..., :3].max(initial=0) >= _DARK:
        return
    levels = (upper.astype(np.uint16) << 8) | _lower(file)
    parts = [eight_bits(levels[..., :3], said)]
    if levels.shape[-1] == 4:
        parts.append(eight_bits(levels[..., 3:]))
    image.paste(Image.fromarray(np.concatenate(parts, axis=-1)))


def _lower(file: str | os.PathLike[str] | IO[bytes]) -> Levels:
    """The lower 8 bits of all levels."""
    if not isinstance(file, str | os.PathLike):
        file.seek(0)
    with Image.open(file) as image:
        opened: Any = image
        grey = _form(opened.tile[0].args) == _GREY_ALPHA
        opened.tile = [tile._replace(args=_other(tile.args)) for tile in opened.tile]
        image.load()
        levels = np.asarray(image)
        # Pillow has no lower half of grey and alpha: all four bytes are read as they lie.
        return levels[..., [1, 1, 1, 3]] if grey else levels


def _form(args: Any) -> str:
    """How the levels of a tile lie in its file."""
    return str(args[0] if isinstance(args, tuple) else args)


def _other(args: Any) -> Any:
    form = _form(args)
    other = "RGBA" if form == _GREY_ALPHA else form[:-1] + _OTHER_ORDER[form[-1]]
    return (other, *args[1:]) if isinstance(args, tuple) else other
