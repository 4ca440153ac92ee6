import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.metrics.functional import hierarchical_interval, hierarchical_scores
from speciarl_pl.metrics.functional.hierarchical import overlap_rows

SETS = st.frozensets(st.sampled_from("abcdef"), max_size=5)
PAIRS = st.lists(st.tuples(SETS, SETS), max_size=12)


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


@given(PAIRS)
def test_equals_counting_name_for_name(pairs):
    truths, predictions = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found = [score.item() for score in hierarchical_scores(truths, predictions).values()]
    assert found == pytest.approx(list(micro_average(pairs)), rel=1e-6, nan_ok=True)


def test_the_average_is_over_names_and_not_over_predictions():
    truths = [{"animal", "dog", "samoyed"}, {"animal"}]
    scores = hierarchical_scores(truths, [{"animal", "dog"}, {"plant"}])
    assert scores["precision"].item() == pytest.approx(2 / 3)
    assert scores["recall"].item() == pytest.approx(2 / 4)
    assert scores["f1"].item() == pytest.approx(4 / 7)


def test_an_answer_that_names_nothing_costs_recall_alone():
    scores = hierarchical_scores([{"a", "b"}, {"a"}], [{"a", "b"}, set()])
    assert (scores["precision"], scores["recall"]) == (1.0, pytest.approx(2 / 3))
    nothing = hierarchical_scores([{"a"}], [set()])
    assert nothing["precision"].isnan()
    assert (nothing["recall"], nothing["f1"]) == (0.0, 0.0)


ROWS = torch.tensor([[1, 2, 3], [2, 2, 2], [0, 1, 3], [3, 3, 3], [0, 0, 2]]).repeat(30, 1)


def test_the_bootstrap_equals_drawing_rows():
    rows, random = ROWS.numpy(), np.random.default_rng(1)
    drawn = [rows[random.integers(len(rows), size=len(rows))].sum(0) for _ in range(2000)]
    shared, predicted, true = np.array(drawn).T
    scores = shared / predicted, shared / true, 2 * shared / (predicted + true)
    expected = np.quantile(scores, [0.025, 0.975], axis=1).T
    assert hierarchical_interval(ROWS).numpy() == pytest.approx(expected, abs=0.01)


def test_the_bootstrap_is_seeded_and_takes_rows_in_any_order():
    first = hierarchical_interval(ROWS, seed=3)
    assert first.equal(hierarchical_interval(ROWS.flip(0), seed=3))
    assert not first.equal(hierarchical_interval(ROWS, seed=4))


def test_undefined_scores_have_no_interval():
    assert hierarchical_interval(overlap_rows([], [])).isnan().all()
    precision, recall, both = hierarchical_interval(overlap_rows([{"a"}], [set()]))
    assert precision.isnan().all()
    assert recall.tolist() == both.tolist() == [0.0, 0.0]


def test_bad_arguments():
    with pytest.raises(ValueError, match="predicted_ancestors: expected one set for each of 1"):
        hierarchical_scores([{"a"}], [])
    with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1"):
        hierarchical_interval(ROWS, confidence=95)
    with pytest.raises(ValueError, match="resamples: expected an int >= 1, got 0"):
        hierarchical_interval(ROWS, resamples=0)
