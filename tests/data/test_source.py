import pytest

from speciarl_pl.data.datasets import ImageFolder, WorldImages
from speciarl_pl.data.source import as_table, subset_indices
from speciarl_pl.errors import DataError


@pytest.fixture
def folder(photo, tmp_path):
    for index in range(20):
        photo(f"root/{'ab'[index % 2]}/{index:02d}.png")
    return str(tmp_path / "root")


def test_limit_draws_a_seeded_subset_in_order(folder):
    everything = ImageFolder(folder).table()["id"]
    some = ImageFolder(folder, limit=5, seed=1).table()["id"]
    assert len(some) == 5
    assert [id_ for id_ in everything if id_ in some] == list(some)
    assert list(some) == list(ImageFolder(folder, limit=5, seed=1).table()["id"])
    assert list(some) != list(ImageFolder(folder, limit=5, seed=2).table()["id"])


def test_a_limit_above_the_size_keeps_all(folder):
    assert len(ImageFolder(folder, limit=99).table()) == 20


def test_smaller_limits_are_nested():
    assert set(subset_indices(100, 10, 7)) < set(subset_indices(100, 30, 7))


def test_listing_opens_no_image(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.jpg").write_bytes(b"no image at all")
    source = ImageFolder(str(tmp_path))
    row = source.table()[0]
    assert row["truth"] == "cat"
    with pytest.raises(DataError, match=r"a\.jpg"):
        source.image(row)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, r"limit: expected an int >= 1 or null, got 0"),
        ({"seed": -1}, r"seed: expected an int >= 0, got -1"),
        ({"name": " "}, r"name: expected a name"),
    ],
    ids=["limit", "seed", "name"],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageFolder("nowhere", **arguments)


def test_sources_do_not_touch_the_disk_when_made():
    assert ImageFolder("/no/such/place").name == "place"
    assert WorldImages("train").name == "world_train"


def test_text_that_is_not_utf8_is_shown_and_a_label_refused():
    table = as_table({"id": ["a\udcff", r"a\xff"], "subset": ["\udce9", ""]})
    assert table["id"][:] == [r"a\xff", r"a\xff#2"]
    assert table["subset"][:] == [r"\xe9", ""]
    with pytest.raises(DataError, match=r"label 'rose\\ud800': not UTF-8.* mend the"):
        as_table({"truth": ["oak", "rose\ud800"]})
