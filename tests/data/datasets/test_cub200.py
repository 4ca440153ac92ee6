import pytest

from speciarl_pl.data.datasets import CUB200
from speciarl_pl.errors import DataError

from .miniatures import build


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("images.txt", "2 001.", "1 001.", r"images\.txt: lists 1 more than once: 1;"),
        ("image_class_labels.txt", "3 22", "3 23", r"into class 23, which is not there in .*cla"),
        ("image_class_labels.txt", "3 22", "3 1", r"into class 1, which is 001\.Black_foot"),
        ("image_class_labels.txt", "5 200\n", "", r"labels\.txt \(4\) and .*images\.txt \(5\)"),
        ("train_test_split.txt", "1 1", "1 2", r"split\.txt: image 1 has '2'; expected 1 "),
        ("train_test_split.txt", "5 0\n", "", r"split\.txt \(4\) and .*only one has 5;"),
        ("classes.txt", "22 022.Chuck_will_Widow\n", "", r"class 22, which is not there"),
    ],
    ids=["number twice", "unknown class", "other class", "cut", "flag", "cut split", "no class"],
)
def test_lists_that_contradict_each_other(file, old, new, message, tmp_path):
    path = build("cub", tmp_path) / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        CUB200(str(tmp_path)).table()


def test_a_photo_listed_twice(tmp_path):
    path = build("cub", tmp_path) / "images.txt"
    rows = path.read_text().splitlines()
    first = rows[0].removeprefix("1 ")
    path.write_text("\n".join([rows[0], f"2 {first}", *rows[2:]]))
    with pytest.raises(DataError, match=rf"images\.txt: lists 1 more than once: {first}"):
        CUB200(str(tmp_path)).table()


def test_it_belongs_to_no_group_and_has_a_taxonomy():
    assert (CUB200("x").group, CUB200("x").taxonomy) == (None, "cub")
