import csv
from pathlib import Path

import pytest

from speciarl_pl.data.datasets import OxfordPets
from speciarl_pl.data.datasets.oxford_pets import pet_names
from speciarl_pl.data.labels.clean_up import pet_label
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
    photo("images/american_bulldog_10.jpg")
    return tmp_path


@pytest.mark.parametrize(
    ("split", "labels"),
    [
        ("trainval", ["american bulldog"]),
        ("test", ["Abyssinian"]),
        ("all", ["american bulldog", "Abyssinian"]),
    ],
)
def test_splits(pets, split, labels):
    assert list(OxfordPets(str(pets), split).table()["truth"]) == labels


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Abyssinian_1 1", r"test\.txt: the line 'Abyssinian_1 1' is damaged"),
        ("Abyssinian_1 1 1 x", r"test\.txt: the line 'Abyssinian_1 1 1 x' is damaged"),
        ("poodle_1 1 1 1", r"test\.txt: 1 labels are outside the 37 classes .*'poodle'"),
        ("pug_1 1 1 1\npug_1 1 1 1", r"test\.txt: lists 1 more than once: pug_1"),
    ],
    ids=["cut", "no number", "unknown breed", "twice"],
)
def test_damaged_lines_are_named(pets, line, message):
    (pets / "annotations" / "test.txt").write_text(f"{line}\n")
    with pytest.raises(DataError, match=message):
        OxfordPets(str(pets)).table()


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
    with pytest.raises(DataError, match=r"test\.txt: no line in it; expected a published list"):
        OxfordPets(str(pets)).table()
    (pets / "annotations" / "test.txt").unlink()
    with pytest.raises(DataError, match=r"test\.txt: no such file; expected a published list"):
        OxfordPets(str(pets)).table()


def _coop(shared):
    with (shared("splits") / "owc_oxford_pets_split_coop.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_real_coop_split_of_the_real_pets(shared):
    """Every image counted and every label right, against a plain reading of the list."""
    root = shared("oxford_pets")
    path = str(shared("splits") / "owc_oxford_pets_split_coop.csv")
    there = {photo.stem for photo in (root / "images").iterdir()}
    rows, counted = _coop(shared), 0
    for split in ("train", "val", "test"):
        wanted = {
            Path(row["filename"]).stem: Path(row["filename"]).parent.name.replace("_", " ")
            for row in rows
            if row["split"] == split and Path(row["filename"]).stem in there
        }
        table = OxfordPets(str(root), split, path, allow_missing=True).table()
        assert dict(zip(table["id"], table["truth"], strict=True)) == wanted
        counted += len(table)
    assert counted == 598
    with pytest.raises(DataError, match=r"names 6,751 of 7,349 images that the lists"):
        OxfordPets(str(root), "test", path).table()


def test_the_breeds_are_those_of_the_list(shared):
    folders = {Path(row["filename"]).parent.name for row in _coop(shared)}
    assert {folder.replace("_", " ") for folder in folders} == set(pet_names())


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
