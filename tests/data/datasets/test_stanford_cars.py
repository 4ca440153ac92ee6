import csv

import numpy as np
import pytest
from scipy.io import savemat

from speciarl_pl.data.datasets import StanfordCars
from speciarl_pl.errors import DataError

from .miniatures import TRUTHS, build, write_mat

TEST = "cars_test_annos_withlabels.mat"


def test_the_test_labels_may_lie_beside_the_devkit(tmp_path):
    root = build("stanford_cars", tmp_path)
    (root / "devkit" / TEST).rename(root / TEST)
    table = StanfordCars(str(tmp_path)).table()
    wanted = TRUTHS["stanford_cars"]["test"]
    assert dict(zip(table["id"], table["truth"], strict=True)) == wanted


def test_one_photo_alone(tmp_path):
    root = build("stanford_cars", tmp_path)
    write_mat(root / TEST, [("00002.jpg", 3)])
    assert list(StanfordCars(str(tmp_path)).table()["id"]) == ["cars_test/00002.jpg"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("00001.jpg", 4)], r"withlabels\.mat: 00001\.jpg has class 4; expected one of the 3"),
        ([("00001.jpg", 0)], r"withlabels\.mat: 00001\.jpg has class 0"),
        ([("00001.jpg", 1)] * 2, r"withlabels\.mat: lists 1 more than once: cars_test/00001"),
    ],
    ids=["above", "below", "twice"],
)
def test_bad_annotations_are_named(rows, message, tmp_path):
    write_mat(build("stanford_cars", tmp_path) / TEST, rows)
    with pytest.raises(DataError, match=message):
        StanfordCars(str(tmp_path)).table()


def test_the_annotations_without_labels_are_none(tmp_path):
    """`cars_test_annos.mat` of the devkit, renamed."""
    root = build("stanford_cars", tmp_path)
    table = np.empty((1, 1), dtype=[("bbox_x1", object), ("fname", object)])
    table[0, 0] = (1, "00001.jpg")
    savemat(root / TEST, {"annotations": table})
    with pytest.raises(DataError, match=r"withlabels\.mat: its annotations have no 'class'"):
        StanfordCars(str(tmp_path)).table()


def test_coops_list_splits_the_training_photos(tmp_path):
    build("stanford_cars", tmp_path)
    path = tmp_path / "coop.csv"
    path.write_text("split,filename\nval,train/00002.jpg\ntest,test/00001.jpg\n")
    table = StanfordCars(str(tmp_path), "val", str(path)).table()
    assert list(table["truth"]) == ["Ram C/V Cargo Van Minivan 2012"]


def test_the_real_names_of_the_miniature(shared):
    with (shared("hierarchy") / "cars_label_make_type_year.tsv").open(encoding="utf-8") as file:
        names = {row["label"] for row in csv.DictReader(file, delimiter="\t")}
    splits = TRUTHS["stanford_cars"].values()
    assert {label for truths in splits for label in truths.values()} <= names


def test_group_and_taxonomy():
    source = StanfordCars("x")
    assert (source.group, source.taxonomy) == ("very_fine_grained", "stanford_cars")
