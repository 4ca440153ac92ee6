import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.category import UNJUDGED, UNPARSED, Category
from speciarl_pl.metrics.functional import (
    OUTCOME_LABELS,
    category_rates,
    correctness,
    harmonic_mean,
    outcome_counts,
    specificity,
)

CODES = st.lists(st.integers(-2, 5), max_size=40)
RELEASE = {2: 0.2, 3: 0.6, 4: 1.0, 5: 1.0}


def counts_of(codes):
    return outcome_counts(torch.tensor(codes, dtype=torch.int64)).double()


def slow_metrics(codes):
    """Correctness, specificity and harmonic mean with plain loops; None where undefined."""
    seen = [code for code in codes if code != UNJUDGED]
    correct = [code for code in seen if code in RELEASE]
    if not seen:
        return None, None, None
    if not correct:
        return 0.0, None, 0.0
    share = len(correct) / len(seen)
    level = math.fsum(RELEASE[code] for code in correct) / len(correct)
    return share, level, 2 / (1 / share + 1 / level)


@settings(deadline=None)
@given(CODES)
def test_equals_plain_loops(codes):
    counts = counts_of(codes)
    for value, expected in zip(
        (correctness(counts), specificity(counts), harmonic_mean(counts)),
        slow_metrics(codes),
        strict=True,
    ):
        assert value.item() == pytest.approx(
            math.nan if expected is None else expected, nan_ok=True
        )


@settings(deadline=None)
@given(CODES)
def test_rates_equal_plain_loops(codes):
    rates = {name: value.item() for name, value in category_rates(counts_of(codes)).items()}
    n = sum(code != UNJUDGED for code in codes)
    for category in Category:
        merged = (category, UNPARSED) if category is Category.WRONG else (category,)
        share = sum(code in merged for code in codes) / n if n else math.nan
        name = category.label.replace(" ", "_") + "_rate"
        assert rates.pop(name) == pytest.approx(share, nan_ok=True)
    unparsed = codes.count(UNPARSED) / n if n else math.nan
    unjudged = codes.count(UNJUDGED) / len(codes) if codes else math.nan
    assert rates.pop("unparsed_rate") == pytest.approx(unparsed, nan_ok=True)
    assert rates.pop("unjudged_rate") == pytest.approx(unjudged, nan_ok=True)
    assert not rates


@settings(deadline=None)
@given(CODES)
def test_counts_equal_a_counter(codes):
    counted = Counter(codes)
    assert counts_of(codes).tolist() == [counted[place - 2] for place in range(8)]


def test_unjudged_ones_change_no_rate_but_their_own():
    codes = [0, 1, 2, 3, 4, 5, UNPARSED]
    with_unjudged = counts_of([*codes, UNJUDGED, UNJUDGED])
    for metric in (correctness, specificity, harmonic_mean):
        assert metric(with_unjudged) == metric(counts_of(codes))


def test_labels_name_the_places():
    for code, label in [(UNJUDGED, "unjudged"), (UNPARSED, "unparsed"), (3, "less specific")]:
        assert OUTCOME_LABELS[int(counts_of([code]).argmax())] == label


def test_counts_of_any_shape_and_integer_type():
    codes = torch.tensor([[4, 4], [-2, 0]], dtype=torch.int8)
    assert outcome_counts(codes).equal(outcome_counts(codes.flatten().long()))
    assert outcome_counts(codes).dtype == torch.int64


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([0, 6], "codes: expected values from -2 to 5, got 0 to 6"),
        ([-3], "codes: expected values from -2 to 5, got -3 to -3"),
        ([0.0], "codes: expected integers, got torch.float32"),
        ([True], "codes: expected integers, got torch.bool"),
    ],
)
def test_bad_codes(codes, message):
    with pytest.raises(ValueError, match=message):
        outcome_counts(torch.tensor(codes))


def test_batches_of_counts():
    stacked = torch.stack([counts_of([0, 2]), counts_of([4]), counts_of([])])
    assert correctness(stacked).nan_to_num(-1).tolist() == [0.5, 1.0, -1.0]
    assert specificity(stacked).nan_to_num(-1).tolist() == [0.2, 1.0, -1.0]
    assert harmonic_mean(stacked).shape == (3,)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [("release", 0.7), ("ordinal", 0.75), ((0, 0, 0.5, 1), 0.375), ([0.0, 0.0, 0.0, 0.0], 0.0)],
)
def test_weights(weights, expected):
    counts = counts_of([2, 3, 4, 5])
    assert specificity(counts, weights).item() == pytest.approx(expected)
    assert harmonic_mean(counts, weights).item() == pytest.approx(2 * expected / (1 + expected))


@pytest.mark.parametrize(
    "weights",
    ["paper", (1, 1, 1), (1, 1, 1, 1, 1), (0, 0, 0, 2), (-1, 0, 0, 1), (0, 0, 0, math.nan)],
)
def test_bad_weights(weights):
    with pytest.raises(ValueError, match="weights: expected"):
        specificity(counts_of([4]), weights)


def test_the_papers_table_is_close_to_the_mean_of_its_rates():
    """Zero-shot .742 / .846 -> HM .790 (PAPER.md, section 5)."""
    counts = torch.tensor([0, 0, 154, 0, 0, 0, 846, 0]).double()
    value = harmonic_mean(counts, (0, 0, 0.742, 1))
    assert value.item() == pytest.approx(0.790, abs=1e-3)
