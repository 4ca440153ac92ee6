import csv
from itertools import permutations
from pathlib import Path

import pytest

from speciarl_pl.category import Category
from speciarl_pl.judge import TaxonomyJudge
from speciarl_pl.judge.rules.names import loose_name
from speciarl_pl.judge.rules.taxonomy import TAXONOMIES
from speciarl_pl.judge.rules.tree_file import read_taxonomy_csv
from speciarl_pl.records import Pair, Unjudged, Verdict

BENCHMARKS = Path(__file__).with_name("benchmarks")


def rows(name):
    with (BENCHMARKS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


AIRCRAFT, CARS, FOOD = rows("fgvc_aircraft"), rows("stanford_cars"), rows("food101")
LABELS = {
    "fgvc_aircraft": [row["variant"] for row in AIRCRAFT],
    "stanford_cars": [row["label"] for row in CARS],
    "food101": [row["label"] for row in FOOD],
}
ROOTS = {"fgvc_aircraft": "aircraft", "stanford_cars": "car", "food101": "food"}
PAIRS = [tuple(row.values()) for row in rows("vehicles_food_pairs")]
JUDGES = {name: TaxonomyJudge(name, unknown="unjudged") for name in LABELS}

ABOVE_ANOTHER = {("gyoza", "dumplings"), ("filet mignon", "steak")}
"""Labels that lie below another label: (below, above)."""
ALSO_A_VARIANT = {"A320", "CRJ-700", "Embraer ERJ 145", "MD-80"}
"""Families of which a variant has the name; the name is the variant, "A320 family" the family."""

each_set = pytest.mark.parametrize("name", LABELS)


def level(name, truth, prediction):
    """Letter of the verdict, ? for none."""
    [judgement] = JUDGES[name].judge([Pair(truth, prediction)])
    return "?" if isinstance(judgement, Unjudged) else "WAGLSM"[judgement.code]


def test_the_label_lists_are_whole():
    assert {name: len(set(labels)) for name, labels in LABELS.items()} == {
        "fgvc_aircraft": 100,
        "stanford_cars": 196,
        "food101": 101,
    }


@each_set
def test_every_label_names_a_node_of_its_own(name):
    taxonomy = JUDGES[name].taxonomies[0]
    assert [taxonomy.find(label).name for label in LABELS[name]] == LABELS[name]


@each_set
def test_no_tolerant_form_of_a_label_is_shared(name):
    taxonomy = JUDGES[name].taxonomies[0]
    for label in LABELS[name]:
        for form in (label.lower(), label.upper(), f"a {label}.", label.replace(" ", "-")):
            assert taxonomy.find(form) is taxonomy.find(label), form
        assert taxonomy.find(loose_name(label)) is taxonomy.find(label), label


@each_set
def test_every_name_finds_its_own_node(name):
    taxonomy = JUDGES[name].taxonomies[0]
    for row in read_taxonomy_csv(TAXONOMIES / f"{name}.csv"):
        found = {taxonomy.find(text).name for text in (row.name, *row.synonyms)}
        assert found == {row.name}


@each_set
def test_every_label_lies_below_the_root_and_all_far_above_it_is_broad(name):
    taxonomy = JUDGES[name].taxonomies[0]
    for label in LABELS[name]:
        node = taxonomy.find(label)
        assert not node.is_generic
        assert ROOTS[name] in node.ancestors
        assert level(name, label, ROOTS[name]) == "G"
        assert level(name, label, label) == "S"
        assert level(name, label, "none") == "A"


@each_set
def test_another_label_is_wrong_unless_it_lies_above_or_below(name):
    pairs = [Pair(*both) for both in permutations(LABELS[name], 2)]
    related = {
        (pair.truth, pair.prediction): judgement.category
        for pair, judgement in zip(pairs, JUDGES[name].judge(pairs), strict=True)
        if judgement.category != Category.WRONG
    }
    expected = {}
    for below, above in ABOVE_ANOTHER if name == "food101" else ():
        expected[below, above] = Category.LESS_SPECIFIC
        expected[above, below] = Category.MORE_SPECIFIC
    assert related == expected


@each_set
def test_synonyms_of_other_labels_are_never_right(name):
    taxonomy = JUDGES[name].taxonomies[0]
    synonyms = {row.name: row.synonyms for row in read_taxonomy_csv(TAXONOMIES / f"{name}.csv")}
    for label in LABELS[name][::7]:
        others = [other for other in LABELS[name] if not _line(taxonomy, label, other)]
        pairs = [Pair(label, text) for other in others for text in synonyms[other]]
        assert {verdict.category for verdict in JUDGES[name].judge(pairs)} <= {Category.WRONG}


def _line(taxonomy, one, other):
    """Whether one is the other or lies above it."""
    first, second = taxonomy.find(one), taxonomy.find(other)
    return first is second or one in second.ancestors or other in first.ancestors


@pytest.mark.parametrize(("name", "letter", "truth", "prediction"), PAIRS, ids=":".join)
def test_spot_checks(name, letter, truth, prediction):
    assert level(name, truth, prediction) == letter


@each_set
def test_the_spot_checks_hold_all_six_levels(name):
    letters = {letter for pair, letter, *_ in PAIRS if pair == name} - {"?"}
    assert letters == set("WAGLSM") - ({"M"} if name == "stanford_cars" else set())


@pytest.mark.parametrize("row", AIRCRAFT, ids=lambda row: row["variant"])
def test_family_and_manufacturer_of_an_aircraft(row):
    variant, family, manufacturer = row.values()
    family = f"{family} family" if family in ALSO_A_VARIANT else family
    taxonomy = JUDGES["fgvc_aircraft"].taxonomies[0]
    same = taxonomy.find(family) is taxonomy.find(variant)
    assert level("fgvc_aircraft", variant, family) == ("S" if same else "L")
    short = {"Eurofighter": "Panavia"}.get(manufacturer, manufacturer)
    assert level("fgvc_aircraft", variant, short) == ("G" if short == manufacturer else "W")
    if manufacturer.split()[0] not in variant:
        assert level("fgvc_aircraft", variant, f"{manufacturer} {variant}") == "S"


@pytest.mark.parametrize("row", CARS, ids=lambda row: row["label"])
def test_make_model_and_year_of_a_car(row):
    label, make = row.values()
    undated, year = label[:-5], label[-4:]
    assert level("stanford_cars", label, f"{year} {undated}") == "S"
    assert level("stanford_cars", label, f"{undated} ({year})") == "S"
    assert level("stanford_cars", label, undated) == "L"
    assert level("stanford_cars", label, f"{undated} car") == "L"
    assert level("stanford_cars", label, f"{year} {make}") == "G"
    assert level("stanford_cars", label, "HUMMER") == {"HUMMER": "G", "AM General": "L"}.get(
        make, "W"
    )
    for other in ("1979", str(int(year) - 1), str(int(year) + 1)):
        assert level("stanford_cars", label, f"{other} {undated}") == "W"
        assert level("stanford_cars", label, f"{undated} {other}") == "W"
        assert level("stanford_cars", label, f"{other} {make}") == "W"


@pytest.mark.parametrize("label", LABELS["food101"])
def test_a_dish_as_the_data_set_writes_it(label):
    assert level("food101", label.replace(" ", "_"), label.title()) == "S"
    assert level("food101", label, label.replace(" ", "_")) == "S"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("fgvc_aircraft", ["fighter jet", "biplane", "business jet", "regional jet", "trijet"]),
        ("stanford_cars", ["sedan", "convertible", "SUV", "minivan", "pickup truck", "sports car"]),
        ("food101", ["dessert", "seafood", "breakfast", "Japanese food", "fried food"]),
    ],
)
def test_a_kind_is_generic_or_wrong_and_wrong_behind_a_name_if_wrong_alone(name, kinds):
    for kind in kinds:
        seen = {label: level(name, label, kind) for label in LABELS[name]}
        assert set(seen.values()) == {"G", "W"}
        behind = {label: level(name, label, f"{label} {kind}") for label in LABELS[name]}
        assert behind == {label: "S" if seen[label] == "G" else "W" for label in seen}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fgvc_aircraft", "F/A-18"),
        ("fgvc_aircraft", "F-16A/B"),
        ("fgvc_aircraft", "Boeing 707-320"),
        ("stanford_cars", "Ram C/V Cargo Van Minivan 2012"),
        ("stanford_cars", "Citroen"),
        ("stanford_cars", "Citroe\u0308n C3"),
        ("stanford_cars", "Bugatti Veyron 16.4 Coupe 2009"),
        ("food101", "cre\u0300me bru\u0302le\u0301e"),
    ],
)
def test_names_with_marks_survive(name, text):
    assert JUDGES[name].taxonomies[0].find(text) is not None


def test_everything_is_a_verdict_for_what_a_tree_knows():
    pairs = [Pair("Spitfire", "a plane"), Pair("Spitfire", "Spitfire or Hurricane")]
    verdicts = JUDGES["fgvc_aircraft"].judge(pairs)
    assert all(isinstance(verdict, Verdict) for verdict in verdicts)
