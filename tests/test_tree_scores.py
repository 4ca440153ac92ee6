import csv

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.rules.taxonomy import taxonomy_path
from speciarl_pl.judge.rules.tree import Taxonomy
from speciarl_pl.older_protocol import Prediction, distinct_pairs
from speciarl_pl.step.tree_scores import (
    AncestorSets,
    overlap_rows,
    scores_interval,
    scores_of_sums,
    tree_scores,
)

TREE = """name,parent,synonyms,generic,also
thing,,object,yes,
animal,thing,,yes,
dog,animal,canine,yes,
Samoyed,dog,sammy,,
vehicle,thing,,yes,
car,vehicle,,yes,
sedan,car,saloon,yes,
Audi,car,,,
Audi A4,Audi,,,sedan
Audi A4 2012,Audi A4,,,
"""


@pytest.fixture
def sets(tmp_path):
    path = tmp_path / "tree.csv"
    path.write_text(TREE)
    return AncestorSets(str(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Samoyed", {"Samoyed", "dog", "animal"}),
        ("a SAMMY.", {"Samoyed", "dog", "animal"}),
        ("dogs", {"dog", "animal"}),
        ("Samoyed dog", {"Samoyed", "dog", "animal"}),
        ("object", set()),
        ("Audi A4", {"Audi A4", "Audi", "sedan", "car", "vehicle"}),
        ("Audi saloon", {"Audi", "sedan", "car", "vehicle"}),
        ("2012 Audi A4", {"Audi A4 2012", "Audi A4", "Audi", "sedan", "car", "vehicle"}),
        ("Audi A4 (2009)", {"Audi A4", "Audi", "sedan", "car", "vehicle"}),
        ("2009 Samoyed", {"Samoyed", "dog", "animal"}),
        ("cat", None),
        ("Samoyed or Audi", None),
        ("None", None),
        ("", None),
        ("2012", None),
    ],
)
def test_sets(sets, text, expected):
    assert sets.of(text) == expected


