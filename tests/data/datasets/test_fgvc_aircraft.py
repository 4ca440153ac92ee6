import csv

import numpy as np
import pytest
from PIL import Image

from speciarl_pl.data.checks.benchmark_check import check
from speciarl_pl.data.datasets import FGVCAircraft
from speciarl_pl.errors import DataError
from speciarl_pl.judge import TaxonomyJudge

from .miniatures import TRUTHS, VARIANTS, build

LEVELS = ("variant", "family", "manufacturer")


@pytest.mark.parametrize("at", range(3), ids=LEVELS)
def test_labels_of_each_level(at, tmp_path):
    build("fgvc_aircraft", tmp_path)
    table = FGVCAircraft(str(tmp_path), level=LEVELS[at]).table()
    wanted = {
        number: (variant, *VARIANTS[variant])[at]
        for number, variant in TRUTHS["fgvc_aircraft"]["test"].items()
    }
    assert dict(zip(table["id"], table["truth"], strict=True)) == wanted


def test_trainval_is_both(tmp_path):
    build("fgvc_aircraft", tmp_path)
    splits = TRUTHS["fgvc_aircraft"]
    table = FGVCAircraft(str(tmp_path), "trainval").table()
    assert set(table["id"]) == {*splits["train"], *splits["val"]}


def test_the_notice_of_20_pixels_is_cut_off_and_nothing_else(tmp_path):
    build("fgvc_aircraft", tmp_path)
    source = FGVCAircraft(str(tmp_path))
    row = source.table()[0]
    with Image.open(row["path"]) as image:
        whole = np.asarray(image.convert("RGB"))
    assert np.array_equal(np.asarray(source.image(row)), whole[:-20])


def test_only_the_variants_are_in_the_group():
    groups = {level: FGVCAircraft("x", level=level).group for level in LEVELS}
    assert groups == {"variant": "very_fine_grained", "family": None, "manufacturer": None}


def test_an_unknown_level():
    with pytest.raises(ValueError, match=r"level: expected one of variant, .*, got 'model'"):
        FGVCAircraft("x", level="model")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0000001 F-117", r"test\.txt: 1 labels are outside the 3 classes of .*variants.*'F-117'"),
        ("0442507 F/A-18", r"test\.txt: lists 1 more than once: 0442507"),
        ("0000001", r"test\.txt: line 4 is '0000001'; expected lines such as"),
    ],
    ids=["unknown", "twice", "no label"],
)
def test_bad_lines_are_named(line, message, tmp_path):
    path = build("fgvc_aircraft", tmp_path) / "data" / "images_variant_test.txt"
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(DataError, match=message):
        FGVCAircraft(str(tmp_path)).table()


def test_a_photo_of_two_splits(tmp_path):
    data = build("fgvc_aircraft", tmp_path) / "data"
    lists = [data / f"images_variant_{split}.txt" for split in ("train", "test")]
    lists[1].write_text(lists[1].read_text() + lists[0].read_text())
    with pytest.raises(DataError, match=r"images_variant_\*\.txt: lists 2 more than once"):
        FGVCAircraft(str(tmp_path), "all").table()


def test_check_compares_the_lists_of_the_levels(tmp_path):
    data = build("fgvc_aircraft", tmp_path) / "data"
    (data / "images_family_test.txt").write_text("0442507 F-16\n")
    (data / "images_manufacturer_trainval.txt").write_text("1025794 Boeing\n")
    said = "\n".join(check("fgvc_aircraft", str(tmp_path)).problems)
    assert "images_family_test.txt (1) and" in said
    assert "images_manufacturer_trainval.txt (1) and" in said


def test_the_taxonomy_knows_every_real_variant(shared):
    path = shared("hierarchy") / "fgvc_variant_family_manufacturer.tsv"
    with path.open(encoding="utf-8") as file:
        variants = [row["variant"] for row in csv.DictReader(file, delimiter="\t")]
    tree = TaxonomyJudge(FGVCAircraft("x").taxonomy).taxonomies[0]
    assert [tree.find(variant).name for variant in variants] == variants
