import errno
import os

from speciarl_pl.data.left_out import LeftOut
from speciarl_pl.data.listing import walk_images


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
