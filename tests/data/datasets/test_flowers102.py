import csv
from collections import Counter

import numpy as np
import pytest
from scipy.io import savemat

from speciarl_pl.data.datasets import Flowers102
from speciarl_pl.data.datasets.flowers102 import flower_names
from speciarl_pl.errors import DataError


@pytest.fixture
def original(photo, tmp_path):
    for index in range(1, 7):
        photo(f"jpg/image_{index:05d}.jpg")
    savemat(tmp_path / "imagelabels.mat", {"labels": np.array([[77, 77, 1, 1, 102, 102]])})
    splits = {"trnid": np.array([[6]]), "valid": np.array([[2, 4]]), "tstid": np.array([[1, 3, 5]])}
    savemat(tmp_path / "setid.mat", splits)
    return tmp_path


def test_original_layout(original):
    source = Flowers102(str(original), "test")
    table = source.table()
    assert list(table["id"]) == ["image_00001.jpg", "image_00003.jpg", "image_00005.jpg"]
    assert list(table["truth"]) == ["passion flower", "pink primrose", "blackberry lily"]
    assert source.image(table[0]).size == (8, 6)


@pytest.mark.parametrize(("split", "count"), [("train", 1), ("val", 2), ("test", 3), ("all", 6)])
def test_splits_of_the_original_layout(original, split, count):
    assert len(Flowers102(str(original), split).table()) == count


def test_split_file_replaces_the_splits(original):
    path = original / "coop.csv"
    path.write_text("split,filename\ntrain,image_00001.jpg\ntest,image_00002.jpg\n")
    table = Flowers102(str(original), "train", split_file=str(path)).table()
    assert list(table["id"]) == ["image_00001.jpg"]


def test_names_are_102_and_distinct():
    assert len(set(flower_names())) == 102


def test_unknown_split():
    with pytest.raises(ValueError, match=r"split: expected one of train, val, test, all, got 'x'"):
        Flowers102("nowhere", "x")


def test_missing_pieces_are_named(tmp_path, photo):
    with pytest.raises(DataError, match=r"gone: no such folder; expected Oxford Flowers-102"):
        Flowers102(str(tmp_path / "gone")).table()
    with pytest.raises(DataError, match=r"jpg: no such folder"):
        Flowers102(str(tmp_path)).table()
    photo("jpg/image_00001.jpg")
    with pytest.raises(DataError, match=r"imagelabels\.mat: no such file; expected the original"):
        Flowers102(str(tmp_path)).table()
    (tmp_path / "imagelabels.mat").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"imagelabels\.mat: not a readable \.mat file"):
        Flowers102(str(tmp_path)).table()
    savemat(tmp_path / "imagelabels.mat", {"other": [1]})
    with pytest.raises(DataError, match=r"imagelabels\.mat: no array 'labels'"):
        Flowers102(str(tmp_path)).table()


def test_csv_layout(tmp_path, photo):
    photo("jpg/a.jpg")
    (tmp_path / "images.csv").write_text("filename,split,label\na.jpg,val,tiger_lily\n")
    assert list(Flowers102(str(tmp_path), "val").table()["truth"]) == ["tiger lily"]
    with pytest.raises(DataError, match=r"no images in split 'test'; splits there: val"):
        Flowers102(str(tmp_path), "test").table()
    (tmp_path / "images.csv").write_text("filename,split,label\na.jpg,val,rosebud\n")
    with pytest.raises(DataError, match=r"images\.csv: 1 labels are outside .* 'rosebud'"):
        Flowers102(str(tmp_path), "val").table()
    (tmp_path / "images.csv").write_text("filename,split,label\na.jpg,val,\n")
    with pytest.raises(DataError, match=r"images\.csv: row 1 has an empty 'label'"):
        Flowers102(str(tmp_path), "val").table()


def test_real_flowers_are_all_there(shared):
    root = shared("flowers102")
    with (root / "images.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = Flowers102(str(root), "all").table()
    assert len(table) == len(rows) == 4696
    assert dict(zip(table["id"], table["truth"], strict=True)) == {
        row["filename"]: row["label"] for row in rows
    }
    assert set(table["truth"]) <= set(flower_names())
    for split, count in Counter(row["split"] for row in rows).items():
        assert len(Flowers102(str(root), split).table()) == count


def test_real_flowers_open(shared):
    source = Flowers102(str(shared("flowers102")), "test", limit=8)
    for row in source.table():
        assert min(source.image(row).size) == 128


def test_real_coop_split_and_names_agree(shared):
    """The split and the classes of the original numbering, published independently."""
    root, splits = shared("flowers102"), shared("splits")
    split_file = str(splits / "owc_flowers102_split_coop.csv")
    with open(split_file, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    there = {photo.name for photo in (root / "jpg").iterdir()}
    for split in ("train", "val", "test"):
        own = Flowers102(str(root), split).table()["id"]
        coop = Flowers102(str(root), split, split_file=split_file, allow_missing=True).table()["id"]
        plain = sorted(
            r["filename"] for r in rows if r["split"] == split and r["filename"] in there
        )
        assert list(coop) == list(own) == plain
    with pytest.raises(DataError, match=r"names 3,493 of 8,189 images that the lists"):
        Flowers102(str(root), "test", split_file=split_file).table()
    with (splits / "owc_flowers102_metadata.csv").open(encoding="utf-8") as file:
        assert [row["class_name"] for row in csv.DictReader(file)] == flower_names()


def test_real_labels_are_those_of_the_original_numbering(shared):
    """`owc_flowers102_labels.csv` says what `imagelabels.mat` says, counted from 0."""
    with (shared("splits") / "owc_flowers102_labels.csv").open(encoding="utf-8") as file:
        numbers = {row["filename"]: int(row["class_idx"]) for row in csv.DictReader(file)}
    table = Flowers102(str(shared("flowers102")), "all").table()
    for name, truth in zip(table["id"], table["truth"], strict=True):
        assert truth == flower_names()[numbers[name]]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-6], r"images\.csv: 1 labels are outside the 102 .*'tiger'"),
        (lambda text: text[:-12], r"images\.csv: row 2 has 2 cells and the header 3"),
        (lambda text: text + "b.jpg,val,tiger lily\n", r"lists 1 more than once: b\.jpg"),
        (lambda text: "", r"images\.csv: no column 'filename'"),
    ],
    ids=["label cut", "row cut", "twice", "empty"],
)
def test_damage_to_the_csv_is_named(damage, message, photo, tmp_path):
    photo("jpg/a.jpg")
    photo("jpg/b.jpg")
    text = "filename,split,label\na.jpg,val,tiger lily\nb.jpg,val,tiger lily\n"
    (tmp_path / "images.csv").write_text(damage(text))
    with pytest.raises(DataError, match=message):
        Flowers102(str(tmp_path), "val").table()
