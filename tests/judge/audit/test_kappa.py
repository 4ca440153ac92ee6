import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from speciarl_pl.judge.audit.kappa import Estimate, kappa, kappa_estimate

WEIGHTS = ["none", "linear", "quadratic"]
TABLES = arrays(np.int64, (6, 6), elements=st.integers(0, 9))


def plain_kappa(table, weights: str) -> float:
    """From the list of pairs, as one would by hand."""
    cost = {
        "none": lambda a, b: float(a != b),
        "linear": lambda a, b: abs(a - b),
        "quadratic": lambda a, b: (a - b) ** 2,
    }[weights]
    pairs = [(a, b) for (a, b), n in np.ndenumerate(table) for _ in range(n)]
    observed = sum(cost(a, b) for a, b in pairs) / len(pairs)
    chance = sum(cost(a, b) for a, _ in pairs for _, b in pairs) / len(pairs) ** 2
    return 1 - observed / chance if chance else math.nan


@given(table=TABLES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_kappa_equals_a_plain_loop(weights, table):
    table = table // 4  # few pairs, for the loop is quadratic
    assume(table.sum())

    expected = plain_kappa(table, weights)

    assert float(kappa(table, weights)) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(
    ("table", "weights", "expected"),
    [
        ([[20, 5], [10, 15]], "none", 0.4),
        ([[45, 15], [25, 15]], "none", 0.1304),
        ([[25, 35], [5, 35]], "none", 0.2593),
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], "none", 0.6765),
        ([[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]], "none", 0.1293),
        ([[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]], "linear", 0.2374),
    ],
    ids=["grants", "same totals", "other totals", "diagnoses", "couples", "couples, linear"],
)
def test_kappa_of_known_tables(table, weights, expected):
    assert float(kappa(np.array(table), weights)) == pytest.approx(expected, abs=5e-5)


@given(table=TABLES)
def test_quadratic_kappa_is_lins_concordance(table):
    first = np.repeat(np.arange(6), table.sum(1))
    second = np.concatenate([np.repeat(np.arange(6), line) for line in table])
    apart = first.var() + second.var() + (first.mean() - second.mean()) ** 2 if len(first) else 0
    assume(apart > 0)

    concordance = 2 * np.cov(first, second, bias=True)[0, 1] / apart

    assert float(kappa(table, "quadratic")) == pytest.approx(concordance, abs=1e-9)


@given(table=TABLES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_kappa_does_not_care_who_is_the_reference_nor_which_end_is_up(weights, table):
    value = float(kappa(table, weights))

    assert float(kappa(table.T, weights)) == pytest.approx(value, abs=1e-12, nan_ok=True)
    assert float(kappa(table[::-1, ::-1], weights)) == pytest.approx(value, abs=1e-12, nan_ok=True)


@given(table=TABLES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_kappa_equals_scikit_learns(weights, table):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    assume(not np.isnan(kappa(table, weights)))
    first, second = np.nonzero(np.ones((6, 6)))

    expected = metrics.cohen_kappa_score(
        first,
        second,
        weights=None if weights == "none" else weights,
        sample_weight=table.ravel(),
    )

    assert float(kappa(table, weights)) == pytest.approx(expected, abs=1e-9)


def test_matrices_stack():
    tables = np.random.default_rng(0).integers(0, 9, (4, 3, 6, 6))

    values = kappa(tables, "linear")

    assert values.shape == (4, 3)
    assert values[2, 1] == kappa(tables[2, 1], "linear")


def table_of(*places: tuple[int, int, int]):
    table = np.zeros((6, 6), np.int64)
    for row, column, n in places:
        table[row, column] = n
    return table


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (table_of(), Estimate(None)),
        (table_of((4, 4, 1)), Estimate(None)),
        (table_of((4, 4, 50)), Estimate(None)),
        (table_of((4, 2, 1)), Estimate(0.0)),
        (table_of((4, 2, 9)), Estimate(0.0, 0.0, 0.0)),
        (table_of((4, 4, 9), (0, 0, 9)), Estimate(1.0, 1.0, 1.0)),
        (table_of((4, 4, 1), (0, 0, 1)), Estimate(1.0)),
    ],
    ids=[
        "no pairs",
        "one pair",
        "one category",
        "one pair apart",
        "always apart alike",
        "all agree",
        "half of the resamples undefined",
    ],
)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_degenerate_tables(weights, table, expected):
    assert kappa_estimate(table, weights) == expected


def test_the_seed_settles_the_interval():
    table = np.random.default_rng(0).integers(1, 20, (6, 6))

    assert kappa_estimate(table, seed=1) == kappa_estimate(table, seed=1)
    assert kappa_estimate(table, seed=1) != kappa_estimate(table, seed=2)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_bootstrap_of_counts_equals_that_of_pairs(weights):
    table = np.diag([20, 3, 5, 8, 30, 4]) + np.random.default_rng(0).integers(0, 3, (6, 6))
    pairs = np.repeat(np.arange(36), table.ravel())
    rng = np.random.default_rng(1)
    drawn = [np.bincount(rng.choice(pairs, len(pairs)), minlength=36) for _ in range(4000)]

    expected = np.percentile(kappa(np.reshape(drawn, (-1, 6, 6)), weights), [2.5, 97.5])

    estimate = kappa_estimate(table, weights, resamples=4000)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected), abs=0.01)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_intervals_cover_the_true_kappa_about_as_often_as_they_say(weights):
    """300 audits of 200 pairs; 95 % of 300 is 285 with a standard deviation of 3.8."""
    rng = np.random.default_rng(0)
    shares = (
        np.diag([0.3, 0.03, 0.08, 0.08, 0.25, 0.03])
        + rng.dirichlet(np.ones(36)).reshape(6, 6) * 0.23
    )
    true = float(kappa(np.round(shares * 10**9).astype(np.int64), weights))

    estimates = [
        kappa_estimate(rng.multinomial(200, shares.ravel()).reshape(6, 6), weights, 0, 500)
        for _ in range(300)
    ]
    covered = sum(each.low <= true <= each.high for each in estimates)

    assert 270 <= covered <= 297


def test_unknown_weights_are_refused():
    with pytest.raises(ValueError, match="weights: expected one of none, linear, quadratic"):
        kappa(np.ones((2, 2), np.int64), "cubic")
