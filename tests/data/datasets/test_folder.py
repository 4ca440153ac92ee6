import os

import pytest

from speciarl_pl.data.datasets import ImageFolder, MixedImages
from speciarl_pl.data.datasets.folder import folder_label
from speciarl_pl.errors import DataError


def test_labels_are_folder_names(photo, tmp_path):
    for name in ("tiger_lily/b.png", "tiger_lily/deep/a.png", "rose/c.png", ".git/x.png", "y.png"):
        photo(name)
    source = ImageFolder(str(tmp_path), name="garden")
    table = source.table()
    assert list(table["id"]) == ["rose/c.png", "tiger_lily/b.png", "tiger_lily/deep/a.png"]
    assert list(table["truth"]) == ["rose", "tiger lily", "tiger lily"]
    assert set(table["subset"]) == {""}
    assert source.image(table[0]).size == (8, 6)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("plain", "001.Black footed Albatross"),
        ("numbered", "Black footed Albatross"),
        ("raw", "001.Black_footed_Albatross"),
    ],
)
def test_label_styles(style, expected):
    assert folder_label("001.Black_footed_Albatross", style) == expected


def test_accents_commas_and_long_names_pass_unchanged(photo, tmp_path):
    names = ["Citroën", "lynx, bobcat", "é" * 100]
    for name in names:
        photo(f"{name}/a.png")
    assert sorted(ImageFolder(str(tmp_path)).table()["truth"]) == sorted(names)


def test_folder_name_without_a_label(photo, tmp_path):
    photo("_/a.png")
    with pytest.raises(DataError, match=r"class folder '_'.*empty label"):
        ImageFolder(str(tmp_path)).table()


def test_missing_root(tmp_path):
    with pytest.raises(DataError, match=r"gone: no such folder; expected a folder with one sub-"):
        ImageFolder(str(tmp_path / "gone")).table()


def test_root_is_a_file(photo):
    with pytest.raises(DataError, match=r"a\.png: is a file, not a folder"):
        ImageFolder(str(photo("a.png"))).table()


def test_empty_root(tmp_path):
    with pytest.raises(DataError, match="no images in class sub-folders; expected files such as"):
        ImageFolder(str(tmp_path)).table()


def test_root_with_loose_images_only(photo, tmp_path):
    photo("a.png")
    with pytest.raises(DataError, match="1 lie beside them"):
        ImageFolder(str(tmp_path)).table()


def test_what_is_left_out_is_counted_and_named(photo, tmp_path):
    for name in ("rose/a.png", "rose/.b.png", "loose.png", ".git/x.png", "@eaDir/y.png"):
        photo(name)
    (tmp_path / "rose" / "notes.txt").touch()
    source = ImageFolder(str(tmp_path), name="garden")
    assert len(source.table()) == 1
    (note,) = source.notes
    assert note.startswith("garden: left out 5: 3 hidden or of the system (.git/, @eaDir/, .b.png)")
    assert "1 beside the class folders (loose.png)" in note
    assert "1 no image (notes.txt)" in note
    assert MixedImages([source], limit=1).notes == [note]


def test_a_class_whose_name_is_not_utf8_has_no_label(photo, tmp_path):
    photo(os.fsdecode(b"Citro\xebn/a.png"))
    with pytest.raises(DataError, match=r"label 'Citro\\xebn': not UTF-8.* rename the folder"):
        ImageFolder(str(tmp_path)).table()


def test_a_file_whose_name_is_not_utf8_is_read(photo, tmp_path):
    photo(os.fsdecode(b"rose/\xff.png"))
    source = ImageFolder(str(tmp_path))
    assert source.table()["id"][:] == [r"rose/\xff.png"]
    assert source.image(source.table()[0]).size == (8, 6)
