"""A folder of odd images, and what each of them is.

The reference is the picture that a file was made from, scaled and coloured here by hand: nothing of
it comes from the package.
"""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

RAMP = np.linspace(0, 255, 96).round().astype(np.uint8).reshape(8, 12)
"""A grey picture from black to white."""
DARK = RAMP // 4
"""The same at a quarter of the light."""
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=-1)
"""A colour picture."""
ALPHA = np.where(np.arange(96).reshape(8, 12) % 2, 255, 0).astype(np.uint8)
"""Every other pixel is transparent."""


def grey(levels):
    return np.repeat(np.asarray(levels)[..., None], 3, axis=-1)


def bits(picture, depth):
    """A picture of 8 bits with more bits a level."""
    return (picture * (((1 << depth) - 1) / 255)).round()


def wide(path, levels, kind, *more):
    """A PNG of 16 bits: `kind` 2 is RGB, 4 grey and alpha, 6 RGB and alpha."""
    height, width = levels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    end = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + end)


def wide_tiff(path, levels, order, deflated=False):
    """RGB of 16 bits."""
    height, width, bands = levels.shape
    data = levels.astype(order + "u2").tobytes()
    data = zlib.compress(data).ljust(800, b"\0") if deflated else data
    tags = [(256, width), (257, height), (259, 8 if deflated else 1), (262, 2), (273, 8)]
    tags += [(277, bands), (278, height), (279, len(data))]
    entries = [struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags]
    depths = struct.pack(order + "HHH", 16, 16, 16)
    entries.insert(2, struct.pack(order + "HHII", 258, 3, 3, 8 + len(data)))
    start = {"<": b"II", ">": b"MM"}[order]
    head = start + struct.pack(order + "HI", 42, 8 + len(data) + len(depths))
    page = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    path.write_bytes(head + data + depths + page)


def tiff(path, levels, *, photometric=1, kind=1, white=None, order="<", packed=None):
    """One grey page, uncompressed, written by hand; `white` as SMaxSampleValue."""
    height, width = levels.shape
    data = packed or levels.astype(levels.dtype.newbyteorder(order)).tobytes()
    depth = 12 if packed else levels.dtype.itemsize * 8
    tags = [(256, width), (257, height), (258, depth), (259, 1), (262, photometric), (273, 8)]
    tags += [(277, 1), (278, height), (279, len(data)), (339, kind)]
    entries = [struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags]
    if white is not None:
        number = struct.pack(order + "f", white)
        entries.append(struct.pack(order + "HHI", 341, 11, 1) + number)
    start = b"II" if order == "<" else b"MM"
    head = start + struct.pack(order + "HI", 42, 8 + len(data) + len(data) % 2)
    page = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    path.write_bytes(head + data + bytes(len(data) % 2) + page)


def twelve_bits_packed(levels):
    """Two levels in three bytes; rows of an even width."""
    pairs = levels.astype(np.uint32).reshape(-1, 2)
    whole = (pairs[:, 0] << 12) | pairs[:, 1]
    return np.stack([whole >> 16, whole >> 8, whole], axis=-1).astype(np.uint8).tobytes()


def chunk(kind, body):
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def png(path, levels, *more, size=None):
    """Grey of 16 bits with more chunks before the data, written by hand."""
    width, height = size or levels.shape[::-1]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0))
    end = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + end)


def _array(name, levels, **options):
    return lambda folder: Image.fromarray(levels).save(folder / name, **options)


def _mode(name, mode, levels, **options):
    return lambda folder: Image.fromarray(levels, mode).save(folder / name, **options)


def _converted(name, mode, levels, **options):
    return lambda folder: Image.fromarray(levels).convert(mode).save(folder / name, **options)


def _tiff(name, levels, **options):
    return lambda folder: tiff(folder / name, levels, **options)


def _png(name, levels, *more):
    return lambda folder: png(folder / name, levels, *more)


def _wide(name, levels, kind, *more):
    return lambda folder: wide(folder / name, levels.astype(np.uint16), kind, *more)


def _wide_tiff(name, levels, order, **options):
    return lambda folder: wide_tiff(folder / name, levels.astype(np.uint16), order, **options)


