import os

import pytest

from speciarl_pl.data.datasets.photos import PhotoList
from speciarl_pl.errors import DataError


def test_photos_come_in_the_order_of_the_list(photo):
    paths = [str(photo("b.png")), str(photo("a.png")), str(photo("b.png"))]
    source = PhotoList(paths)
    table = source.table()
    assert table["id"][:] == [paths[0], paths[1], f"{paths[0]}#2"]
    assert set(table["truth"]) == {""}
    assert source.image(table[2]).size == (8, 6)


def test_a_text_file_names_photos_from_its_own_folder(photo, tmp_path):
    other = photo("far/b.png")
    photo("near/a.png")
    listed = tmp_path / "near" / "list.txt"
    listed.write_text(f"\ufeffa.png\n\n  {other}\n", encoding="utf-8")
    source = PhotoList(str(listed))
    table = source.table()
    assert table["id"][:] == ["a.png", str(other)]
    assert [source.image(row).mode for row in table] == ["RGB", "RGB"]


def test_a_text_file_names_photos_as_the_disk_does(photo, tmp_path):
    photo(os.fsdecode(b"caf\xe9.png"))
    (tmp_path / "list.txt").write_bytes(b"caf\xe9.png\n")
    source = PhotoList(str(tmp_path / "list.txt"))
    assert source.table()["id"][:] == [r"caf\xe9.png"]
    assert source.image(source.table()[0]).size == (8, 6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no line in it; expected the path of a photo on each line"),
        (b"\xff\xfe\x00", "not utf-16.* text"),
        (None, "no such file; expected the path of a photo on each line"),
    ],
    ids=["empty", "not text", "missing"],
)
def test_a_bad_list_is_named(tmp_path, content, message):
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"list\.txt: {message}"):
        PhotoList(str(path)).table()


def test_no_photos_at_all():
    with pytest.raises(DataError, match="images: no photos in the list"):
        PhotoList([]).table()
