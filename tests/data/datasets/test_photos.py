import os

import pytest

from speciarl_pl.data.datasets import MixedImages, PhotoFolder
from speciarl_pl.errors import DataError


def test_photos_at_any_depth_have_no_truth(photo, tmp_path):
    for name in ("a.png", "trip/b.jpg", "trip/day/c.png"):
        photo(name)
    table = PhotoFolder(str(tmp_path)).table()
    assert list(table["id"]) == ["a.png", "trip/b.jpg", "trip/day/c.png"]
    assert set(table["truth"]) == {""}


def test_one_photo(photo):
    source = PhotoFolder(str(photo("a.png")))
    assert source.image(source.table()[0]).size == (8, 6)


def test_missing_and_empty(tmp_path):
    with pytest.raises(DataError, match="gone: no such file or folder"):
        PhotoFolder(str(tmp_path / "gone")).table()
    with pytest.raises(DataError, match="no images in it or below it"):
        PhotoFolder(str(tmp_path)).table()


def test_a_folder_without_photos_says_what_is_in_it(tmp_path):
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(
        DataError, match=r"left out 2: 1 no image \(notes.txt\); 1 PDF \(paper.pdf\)"
    ):
        PhotoFolder(str(tmp_path)).table()


def test_names_that_are_not_utf8_do_not_hide_each_other(photo, tmp_path):
    """One is what the other is shown as."""
    photo(r"caf\xe9.png", color="blue")
    photo(os.fsdecode(b"caf\xe9.png"))
    source = PhotoFolder(str(tmp_path), name=os.fsdecode(b"\xe9t\xe9"))
    table = source.table()
    pixels = {row["id"]: source.image(row).getpixel((0, 0)) for row in table}
    assert pixels == {r"caf\xe9.png": (0, 0, 255), r"caf\xe9.png#2": (255, 0, 0)}
    assert source.name == r"\xe9t\xe9"
    mix = MixedImages([source], limit=2)
    assert {mix.image(row).getpixel((0, 0)) for row in mix.table()} == set(pixels.values())
