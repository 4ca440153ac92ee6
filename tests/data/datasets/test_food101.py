import pytest

from speciarl_pl.data.checks.benchmark_check import check
from speciarl_pl.data.datasets import Food101
from speciarl_pl.errors import DataError

from .miniatures import build


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("soup/1", r"test\.txt: 1 labels are outside the 3 classes of .*classes\.txt: 'soup'"),
        ("apple_pie/1011328", r"test\.txt: lists 1 more than once: apple_pie/1011328"),
        ("1011328", r"test\.txt: 1 labels are outside the 3 classes"),
    ],
    ids=["unknown", "twice", "no folder"],
)
def test_bad_lines_are_named(line, message, tmp_path):
    path = build("food101", tmp_path) / "meta" / "test.txt"
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(DataError, match=message):
        Food101(str(tmp_path)).table()


def test_a_photo_of_both_splits(tmp_path):
    meta = build("food101", tmp_path) / "meta"
    (meta / "test.txt").write_text((meta / "train.txt").read_text())
    with pytest.raises(DataError, match=r"\{train,test\}\.txt: lists 2 more than once"):
        Food101(str(tmp_path), "all").table()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.txt", "Apple pie\n", "labels.txt (1) and"),
        ("train.json", "{}", "train.json (0) and"),
        ("train.json", "[1]", "train.json: not the JSON that was expected"),
        ("test.json", '{"a": 1}', "test.json: not the JSON that was expected"),
    ],
)
def test_check_compares_the_lists_that_no_run_needs(name, content, message, tmp_path):
    meta = build("food101", tmp_path) / "meta"
    (meta / name).write_text(content)
    assert message in "\n".join(check("food101", str(tmp_path)).problems)
    assert len(Food101(str(tmp_path)).table()) == 3


def test_group_and_taxonomy():
    assert (Food101("x").group, Food101("x").taxonomy) == ("fine_grained", "food101")
