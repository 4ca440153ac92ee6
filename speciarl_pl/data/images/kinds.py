r"""What a file is, by its name and by its first bytes.

Example:
    >>> content_of(b"\xff\xd8\xff\xe0"), content_of(b"<!DOCTYPE html>"), content_of(b"hello")
    ('JPEG', 'HTML page', None)
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from PIL import Image

HEAD: Final = 512
"""Bytes that tell what a file is."""

PACKAGES: Final = {
    "HEIC": ("pillow_heif", "pillow-heif"),
    "JPEG XL": ("pillow_jxl", "pillow-jxl-plugin"),
}
"""Image format that Pillow needs help with -> module, and the package to install."""

_HELPED: Final = {
    **dict.fromkeys((".heic", ".heics", ".heif", ".heifs", ".hif"), "HEIC"),
    ".jxl": "JPEG XL",
}
"""Ending that is listed whether or not Pillow can read it here -> image format."""

_NO_PHOTOS: Final = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "PDF", "WMF"})
"""Formats that Pillow registers and does not decode, or not by itself."""

_RAW: Final = re.compile(
    r"\.(3fr|arw|cr[23]|dng|erf|kdc|mef|mos|mrw|nef|nrw|orf|pef|raf|raw|rw2|sr2|srw|x3f)"
)
"""Endings of what cameras write; most begin as a TIFF that holds a small preview."""

_IMAGES: Final = (
    ("JPEG", rb"\xff\xd8\xff"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("GIF", rb"GIF8[79]a"),
    ("WebP", rb"RIFF.{4}WEBP"),
    ("BMP", rb"BM.{4}\0{4}"),
    ("TIFF", rb"II[*+]\0|MM\0[*+]"),
    ("JPEG 2000", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL "),
    ("AVIF", rb".{4}ftyp(avi[fs]|(mif1|msf1).{4,40}avi[fs])"),
    ("HEIC", rb".{4}ftyp(hei[cfmsx]|hev[cmsx]|mif[12]|msf1)"),
    ("PNM", rb"P[1-6]\s\s*(#[^\n]*\n\s*)*\d+\s|P[Ff]\s+\d+\s"),
    ("PSD", rb"8BPS\0[\x01\x02]"),
    ("QOI", rb"qoif"),
    ("DDS", rb"DDS \x7c\0\0\0"),
    ("ICO", rb"\0\0\x01\0[^\0]\0"),
)
"""Format -> how its files begin."""

_OTHERS: Final = (
    ("SVG drawing", rb"\s*(<\?xml.*|<!DOCTYPE svg.*)?<svg[\s>]"),
    ("HTML page", rb"(?i)\s*(<!--.*-->\s*)?<(!doctype html|html|head|body)"),
    ("PDF", rb"%PDF-"),
    ("PostScript", rb"%!PS"),
    ("video", rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI |\0\0\x01[\xb3\xba]"),
    ("archive", rb"PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf|BZh|\xfd7zXZ"),
    ("AppleDouble file", rb"\0\x05\x16[\0\x07]"),
    ("Git LFS pointer", rb"version https://git-lfs"),
)
"""What is often found among images, or under their endings."""

_NAMES: Final = frozenset(name for name, _ in _IMAGES)


@cache
def image_endings() -> frozenset[str]:
    """Lower-case endings that are taken for images without a look inside."""
    help_pillow()
    Image.init()
    known = Image.registered_extensions().items()
    readable = {ending for ending, name in known if name in Image.OPEN and name not in _NO_PHOTOS}
    return frozenset({*readable, *_HELPED})


@cache
def help_pillow() -> None:
    """Let Pillow read what installed packages add to it."""
    if find_spec("pillow_heif"):
        import_module("pillow_heif").register_heif_opener()
    if find_spec("pillow_jxl"):
        import_module("pillow_jxl")  # registers itself


def content_of(head: bytes) -> str | None:
    """Name what begins like this; None if it is not known.

    Args:
        head: First `HEAD` bytes of a file.
    """
    return next((name for name, begins in _patterns() if begins(head)), None)


def left_out_as(path: str | os.PathLike[str]) -> str | None:
    """Say why a file is not listed among images; None if it is.

    A file whose ending is an image's is not opened: what else it may be is found out when it is
    decoded. One with another ending, or none, is an image if it begins as one.

    Example:
        >>> left_out_as("not/there/a.JPG") is None, left_out_as("a.nef")
        (True, 'camera raw')
    """
    ending = os.path.splitext(path)[1].lower()
    if ending in image_endings():
        return None
    if _RAW.fullmatch(ending):
        return "camera raw"
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for its writer
            return "no file"
        with open(path, "rb") as file:
            content = content_of(file.read(HEAD))
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    return None if content in _NAMES else content or "no image"


def packages_needed(paths: Iterable[str]) -> list[str]:
    """Say which packages have to be installed to read all images, as far as their endings tell.

    Example:
        >>> packages_needed(["a.jpg", "b.png"])
        []
    """
    endings = Counter(os.path.splitext(path)[1].lower() for path in paths)
    formats: Counter[str] = Counter()
    for ending, name in _HELPED.items():
        formats[name] += endings[ending]
    needed = ((count, advice(name)) for name, count in formats.items() if count)
    return [f"{count:,} image(s): {what}" for count, what in needed if what]


def advice(content: str | None) -> str:
    """Say what helps against an unreadable file of some content; empty if nothing is known of it.

    Example:
        >>> advice("PDF")
        'PDF by its content'
    """
    if content not in PACKAGES:
        return f"{content} by its content" if content and content not in _NAMES else ""
    module, package = PACKAGES[content]
    if find_spec(module):
        return ""
    return f"{content}, which needs a package: pip install {package}"


@cache
def _patterns() -> tuple[tuple[str, Callable[[bytes], object]], ...]:
    return tuple((name, re.compile(begins, re.DOTALL).match) for name, begins in _IMAGES + _OTHERS)
