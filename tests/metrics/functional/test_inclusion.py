import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from speciarl_pl.metrics.functional import is_included, llm_inclusion, textual_inclusion
from speciarl_pl.metrics.functional.inclusion import share_of_yes_interval, yes_counts

TEXTS = st.text(max_size=12)
ANSWERS = st.lists(st.sampled_from([True, False, None]), max_size=30)


def lowered_search(truth, prediction):
    """The same by comparing at every place."""
    small, large = truth.lower(), prediction.lower()
    places = range(len(large) - len(small) + 1)
    return any(large[start : start + len(small)] == small for start in places)


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [
        ("Samoyed", "samoyed", True),
        ("Samoyed", "A SAMOYED dog", True),
        ("samoyed dog", "samoyed", False),
        ("dog", "hotdog", True),
        ("F/A-18", "an f/a-18 hornet", True),
        ("F/A-18", "FA 18", False),
        ("707-320", "Boeing 707-320", True),
        ("C\u00e9leri", "c\u00c9leri remoulade", True),
        ("dog", "", False),
        ("dog", None, False),
    ],
)
def test_is_included(truth, prediction, expected):
    assert is_included(truth, prediction) is expected


@given(TEXTS.filter(str.strip), TEXTS, TEXTS)
def test_is_included_equals_a_search_place_by_place(truth, before, after):
    assert is_included(truth, before + after) == lowered_search(truth, before + after)
    if truth.isascii() and before.isascii():
        assert is_included(truth, before + truth.swapcase() + after)


def test_textual_inclusion_is_the_mean():
    truths = ["dog", "cat", "cat", "cow"]
    predictions = ["Dog", "dog", None, "a cow"]
    loop = [p is not None and t in p.lower() for t, p in zip(truths, predictions, strict=True)]
    assert textual_inclusion(truths, predictions) == sum(loop) / 4


@given(ANSWERS)
def test_llm_inclusion_leaves_missing_answers_out(answers):
    given_answers = [answer for answer in answers if answer is not None]
    share = llm_inclusion(answers).item()
    if given_answers:
        assert share == pytest.approx(sum(given_answers) / len(given_answers))
    else:
        assert math.isnan(share)
    assert yes_counts(answers).tolist() == [answers.count(kind) for kind in (True, False, None)]


def test_the_interval_is_wilsons_over_the_answers():
    expected = binomtest(7, 9).proportion_ci(0.9, method="wilson")
    found = share_of_yes_interval(torch.tensor([7, 2, 100]), 0.9)
    assert found.tolist() == pytest.approx([expected.low, expected.high], abs=1e-9)
    assert share_of_yes_interval(torch.tensor([0, 0, 3])).isnan().all()


def test_no_predictions():
    assert textual_inclusion([], []).isnan()
    assert llm_inclusion([]).isnan()


@pytest.mark.parametrize("truth", ["", " \t"])
def test_a_blank_truth_is_in_everything_and_so_refused(truth):
    with pytest.raises(ValueError, match="truth: expected a name, got a blank"):
        textual_inclusion(["dog", truth], ["dog", "cat"])


def test_bad_lengths():
    with pytest.raises(ValueError, match="predictions: expected one for each of 2 truths, got 1"):
        textual_inclusion(["a", "b"], ["a"])


@pytest.mark.parametrize("answer", [1, 0, "yes", 0.5])
def test_bad_answers(answer):
    with pytest.raises(ValueError, match=f"answers: expected True, False or None, got {answer!r}"):
        llm_inclusion([True, answer])