def test_a_tree_without_one_root_keeps_its_roots(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("name,parent\ncat,\ndog,\nSamoyed,dog\n")
    sets = AncestorSets(str(path))
    assert (sets.of("cat"), sets.of("Samoyed")) == ({"cat"}, {"Samoyed", "dog"})


def climbed(rows, name):
    """Names above and including `name`, by climbing row by row."""
    found = {name}
    for parent in rows[name]:
        found |= climbed(rows, parent)
    return found


@pytest.mark.parametrize("taxonomy", ["oxford_pets", "stanford_cars", "world"])
def test_packaged_trees_equal_climbing(taxonomy):
    with taxonomy_path(taxonomy).open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    above = {row["name"]: [row["parent"], *(row.get("also") or "").split("|")] for row in table}
    rows = {name: list(filter(None, parents)) for name, parents in above.items()}
    root = {"object"} if taxonomy == "world" else set()
    sets = AncestorSets(taxonomy)
    for node in Taxonomy.from_csv(taxonomy_path(taxonomy)).nodes[::17]:
        assert sets.of(node.name) == climbed(rows, node.name) - root


def test_unknown_taxonomy():
    with pytest.raises(JudgeError, match=r"taxonomy: expected one of cub, .* got 'birds'"):
        AncestorSets("birds")


PREDICTIONS = [
    Prediction("Samoyed", "Samoyed", sample_id="1"),
    Prediction("Samoyed", "dog", sample_id="1"),
    Prediction("Samoyed", "Siamese cat", sample_id="2"),
    Prediction("Samoyed", "None", sample_id="2"),
    Prediction("pug", None, sample_id="3"),
    Prediction("pug", "a thing with fur", sample_id="3"),
    Prediction("not in the tree", "dog", sample_id="4"),
    Prediction("", "dog", sample_id="5"),
]


def scored(predictions):
    return tree_scores(distinct_pairs(predictions), AncestorSets("oxford_pets"))


def test_equals_adding_up_by_hand():
    sets, shared, predicted, true = AncestorSets("oxford_pets"), 0, 0, 0
    for one in PREDICTIONS[:6]:
        truth = sets.of(one.truth)
        answer = (sets.of(one.answer) if one.answer else None) or set()
        shared += len(truth & answer)
        predicted += len(answer)
        true += len(truth)
    found = scored(PREDICTIONS)
    assert 0 < shared < predicted < true
    assert found["precision"] == pytest.approx(shared / predicted)
    assert found["recall"] == pytest.approx(shared / true)
    assert found["f1"] == pytest.approx(2 * shared / (predicted + true))
    assert (found["n"], found["unknown"], found["left_out"]) == (6, 3, 1)
    for name in ("precision", "recall", "f1"):
        low, high = found["ci95"][name]
        assert 0 <= low <= found[name] <= high <= 1


def test_copies_of_an_image_make_no_interval_narrower():
    answers = ["Samoyed", "dog", "cat"] * 10
    once = [Prediction("Samoyed", answer, sample_id=f"{i}") for i, answer in enumerate(answers)]
    assert scored(once * 8)["ci95"] == scored(once)["ci95"]
    independent = [Prediction(one.truth, one.answer) for one in once * 8]
    assert scored(independent)["ci95"]["f1"][0] > scored(once)["ci95"]["f1"][0]


@pytest.mark.parametrize("predictions", [[], PREDICTIONS[-2:]], ids=["none", "left out"])
def test_nothing_to_score(predictions):
    found = scored(predictions)
    assert (found["precision"], found["recall"], found["f1"], found["n"]) == (None, None, None, 0)
    assert set(found["ci95"].values()) == {None}


SETS = st.frozensets(st.sampled_from("abcdef"), max_size=5)


def micro_average(pairs):
    """By counting name for name."""
    shared = predicted = true = 0
    for truth, prediction in pairs:
        for name in "abcdef":
            shared += name in truth and name in prediction
            predicted += name in prediction
            true += name in truth
    precision = shared / predicted if predicted else float("nan")
    recall = shared / true if true else float("nan")
    if predicted + true == 0:
        return precision, recall, float("nan")
    both = 2 * precision * recall / (precision + recall) if shared else 0.0
    return precision, recall, both


@given(st.lists(st.tuples(SETS, SETS), max_size=12))
def test_equals_counting_name_for_name(pairs):
    found = scores_of_sums(overlap_rows(pairs).sum(0)).tolist()
    assert found == pytest.approx(list(micro_average(pairs)), nan_ok=True)


ROWS = torch.tensor([[1, 2, 3], [2, 2, 2], [0, 1, 3], [3, 3, 3], [0, 0, 2]]).repeat(30, 1)


def test_the_bootstrap_equals_drawing_rows():
    rows, random = ROWS.numpy(), np.random.default_rng(1)
    drawn = [rows[random.integers(len(rows), size=len(rows))].sum(0) for _ in range(2000)]
    shared, predicted, true = np.array(drawn).T
    scores = shared / predicted, shared / true, 2 * shared / (predicted + true)
    expected = np.quantile(scores, [0.025, 0.975], axis=1).T
    assert scores_interval(ROWS).numpy() == pytest.approx(expected, abs=0.01)


def test_the_bootstrap_is_seeded_and_takes_rows_in_any_order():
    first = scores_interval(ROWS, seed=3)
    assert first.equal(scores_interval(ROWS.flip(0), seed=3))
    assert not first.equal(scores_interval(ROWS, seed=4))


def test_undefined_scores_have_no_interval():
    assert scores_interval(overlap_rows([])).isnan().all()
    precision, recall, both = scores_interval(overlap_rows([(frozenset("a"), frozenset())]))
    assert precision.isnan().all()
    assert recall.tolist() == both.tolist() == [0.0, 0.0]
