import pytest

from speciarl_pl.data.datasets import OxfordPets
from speciarl_pl.data.datasets.oxford_pets import pet_label
from speciarl_pl.errors import DataError


@pytest.fixture
def pets(photo, tmp_path):
    (tmp_path / "annotations").mkdir()
    lists = {
        "trainval": "american_bulldog_10 1 2 1\n",
        "test": "Abyssinian_1 1 1 1\n",
        "list": "#Image CLASS-ID SPECIES BREED ID\nAbyssinian_1 1 1 1\namerican_bulldog_10 1 2 1\n",
    }
    for name, text in lists.items():
        (tmp_path / "annotations" / f"{name}.txt").write_text(text)
    photo("images/Abyssinian_1.jpg")
    return tmp_path


@pytest.mark.parametrize(
    ("split", "labels"),
    [
        ("trainval", ["american bulldog"]),
        ("test", ["Abyssinian"]),
        ("all", ["Abyssinian", "american bulldog"]),
    ],
)
def test_splits(pets, split, labels):
    assert list(OxfordPets(str(pets), split).table()["truth"]) == labels


def test_images_open_and_missing_ones_are_found_then(pets):
    source = OxfordPets(str(pets), "all")
    table = source.table()
    assert source.image(table[0]).size == (8, 6)
    with pytest.raises(DataError, match=r"american_bulldog_10\.jpg: no such file"):
        source.image(table[1])


@pytest.mark.parametrize(
    ("stem", "label"),
    [("Abyssinian_1", "Abyssinian"), ("english_cocker_spaniel_100", "english cocker spaniel")],
)
def test_label(stem, label):
    assert pet_label(stem) == label


def test_bad_input_is_named(pets, tmp_path):
    with pytest.raises(
        ValueError, match=r"split: expected one of trainval, test, all, got 'train'"
    ):
        OxfordPets("nowhere", "train")
    with pytest.raises(DataError, match=r"gone: no such folder; expected Oxford-IIIT Pet"):
        OxfordPets(str(tmp_path / "gone")).table()
    (pets / "annotations" / "test.txt").write_text("\n")
    with pytest.raises(DataError, match=r"test\.txt: lists no images"):
        OxfordPets(str(pets)).table()
    (pets / "annotations" / "test.txt").unlink()
    with pytest.raises(DataError, match=r"test\.txt: no such file; expected a published list"):
        OxfordPets(str(pets)).table()


def test_real_pets(shared):
    root = shared("oxford_pets")
    tables = {split: OxfordPets(str(root), split).table() for split in ("trainval", "test", "all")}
    assert {split: len(table) for split, table in tables.items()} == {
        "trainval": 300,
        "test": 298,
        "all": 598,
    }
    assert set(tables["all"]["truth"]) == {"Abyssinian", "Bengal", "american bulldog"}
    assert set(tables["trainval"]["id"]).isdisjoint(tables["test"]["id"])
    assert len(list((root / "images").iterdir())) == 600


def test_real_pets_open(shared):
    source = OxfordPets(str(shared("oxford_pets")), "all")
    for row in source.table():
        assert source.image(row).mode == "RGB"
