import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.data.labels.clean_up import CLEAN_UPS, car_label, clean_label, cub_label, pet_label
from speciarl_pl.judge.rules.taxonomy import TAXONOMIES
from speciarl_pl.judge.rules.tree_file import read_taxonomy_csv

AS_WRITTEN = [
    "F/A-18",
    "F-16A/B",
    "16.4",
    "707-320",
    "DHC-8-100",
    "Bugatti Veyron 16.4 Coupe 2009",
    "Ram C/V Cargo Van Minivan 2012",
    "Acura TL Type-S 2008",
    "Bentley Continental Supersports Conv. Convertible 2012",
    "Citroën C3",
    "hard-leaved pocket orchid",
    "colt's foot",
    "american bulldog",
    "Maine Coon",
]


@pytest.mark.parametrize("clean", [clean_label, *CLEAN_UPS.values()], ids=["shared", *CLEAN_UPS])
@pytest.mark.parametrize("label", AS_WRITTEN)
def test_nothing_is_damaged(clean, label):
    assert clean(label) == label


@pytest.mark.parametrize(
    ("clean", "written", "label"),
    [
        (cub_label, "001.Black_footed_Albatross", "Black footed Albatross"),
        (cub_label, "200.Common_Yellowthroat", "Common Yellowthroat"),
        (cub_label, "Black footed Albatross", "Black footed Albatross"),
        (clean_label, "1. tiger_lily", "tiger lily"),
        (clean_label, "001.Ёлка", "Ёлка"),
        (clean_label, " so__called ", "so called"),
        (pet_label, "american_bulldog_10", "american bulldog"),
        (pet_label, "Egyptian_Mau", "Egyptian Mau"),
        (car_label, "Ram C-V Cargo Van Minivan 2012", "Ram C/V Cargo Van Minivan 2012"),
        (car_label, "Ram CV Cargo Van Minivan 2012", "Ram C/V Cargo Van Minivan 2012"),
        (car_label, "2012 Ram C/V Cargo Van Minivan", "Ram C/V Cargo Van Minivan 2012"),
        (car_label, "2009 Bugatti Veyron 16.4 Coupe", "Bugatti Veyron 16.4 Coupe 2009"),
    ],
)
def test_clean_up(clean, written, label):
    assert clean(written) == label


@given(st.text())
def test_it_is_done_once_and_for_all_and_keeps_all_but_blanks_and_numbers(text):
    once = clean_label(text)
    kept = "".join(text.replace("_", " ").split())
    assert kept.endswith("".join(once.split()))
    assert once == " ".join(once.split())
    number = kept.removesuffix("".join(once.split()))
    assert number == "" or number.removesuffix(".").isdecimal()


def _real(shared, name):
    files = {
        "cub": ("hierarchy/cub_label_taxonomy.tsv", "cub_label"),
        "fgvc_aircraft": ("hierarchy/fgvc_variant_family_manufacturer.tsv", "variant"),
        "flowers102": ("splits/owc_flowers102_metadata.csv", "class_name"),
        "food101": ("splits/owc_food101_metadata.csv", "folder_name"),
        "oxford_pets": ("splits/owc_oxford_pets_metadata.csv", "folder_name"),
        "stanford_cars": ("splits/owc_stanford_cars_metadata.csv", "class_name"),
    }
    file, column = files[name]
    path = shared(file)
    with path.open(encoding="utf-8", newline="") as opened:
        kind = {"delimiter": "\t"} if path.suffix == ".tsv" else {}
        return [row[column] for row in csv.DictReader(opened, **kind)]


@pytest.mark.parametrize("name", CLEAN_UPS)
def test_the_real_classes_become_names_that_the_taxonomy_has(shared, name):
    names = {row.name for row in read_taxonomy_csv(TAXONOMIES / f"{name}.csv")}
    labels = [CLEAN_UPS[name](written) for written in _real(shared, name)]
    assert len(set(labels)) == len(labels)
    assert set(labels) <= names


def test_both_spellings_of_the_cars_agree(shared):
    """CoOp writes the year first, the devkit last."""
    with shared("hierarchy/cars_label_make_type_year.tsv").open(encoding="utf-8") as file:
        devkit = [row["label"] for row in csv.DictReader(file, delimiter="\t")]
    assert [car_label(written) for written in _real(shared, "stanford_cars")] == devkit
    assert [car_label(written) for written in devkit] == devkit