def _bytes(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def _frames(name, **options):
    frames = [Image.fromarray(COLOUR), Image.new("RGB", (12, 8), "blue")]
    return lambda folder: frames[0].save(
        folder / name, save_all=True, append_images=frames[1:], **options
    )


def _turned(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # has to be turned a quarter clockwise to stand upright
    Image.fromarray(np.rot90(COLOUR)).save(folder / "turned.png", exif=exif)


def _palette(folder):
    image = Image.fromarray(RAMP // 86, "P")
    image.putpalette([0, 0, 0, 250, 0, 0, 0, 250, 0] + [9] * 759)
    image.save(folder / "palette.png")
    image.save(folder / "palette_clear.png", transparency=bytes([0]) + b"\xff" * 255)


PALETTE = np.array([[0, 0, 0], [250, 0, 0], [0, 250, 0]])[RAMP // 86]


def _profile(folder):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(COLOUR).save(folder / "profile.png", icc_profile=profile)


def _cmyk():
    cyan, magenta, yellow = (255 - COLOUR[..., band] for band in range(3))
    return np.stack([cyan, magenta, yellow, np.full_like(cyan, 51)], axis=-1)


def _of_lab(lightness, a, b):
    """CIE L*a*b* under D50 to sRGB, by the formulas."""
    fy = (lightness + 16) / 116
    f = np.stack([fy + a / 500, fy, fy - b / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.9642, 1.0, 0.8249]
    matrix = [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
    linear = (xyz @ np.transpose(matrix)).clip(0, 1)
    curved = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return 255 * curved


def _lab():
    """Levels as TIFF keeps them: L from 0 to 255, a and b with a sign."""
    lightness = RAMP.astype(float) / 255 * 80 + 10
    a, b = np.full_like(lightness, 12.0), np.full_like(lightness, -9.0)
    stored = [(lightness * 2.55).round(), a, b % 256]
    return np.stack(stored, axis=-1).astype(np.uint8), _of_lab(lightness, a, b)


def _in_a_folder(folder):
    (folder / "folder.jpg").mkdir()
    Image.fromarray(COLOUR).save(folder / "folder.jpg" / "inside.png")


def _not_utf8(folder):
    with open(os.fsencode(folder) + b"/caf\xe9.png", "wb") as file:
        Image.fromarray(COLOUR).save(file, format="png")


LAB, OF_LAB = _lab()
ON_WHITE = np.where(ALPHA[..., None] > 0, COLOUR, 255)
STRIP = np.arange(3000, dtype=np.uint16).reshape(1, 3000) % 256
SIGNED = bits(RAMP, 12).astype(np.int32) - 1024

RIGHT = {
    "one_bit.png": (_converted("one_bit.png", "1", RAMP // 128 * 255), grey(RAMP // 128 * 255), 0),
    "grey.png": (_array("grey.png", RAMP), grey(RAMP), 0),
    "grey_alpha.png": (
        _mode("grey_alpha.png", "LA", np.stack([RAMP, ALPHA], axis=-1)),
        grey(np.where(ALPHA, RAMP, 255)),
        0,
    ),
    "palette.png": (_palette, PALETTE, 0),
    "palette_clear.png": (None, np.where(RAMP[..., None] // 86 == 0, 255, PALETTE), 0),
    "colour.png": (_array("colour.png", COLOUR), COLOUR, 0),
    "colour_alpha.png": (
        _array("colour_alpha.png", np.concatenate([COLOUR, ALPHA[..., None]], axis=-1)),
        ON_WHITE,
        0,
    ),
    "cmyk.tif": (_mode("cmyk.tif", "CMYK", _cmyk()), COLOUR * 0.8, 1),
    "ycbcr.tif": (_converted("ycbcr.tif", "YCbCr", COLOUR), COLOUR, 3),
    "lab.tif": (_mode("lab.tif", "LAB", LAB), OF_LAB, 2),
    **{
        f"in16_{depth}.png": (
            _array(f"in16_{depth}.png", bits(RAMP, depth).astype(np.uint16)),
            grey(RAMP),
            1,
        )
        for depth in (8, 10, 12, 14, 16)
    },
    "shifted_12.png": (
        _array("shifted_12.png", RAMP.astype(np.uint16) << 4),
        grey(RAMP),
        1,
    ),
    "big_endian_12.tif": (
        _tiff("big_endian_12.tif", bits(RAMP, 12).astype(np.uint16), order=">"),
        grey(RAMP),
        1,
    ),
    "packed_12.tif": (
        _tiff(
            "packed_12.tif",
            np.zeros((8, 12), np.uint16),
            packed=twelve_bits_packed(bits(DARK, 12)),
        ),
        grey(DARK),
        1,
    ),
    "white_is_zero.tif": (
        _tiff("white_is_zero.tif", 65535 - bits(RAMP, 16).astype(np.uint16), photometric=0),
        grey(RAMP),
        1,
    ),
    "declared_dark.tif": (
        _tiff("declared_dark.tif", bits(DARK // 2, 12).astype(np.uint16), white=4095.0),
        grey(DARK // 2),
        1,
    ),
    "declared_dark.png": (
        _png("declared_dark.png", bits(DARK // 2, 12).astype(np.uint16), chunk(b"sBIT", b"\x0c")),
        grey(DARK // 2),
        1,
    ),
    "declared_dark.pgm": (
        _bytes(
            "declared_dark.pgm",
            b"P5 12 8 1000\n" + (DARK * (1000 / 255)).round().astype(">u2").tobytes(),
        ),
        grey(DARK),
        1,
    ),
    "dark_photo.png": (
        _array("dark_photo.png", bits(RAMP * 0.3, 16).astype(np.uint16)),
        grey(RAMP * 0.3),
        1,
    ),
    "dark_8_in_16.png": (
        _array("dark_8_in_16.png", (RAMP // 16).astype(np.uint16) * 257),
        grey(RAMP // 16),
        0,
    ),
    "clear_level.png": (
        _png("clear_level.png", bits(RAMP, 16).astype(np.uint16), chunk(b"tRNS", b"\0\0")),
        grey(np.where(RAMP == 0, 255, RAMP)),
        1,
    ),
    "colour_12.png": (_wide("colour_12.png", bits(COLOUR, 12), 2), COLOUR, 1),
    "colour_16.png": (_wide("colour_16.png", bits(COLOUR, 16), 2), COLOUR, 1),
    "colour_10_alpha.png": (
        _wide(
            "colour_10_alpha.png", bits(np.concatenate([COLOUR, ALPHA[..., None]], axis=-1), 10), 6
        ),
        ON_WHITE,
        1,
    ),
    "grey_14_alpha.png": (
        _wide("grey_14_alpha.png", bits(np.stack([RAMP, ALPHA], axis=-1), 14), 4),
        grey(np.where(ALPHA, RAMP, 255)),
        1,
    ),
    "declared_dark_colour.png": (
        _wide("declared_dark_colour.png", bits(COLOUR // 4, 12), 2, chunk(b"sBIT", b"\x0c" * 3)),
        COLOUR // 4,
        1,
    ),
    "colour_12.tif": (_wide_tiff("colour_12.tif", bits(COLOUR, 12), "<"), COLOUR, 1),
    "deflated_colour_12.tif": (
        _wide_tiff("deflated_colour_12.tif", bits(COLOUR, 12), "<", deflated=True),
        COLOUR,
        1,
    ),
    "big_endian_colour_12.tif": (
        _wide_tiff("big_endian_colour_12.tif", bits(COLOUR, 12), ">"),
        COLOUR,
        1,
    ),
    "int32_16.tif": (_tiff("int32_16.tif", bits(RAMP, 16).astype(np.int32), kind=2), grey(RAMP), 1),
    "int32_full.tif": (
        _tiff("int32_full.tif", bits(RAMP, 31).astype(np.int32), kind=2),
        grey(RAMP),
        1,
    ),
    "uint32_full.tif": (
        _tiff("uint32_full.tif", bits(RAMP, 32).astype(np.uint32)),
        grey(RAMP),
        1,
    ),
    "int32_signed.tif": (
        _tiff("int32_signed.tif", SIGNED, kind=2, white=3071.0),
        grey((SIGNED + 1024) * (255 / (4095 + 1024))),
        1,
    ),
    "float_one.tif": (_array("float_one.tif", (RAMP / 255).astype(np.float32)), grey(RAMP), 1),
    "float_dark.tif": (_array("float_dark.tif", (DARK / 255).astype(np.float32)), grey(DARK), 1),
    "float_beyond_one.tif": (
        _array("float_beyond_one.tif", (RAMP / 255 * 1.7).astype(np.float32)),
        grey(RAMP),
        1,
    ),
    "float_8.tif": (_array("float_8.tif", DARK.astype(np.float32)), grey(DARK), 0),
    "float_12.tif": (_array("float_12.tif", bits(RAMP, 12).astype(np.float32)), grey(RAMP), 1),
    "float_16_resized.tif": (
        _array("float_16_resized.tif", (RAMP * 200.3).astype(np.float32)),
        grey(RAMP * 200.3 / 257),
        1,
    ),
    "float_declared.tif": (
        _tiff("float_declared.tif", (DARK / 255 * 1000).astype(np.float32), kind=3, white=1000.0),
        grey(DARK),
        1,
    ),
    "turned.png": (_turned, COLOUR, 0),
    "animated.gif": (_frames("animated.gif"), COLOUR, 0),
    "animated.webp": (_frames("animated.webp", lossless=True), COLOUR, 0),
    "animated.apng": (_frames("animated.apng", format="PNG"), COLOUR, 0),
    "pages.tiff": (_frames("pages.tiff"), COLOUR, 0),
    "one_pixel.png": (_array("one_pixel.png", COLOUR[:1, 5:6]), COLOUR[:1, 5:6], 0),
    "strip.png": (_array("strip.png", STRIP.astype(np.uint8)), grey(STRIP), 0),
    "UPPER.PNG": (_array("UPPER.PNG", COLOUR), COLOUR, 0),
    "png_named.jpg": (_array("png_named.jpg", COLOUR, format="png"), COLOUR, 0),
    "no_ending": (_array("no_ending", COLOUR, format="png"), COLOUR, 0),
    "photo.jpg_large": (_array("photo.jpg_large", COLOUR, format="png"), COLOUR, 0),
    "a.avif": (_array("a.avif", COLOUR, quality=100, subsampling="4:4:4"), COLOUR, 8),
    "a.jfif": (_array("a.jfif", COLOUR, quality=100, subsampling=0), COLOUR, 4),
    "a.jp2": (_array("a.jp2", COLOUR), COLOUR, 0),
    "dark_12.jp2": (_array("dark_12.jp2", bits(DARK, 16).astype(np.uint16)), grey(DARK), 1),
    "caf\\xe9.png": (_not_utf8, COLOUR, 0),
    "profile.png": (_profile, COLOUR, 0),
    "folder.jpg/inside.png": (_in_a_folder, COLOUR, 0),
}
"""Name -> (how it is made, its pixels, by how much of 255 they may differ)."""

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
HTML = b"<!DOCTYPE html>\n<html><body>404 not found</body></html>"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'


def _broken_link(folder):
    (folder / "link.png").symlink_to(folder / "gone.png")


def _bomb(folder):
    png(folder / "bomb.png", RAMP, size=(20_000, 10_000))


UNREADABLE = {
    "cut.jpg": (_bytes("cut.jpg", JPEG), "not a readable image"),
    "empty.jpg": (_bytes("empty.jpg", b""), "an empty file (0 bytes)"),
    "page.jpg": (_bytes("page.jpg", HTML), "not a readable image (HTML page by its content)"),
    "drawing.png": (_bytes("drawing.png", SVG), "not a readable image (SVG drawing by its content"),
    "pointer.jpg": (
        _bytes("pointer.jpg", b"version https://git-lfs.github.com/spec/v1\n"),
        "Git LFS pointer by its content",
    ),
    "text.png": (_bytes("text.png", b"hello"), "of no kind that is known"),
    "a.heic": (_bytes("a.heic", HEIC), "HEIC, which needs a package: pip install pillow-heif"),
    "iphone.jpg": (_bytes("iphone.jpg", HEIC), "pip install pillow-heif"),
    "no_ending_heic": (_bytes("no_ending_heic", HEIC), "pip install pillow-heif"),
    "link.png": (_broken_link, "a link to what is not there"),
    "bomb.png": (_bomb, "200000000 pixels"),
    "nan.tif": (
        _array("nan.tif", np.full((2, 2), np.nan, np.float32)),
        "no level is a finite number",
    ),
    "double.tif": (_tiff("double.tif", RAMP / 255, kind=3), "a TIFF that Pillow cannot read"),
}
"""Name -> (how it is made, what is said of it)."""


def _pipe(folder):
    os.mkfifo(folder / "pipe")


def _hidden_folder(folder):
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "a.jpg").write_bytes(JPEG)


LEFT_OUT = {
    "notes.txt": (_bytes("notes.txt", b"BM is no bitmap"), "no image"),
    "drawing.svg": (_bytes("drawing.svg", SVG), "SVG drawing"),
    "paper.pdf": (_bytes("paper.pdf", b"%PDF-1.7"), "PDF"),
    "page": (_bytes("page", HTML), "HTML page"),
    "film.mp4": (_bytes("film.mp4", b"\0\0\0\x18ftypisom\0\0\0\0"), "video"),
    "photos.zip": (_bytes("photos.zip", b"PK\3\4"), "archive"),
    "camera.NEF": (_bytes("camera.NEF", b"II*\0"), "camera raw"),
    "pipe": (_pipe, "no file"),
    "._a.jpg": (_bytes("._a.jpg", b"\0\5\x16\7\0\2\0\0"), "hidden or of the system"),
    ".hidden.png": (_array(".hidden.png", COLOUR), "hidden or of the system"),
    "Thumbs.db": (_bytes("Thumbs.db", b"\xd0\xcf\x11\xe0"), "hidden or of the system"),
    "__MACOSX/": (_hidden_folder, "hidden or of the system"),
}
"""Name -> (how it is made, why it is left out)."""


def make(folder: Path) -> Path:
    """Write them all."""
    for table in (RIGHT, UNREADABLE, LEFT_OUT):
        for maker, *_ in table.values():
            if maker:
                maker(folder)
    return folder
