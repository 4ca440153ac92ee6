"""Several data sets in one run: a sample's own tree alone answers."""

from pathlib import Path

import pytest
import yaml

from speciarl_pl.judge import TaxonomyJudge
from speciarl_pl.judge.rules.taxonomy import taxonomy_path
from speciarl_pl.judge.rules.tree_file import read_taxonomy_csv
from speciarl_pl.records import Pair, Unjudged, Verdict
from tests.judge.test_taxonomies_animals_plants import LABELS as LIVING
from tests.judge.test_taxonomies_vehicles_food import LABELS as MADE

LABELS = LIVING | MADE
CONFIG = Path(__file__).parents[2] / "configs" / "eval" / "benchmarks.yaml"

TRUE_OF_ALL = {
    "fgvc_aircraft": {"vehicle"},
    "stanford_cars": {"vehicle"},
    "flowers102": {"living thing", "organism"},
    "oxford_pets": {"living thing", "organism"},
}
"""Names that several sets share and that are true of every label of these."""
NAMED_ALIKE = {
    ("fgvc_aircraft", "Caravan"): "Cessna 208",
    ("fgvc_aircraft", "Challenger"): "Challenger 600",
    ("fgvc_aircraft", "Dakota"): "C-47",
    ("fgvc_aircraft", "Metro"): "Metroliner",
    ("flowers102", "food"): "artichoke, watercress",
    ("flowers102", "legumes"): "sweet pea",
    ("food101", "legume"): "edamame",
    ("food101", "Bolognese"): "spaghetti bolognese",
    ("food101", "Rolls"): "spring rolls",
    ("stanford_cars", "rolls"): "Rolls-Royce",
    ("stanford_cars", "Caravan"): "Dodge Caravan",
    ("stanford_cars", "Challenger"): "Dodge Challenger",
    ("stanford_cars", "Dakota"): "Dodge Dakota",
    ("stanford_cars", "Metro"): "Geo Metro",
}
"""Names of another set that are also names of something in this one, and of what."""


@pytest.fixture(scope="module")
def sets():
    [stage] = [
        stage["init_args"]
        for stage in yaml.safe_load(CONFIG.read_text())["data"]["judge"]["init_args"]["stages"]
        if stage["class_path"] == "TaxonomyJudge"
    ]
    return stage["taxonomy"]


@pytest.fixture(scope="module")
def judge(sets):
    return TaxonomyJudge(sets, unknown="unjudged")


def names(name):
    """All names of what a tree knows, and the labels as the data set writes them."""
    rows = read_taxonomy_csv(taxonomy_path(name))
    known = [row for row in rows if row.role not in ("distractor", "attribute")]
    return {text for row in known for text in (row.name, *row.synonyms)} | set(LABELS[name])


def _is_right(judgement):
    return isinstance(judgement, Verdict) and judgement.category.is_correct


@pytest.mark.parametrize(
    ("dataset", "truth", "prediction", "expected"),
    [
        ("flowers102", "lotus", "Lotus Elise", None),
        ("flowers102", "rose", "rose (flower)", "specific"),
        ("oxford_pets", "boxer", "Peugeot", None),
        ("oxford_pets", "boxer", "a car", "wrong"),
        ("stanford_cars", "Audi S4 Sedan 2007", "plane", "wrong"),
        ("fgvc_aircraft", "Cessna 208", "Caravan", "specific"),
        ("stanford_cars", "Dodge Caravan Minivan 1997", "Caravan", "less specific"),
        ("birds of mine", "boxer", "dog", None),
    ],
)
def test_the_tree_of_the_data_set_answers_alone(judge, dataset, truth, prediction, expected):
    [judgement] = judge.judge([Pair(truth, prediction, dataset)])
    found = judgement.category.label if isinstance(judgement, Verdict) else None
    assert found == expected


def test_labels_of_another_set_are_never_right(judge, sets):
    """All pairs of labels; those of names are counted by the slow test below."""
    pairs = [
        Pair(truth, other, name)
        for name in sets
        for truth in LABELS[name][::3]
        for another in sets
        if another != name
        for other in LABELS[another]
    ]
    right = {
        (pair.dataset, pair.prediction)
        for pair, one in zip(pairs, judge.judge(pairs), strict=True)
        if _is_right(one)
    }
    assert len(pairs) > 50_000
    assert right == set()


@pytest.mark.slow
def test_of_all_pairs_across_sets_fewer_than_one_in_ten_thousand_are_right(judge, sets):
    """Every label with every name of every other set, 6.3 million pairs: all right ones are known.

    A name that the tree cannot read for its first and last label it cannot read for the others.
    """
    asked, right = 0, {}
    for name in sets:
        for text in sorted({text for other in sets if other != name for text in names(other)}):
            pairs = [Pair(truth, text, name) for truth in LABELS[name]]
            asked += len(pairs)
            ends = judge.judge([pairs[0], pairs[-1]])
            if all(isinstance(one, Unjudged) for one in ends):
                continue
            count = sum(_is_right(one) for one in judge.judge(pairs))
            if count:
                right[name, text] = count
    shared = {(name, text) for name, texts in TRUE_OF_ALL.items() for text in texts}
    assert asked > 6_000_000
    assert set(right) == shared | NAMED_ALIKE.keys()
    assert sum(right.values()) < asked / 10_000
    assert sum(right[key] for key in NAMED_ALIKE) < asked / 100_000
