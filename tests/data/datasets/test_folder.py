import pytest

from speciarl_pl.data.datasets import ImageFolder
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
