"""Opening an image file: upright, RGB, and never at the price of the whole run.

Example:
    >>> open_image("no_such.jpg")
    Traceback (most recent call last):
        ...
    speciarl_pl.errors.DataError: no_such.jpg: no such file; check the folder or table that lists it
"""

import os
import warnings
from pathlib import Path
from typing import IO, Final

import numpy as np
from PIL import Image, ImageOps

from speciarl_pl.errors import DataError

MAX_PIXELS: Final = 50_000_000
"""Default limit: an image of more pixels is refused before it is decoded."""

PILLOW_LIMIT: Final = 2 * 89_478_485
"""Pixels above which Pillow itself refuses to open a file."""

EXTENSIONS: Final = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
"""Lower-case file name endings that a folder listing takes for images."""


def open_image(path: str | os.PathLike[str], max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode an image file.

    The EXIF orientation is applied, transparent parts become white, grey levels of more than 8
    bits are scaled down, and the first frame of an animation is taken.

    Args:
        path: The file.
        max_pixels: Width times height above which the file is refused before decoding.

    Returns:
        An RGB image, upright, fully in memory.

    Raises:
        DataError: If the file is missing, empty, truncated, too large or not an image.
    """
    _check_file(Path(path))
    return decode_image(path, path, max_pixels)


def decode_image(
    file: str | os.PathLike[str] | IO[bytes],
    name: str | os.PathLike[str],
    max_pixels: int = MAX_PIXELS,
) -> Image.Image:
    """Decode an image that need not lie in a file of its own; else as `open_image`.

    Args:
        file: A path, or an open binary file.
        name: What to call it in an error.
        max_pixels: As in `open_image`.
    """
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of large sizes; the size is our own check's business.
        warnings.simplefilter("ignore")
        try:
            with Image.open(file) as image:
                _check_size(name, image, max_pixels)
                image.load()
                return to_rgb(_upright(image))
        except DataError:
            raise
        except Image.DecompressionBombError as error:
            raise DataError(f"{name}: {error} Shrink or remove it") from None
        except Exception as error:  # decoders raise almost anything on a damaged file
            raise DataError(
                f"{name}: not a readable image ({error}); replace or remove it"
            ) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert any Pillow mode to 8-bit RGB, transparency on white.

    Example:
        >>> to_rgb(Image.new("RGBA", (1, 1), (255, 0, 0, 0))).getpixel((0, 0))
        (255, 255, 255)
    """
    if image.mode == "I" or image.mode == "F" or image.mode.startswith("I;16"):
        return _eight_bits(image).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _check_file(path: Path) -> None:
    if not path.exists():
        raise DataError(f"{path}: no such file; check the folder or table that lists it")
    if not path.is_file():
        raise DataError(f"{path}: not a file; an image file was expected")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: an empty file (0 bytes); replace or remove it")


def _check_size(path: str | os.PathLike[str], image: Image.Image, max_pixels: int) -> None:
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise DataError(
            f"{path}: {image.width} x {image.height} = {pixels:,} pixels, more than"
            f" max_image_pixels = {max_pixels:,}; shrink the file or raise the limit"
        )


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged metadata is no reason to lose the picture
        return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey levels of 16 bits, 32 bits or floating point, as 8 bits."""
    levels = np.asarray(image, dtype=np.float64)
    top = float(levels.max(initial=0.0))
    if top > 255:
        levels = levels / 257  # 65535 / 255
    elif image.mode == "F" and top <= 1:
        levels = levels * 255
    return Image.fromarray(levels.clip(0, 255).round().astype(np.uint8))
