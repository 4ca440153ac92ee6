import pytest

from speciarl_pl.data.datasets import PhotoFolder
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
