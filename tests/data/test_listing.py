import errno
import os

import pytest

from speciarl_pl.data.left_out import LeftOut
from speciarl_pl.data.listing import read_columns, walk_images
from speciarl_pl.errors import DataError


def test_walk_is_sorted_deep_and_leaves_out_the_rest(photo, tmp_path):
    for name in ("b/2.JPG", "a.png", "b/c/1.webp", ".hidden/x.png", ".y.png"):
        photo(name)
    (tmp_path / "notes.txt").write_text("no image")
    found = [path.relative_to(tmp_path).as_posix() for path in walk_images(tmp_path)]
    assert found == ["a.png", "b/2.JPG", "b/c/1.webp"]


def test_a_link_to_a_folder_above_is_not_followed_for_ever(photo, tmp_path):
    photo("a/b/1.png")
    (tmp_path / "a" / "b" / "again").symlink_to(tmp_path / "a")
    (tmp_path / "other").symlink_to(tmp_path / "a" / "b")
    left_out = LeftOut()
    found = [path.relative_to(tmp_path).as_posix() for path in walk_images(tmp_path, left_out)]
    assert found == ["a/b/1.png", "other/1.png"]
    assert "2 link to a folder that it lies in (again/, again/)" in str(left_out)


def test_a_folder_that_cannot_be_opened_is_named(photo, tmp_path, monkeypatch):
    """Not by its permissions, which do not hold for root."""
    photo("a/1.png")
    photo("shut/2.png")
    scan = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    left_out = LeftOut()
    assert [path.name for path in walk_images(tmp_path, left_out)] == ["1.png"]
    assert f"1 cannot be opened: Permission denied ({tmp_path}/shut/)" in str(left_out)


def test_csv_cells_are_text_as_written(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('\ufeffa,b\n"x, y",None\n\n 1.50 ,NA\n', encoding="utf-8")
    assert read_columns(path) == {"a": ["x, y", " 1.50 "], "b": ["None", "NA"]}


def test_jsonl_with_missing_keys(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": "x\\u2028"}\n{"b": "y"}\n', encoding="utf-8")
    assert read_columns(path) == {"a": ["x\u2028", None], "b": [None, "y"]}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"a,b\nx,y,z\n", r"t\.csv: row 1 has 3 cells and the header 2.*double quotes"),
        ("t.csv", "a\nCitroën\n".encode("latin-1"), r"t\.csv: not UTF-8"),
        ("t.jsonl", b"{nope\n", r"t\.jsonl: cannot be read as \.jsonl"),
        ("t.jsonl", b"[1]\n", r"t\.jsonl: every line must be a JSON object"),
        ("t.parquet", b"junk", r"t\.parquet: cannot be read as \.parquet"),
        ("t.xlsx", b"junk", r"t\.xlsx: unknown kind of table; expected one of \.csv"),
    ],
    ids=["extra cell", "latin-1", "bad json", "no object", "bad parquet", "unknown"],
)
def test_bad_tables_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_columns(tmp_path / name)


def test_missing_table(tmp_path):
    with pytest.raises(DataError, match=r"gone\.csv: no such file"):
        read_columns(tmp_path / "gone.csv")
