"""Opening an image file: upright, RGB, and never at the price of the whole run.

Example:
    >>> open_image("no_such.jpg")
    Traceback (most recent call last):
        ...
    speciarl_pl.errors.DataError: no_such.jpg: no such file; check the folder or table that lists it
"""

import os
import stat
import warnings
from pathlib import Path
from typing import IO, Final

from PIL import Image, ImageOps, UnidentifiedImageError

from speciarl_pl.data.images.declared import declared_by, deep_levels, is_deep
from speciarl_pl.data.images.grey import NOTHING, Declared, eight_bits
from speciarl_pl.data.images.kinds import HEAD, advice, content_of, help_pillow
from speciarl_pl.data.images.wide_colour import brighten, is_wide
from speciarl_pl.errors import DataError

MAX_PIXELS: Final = 50_000_000
"""Default limit: an image of more pixels is refused before it is decoded."""

PILLOW_LIMIT: Final = 2 * 89_478_485
"""Pixels above which Pillow itself refuses to open a file."""


def open_image(path: str | os.PathLike[str], max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode an image file.

    The EXIF orientation is applied, transparent parts become white, levels of more than 8 bits are
    scaled down (`data/images/grey.py` says how), and the first frame of an animation or page of a
    document is taken. Colour profiles are not applied.

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
    help_pillow()
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of large sizes; the size is our own check's business.
        warnings.simplefilter("ignore")
        try:
            with Image.open(file) as image:
                _check_size(name, image, max_pixels)
                declared, wide = declared_by(image), is_wide(image)
                image.load()
                if wide:
                    brighten(image, file, declared)
                return to_rgb(_upright(image), declared)
        except DataError:
            raise
        except Image.DecompressionBombError as error:
            raise DataError(f"{name}: {error} Shrink or remove it") from None
        except Exception as error:  # decoders raise almost anything on a damaged file
            raise DataError(
                f"{name}: not a readable image ({_reason(file, error)}); replace or remove it"
            ) from error


def to_rgb(image: Image.Image, declared: Declared = NOTHING) -> Image.Image:
    """Convert any Pillow mode to 8-bit RGB, transparency on white.

    Args:
        image: The image.
        declared: What its file says of its levels, as far as they have more than 8 bits.

    Example:
        >>> to_rgb(Image.new("RGBA", (1, 1), (255, 0, 0, 0))).getpixel((0, 0))
        (255, 255, 255)
    """
    if is_deep(image):
        levels = deep_levels(image, declared)
        return Image.fromarray(eight_bits(levels, declared)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _check_file(path: Path) -> None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise DataError(f"{path}: a link to what is not there; mend or remove it") from None
        message = f"{path}: no such file; check the folder or table that lists it"
        raise DataError(message) from None
    except (OSError, ValueError) as error:  # no permission, a name that is too long or holds NUL
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be opened ({reason})") from None
    if not stat.S_ISREG(found.st_mode):
        raise DataError(f"{path}: not a file; an image file was expected")
    if found.st_size == 0:
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


def _reason(file: str | os.PathLike[str] | IO[bytes], error: Exception) -> str:
    """Why an image cannot be decoded, by its content where that says more."""
    content = content_of(_head(file))
    if known := advice(content):
        return known
    if isinstance(error, UnidentifiedImageError):
        return f"a {content} that Pillow cannot read" if content else "of no kind that is known"
    return str(error) or type(error).__name__


def _head(file: str | os.PathLike[str] | IO[bytes]) -> bytes:
    try:
        if isinstance(file, str | os.PathLike):
            with open(file, "rb") as opened:
                return opened.read(HEAD)
        file.seek(0)
        return file.read(HEAD)
    except (OSError, ValueError):  # a closed file
        return b""
