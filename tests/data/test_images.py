import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from speciarl_pl.data.images.opening import open_image, to_rgb
from speciarl_pl.errors import DataError


def _huge_png(path, width, height):
    """A PNG whose header promises width x height grey pixels and whose body is tiny."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    return path


def test_reads_rgb(photo):
    image = open_image(photo("a.png"))
    assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (8, 6), (255, 0, 0))


def test_exif_orientation_turns_the_image_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # has to be turned a quarter clockwise to stand upright
    stored = Image.new("RGB", (40, 20), "blue")
    stored.paste("yellow", (0, 0, 20, 20))
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = open_image(tmp_path / "a.jpg")
    assert image.size == (20, 40)
    assert image.getpixel((10, 5))[0] > 200, "the stored left is the upright top"
    assert image.getpixel((10, 35))[2] > 200


def test_damaged_exif_does_not_lose_the_image(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg", exif=b"Exif\0\0nonsense" * 3)
    assert open_image(tmp_path / "a.jpg").size == (4, 4)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LA", "RGBA"])
def test_every_mode_becomes_rgb(mode):
    assert to_rgb(Image.new(mode, (2, 2))).mode == "RGB"


@pytest.mark.parametrize(
    ("alpha", "expected"), [(0, (255, 255, 255)), (255, (255, 0, 0))], ids=["clear", "opaque"]
)
def test_transparency_lies_on_white(tmp_path, alpha, expected):
    Image.new("RGBA", (2, 2), (255, 0, 0, alpha)).save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png").getpixel((0, 0)) == expected


def test_transparent_palette_lies_on_white(tmp_path):
    image = Image.new("P", (2, 2), 0)
    image.putpalette([10, 20, 30] * 256)
    image.save(tmp_path / "a.png", transparency=bytes([0] + [255] * 255))
    assert open_image(tmp_path / "a.png").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(("level", "expected"), [(0, 0), (32896, 128), (65535, 255)])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, level, expected):
    Image.fromarray(np.full((2, 2), level, dtype=np.uint16)).save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png").getpixel((0, 0)) == (expected,) * 3


def test_float_levels_up_to_one_are_scaled(tmp_path):
    Image.fromarray(np.full((2, 2), 0.5, dtype=np.float32)).save(tmp_path / "a.tif")
    assert open_image(tmp_path / "a.tif").getpixel((0, 0)) == (128, 128, 128)


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert open_image(tmp_path / "a.gif").getpixel((0, 0)) == (255, 0, 0)


def test_truncated_file_is_named(broken):
    with pytest.raises(DataError, match=r"cut\.jpg: not a readable image .*truncated"):
        open_image(broken("cut.jpg"))


def test_empty_file_is_named(tmp_path):
    (tmp_path / "zero.jpg").touch()
    with pytest.raises(DataError, match=r"zero\.jpg: an empty file"):
        open_image(tmp_path / "zero.jpg")


@pytest.mark.parametrize(
    "content", [b"hello, I am text", b"\xff\xd8\xff\xe0junk", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_image_is_named(tmp_path, content):
    (tmp_path / "note.jpg").write_bytes(content)
    with pytest.raises(DataError, match=r"note\.jpg: not a readable image"):
        open_image(tmp_path / "note.jpg")


@pytest.mark.parametrize(
    ("name", "message"),
    [("a" * 300, "cannot be opened .File name too long"), ("a\0b", "embedded null")],
    ids=["too long", "NUL"],
)
def test_what_can_be_no_file_is_named(name, message):
    with pytest.raises(DataError, match=message):
        open_image(name)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.jpg: no such file"):
        open_image(tmp_path / "gone.jpg")
    with pytest.raises(DataError, match="not a file"):
        open_image(tmp_path)


@pytest.mark.parametrize(
    "size", [(20_000, 10_000), (10_000, 6_000)], ids=["200 megapixels", "60 megapixels"]
)
def test_too_many_pixels_are_refused_before_decoding(tmp_path, size):
    path = _huge_png(tmp_path / "huge.png", *size)
    with pytest.raises(DataError, match=r"huge\.png: .*pixels"):
        open_image(path)


def test_the_limit_is_an_option(photo):
    path = photo("a.png", size=(10, 10))
    assert open_image(path, max_pixels=100).size == (10, 10)
    with pytest.raises(DataError, match=r"10 x 10 = 100 pixels, more than max_image_pixels = 99"):
        open_image(path, max_pixels=99)
