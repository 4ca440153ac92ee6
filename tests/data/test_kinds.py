"""What a file is by its content; whole folders are in test_odd_images.py."""

import re
import sys
from importlib.util import find_spec

import pytest
from PIL import Image

from speciarl_pl.data.images import kinds
from speciarl_pl.data.images.kinds import content_of, image_endings, left_out_as
from speciarl_pl.data.images.opening import open_image
from speciarl_pl.errors import DataError

from .odd_images import HEIC

PLUGIN = """
from PIL import Image, ImageFile

class Heif(ImageFile.ImageFile):
    format = "HEIF"

    def _open(self):
        self._mode, self._size, self.tile = "RGB", (3, 2), []

    def load(self):
        self.im = Image.new("RGB", self.size, "green").im
        return super().load()

def register_heif_opener():
    Image.register_open("HEIF", Heif, lambda head: head[4:8] == b"ftyp")
"""


@pytest.mark.parametrize("ending", [".bmp", ".dib", ".gif", ".ico", ".jp2", ".pgm", ".png", ".tga"])
def test_what_pillow_writes_is_told_by_ending_or_content(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    Image.new("L", (4, 4)).save(path)
    assert ending in image_endings()
    bare = path.rename(tmp_path / "a")
    told = left_out_as(bare) is None
    assert told != (ending in (".dib", ".tga")), "neither of them begins with a mark"


@pytest.mark.parametrize("ending", [".pdf", ".mpg", ".h5", ".eps", ".wmf", ".txt", ".json", ""])
def test_what_is_no_image_by_its_ending(ending):
    assert ending not in image_endings()


@pytest.mark.parametrize(
    ("head", "content"),
    [
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIC"),
        (b"P5\n# a scanner\n12 8\n255\n", "PNM"),
        (b"BMW and Audi", None),
        (b"Plants of Europe", None),
        (b"", None),
    ],
    ids=["avif by its second brand", "heic", "pgm", "text BM", "text P", "nothing"],
)
def test_content(head, content):
    assert content_of(head) == content


@pytest.mark.skipif(find_spec("pillow_heif") is not None, reason="HEIC can be read here")
def test_an_installed_package_for_heic_is_used(tmp_path, monkeypatch):
    (tmp_path / "pillow_heif.py").write_text(PLUGIN)
    (tmp_path / "a.heic").write_bytes(HEIC)
    with pytest.raises(DataError, match=re.escape("pip install pillow-heif")):
        open_image(tmp_path / "a.heic")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    kinds.help_pillow.cache_clear()
    try:
        assert open_image(tmp_path / "a.heic").getpixel((0, 0)) == (0, 128, 0)
    finally:
        kinds.help_pillow.cache_clear()
        sys.modules.pop("pillow_heif", None)
