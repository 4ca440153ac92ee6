import errno
import os

import pytest

from speciarl_pl.data.reading.left_out import LeftOut
from speciarl_pl.data.reading.listing import walk_images


def test_walk_is_sorted_deep_and_leaves_out_the_rest(photo, tmp_path):
    for name in ("b/2.JPG", "a.png", "b/c/1.webp", ".hidden/x.png", ".y.png"):
        photo(name)
    (tmp_path / "notes.txt").write_text("no image")
    found = [path.relative_to(tmp_path).as_posix() for path in walk_images(tmp_path)]
    assert found == ["a.png", "b/2.JPG", "b/c/1.webp"]


def listed(root):
    """Paths below a root, and what was left out."""
    left_out = LeftOut()
    found = [path.relative_to(root).as_posix() for path in walk_images(root, left_out)]
    return found, str(left_out)


def test_a_link_to_a_folder_above_is_not_followed(photo, tmp_path):
    photo("a/b/1.png")
    (tmp_path / "a" / "b" / "again").symlink_to(tmp_path / "a")
    (tmp_path / "up").symlink_to(tmp_path)
    found, said = listed(tmp_path)
    assert found == ["a/b/1.png"]
    assert "2 link to a folder that it lies in (up/, again/)" in said


@pytest.mark.parametrize(("one", "other"), [("a/x", "b/y"), ("a/x", "b/a"), ("b/z", "a/b")])
def test_two_folders_that_link_to_each_other_are_listed_once(photo, tmp_path, one, other):
    """They were listed 41 times, as often as the system follows a link."""
    photo("a/1.png")
    photo("b/2.png")
    for link in (one, other):
        (tmp_path / link).symlink_to(tmp_path / ("b" if link[0] == "a" else "a"))
    found, said = listed(tmp_path)
    assert found == ["a/1.png", "b/2.png"]
    assert "left out 2: 2 link to a folder that is listed" in said


def test_a_folder_goes_by_its_own_name_and_not_by_that_of_a_link(photo, tmp_path):
    photo("zoo/1.png")
    (tmp_path / "aviary").symlink_to(tmp_path / "zoo")
    assert listed(tmp_path) == (
        ["zoo/1.png"],
        "left out 1: 1 link to a folder that is listed (aviary/)",
    )


def test_folders_elsewhere_are_followed_once_and_so_are_links_in_them(photo, tmp_path):
    photo("there/birds/1.png")
    (tmp_path / "there/birds/cats").symlink_to(tmp_path / "cats")
    photo("cats/2.png")
    photo("here/3.png")
    (tmp_path / "here" / "a").symlink_to(tmp_path / "there")
    (tmp_path / "here" / "b").symlink_to(tmp_path / "there" / "birds")
    (tmp_path / "here" / "lost").symlink_to(tmp_path / "nowhere")
    (tmp_path / "here" / "self").symlink_to(tmp_path / "here" / "self")
    found, said = listed(tmp_path / "here")
    assert found == ["3.png", "a/birds/1.png", "a/birds/cats/2.png"]
    assert "1 link to a folder that is listed (b/)" in said


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
