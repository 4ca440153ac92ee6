import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from speciarl_pl.metrics.functional import (
    bootstrap_interval,
    harmonic_mean,
    outcome_counts,
    specificity,
    wilson_interval,
)
from speciarl_pl.metrics.functional.intervals import percentile_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (7, 7), (1, 1), (3, 10), (480, 500)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_equals_scipy(successes, n, confidence):
    expected = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    bounds = wilson_interval(torch.tensor(successes), torch.tensor(n), confidence)
    assert bounds.tolist() == pytest.approx([expected.low, expected.high], abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 29, 49, 1000])
def test_wilson_equals_scipy_for_all_numbers_of_successes(n):
    successes = torch.arange(0, n + 1, max(1, n // 50))
    bounds = wilson_interval(successes, torch.full_like(successes, n))
    for k, pair in zip(successes.tolist(), bounds.tolist(), strict=True):
        expected = binomtest(k, n).proportion_ci(method="wilson")
        assert pair == pytest.approx([expected.low, expected.high], abs=1e-12)


@pytest.mark.parametrize("n", [1, 10, 49, 3669])
def test_wilson_is_exact_at_the_ends(n):
    bounds = wilson_interval(torch.tensor([0, n]), torch.tensor([n, n]))
    assert bounds[0, 0] == 0.0
    assert bounds[1, 1] == 1.0


def test_wilson_takes_batches_and_is_undefined_without_trials():
    bounds = wilson_interval(torch.tensor([1, 0]), torch.tensor([2, 0]))
    assert bounds.shape == (2, 2)
    assert bounds[1].isnan().all()


COUNTS = torch.tensor([50, 5, 10, 5, 30, 20, 25, 5])


@pytest.mark.parametrize("statistic", [specificity, harmonic_mean], ids=["specificity", "hm"])
def test_bootstrap_equals_resampling_of_predictions(statistic):
    codes = np.repeat(np.arange(-2, 6), COUNTS.numpy())
    codes = codes[codes != -2]
    draws = np.random.default_rng(1).choice(codes, size=(2000, len(codes)))
    values = [statistic(outcome_counts(torch.from_numpy(draw)).double()) for draw in draws]
    expected = np.quantile(values, [0.025, 0.975])
    assert bootstrap_interval(COUNTS, statistic).tolist() == pytest.approx(expected, abs=0.01)


def test_bootstrap_is_seeded_and_ignores_the_unjudged():
    first = bootstrap_interval(COUNTS, specificity, seed=1)
    assert first.equal(bootstrap_interval(COUNTS, specificity, seed=1))
    assert not first.equal(bootstrap_interval(COUNTS, specificity, seed=2))
    without = COUNTS.clone()
    without[0] = 0
    assert first.equal(bootstrap_interval(without, specificity, seed=1))


@pytest.mark.parametrize("counts", [[0] * 8, [9, 0, 0, 0, 0, 0, 0, 0], [0, 3, 3, 3, 0, 0, 0, 0]])
def test_bootstrap_of_what_is_never_defined_is_undefined(counts):
    assert bootstrap_interval(torch.tensor(counts), specificity).isnan().all()


def test_bootstrap_leaves_undefined_draws_out():
    bounds = bootstrap_interval(torch.tensor([0, 0, 3, 0, 1, 0, 0, 0]), specificity)
    assert bounds.tolist() == pytest.approx([0.2, 0.2])


def test_bootstrap_covers_the_truth():
    """Of 300 simulated evaluations of 300 images about 95 % of the intervals hold the truth."""
    rates = np.array([0, 0.05, 0.1, 0.05, 0.3, 0.2, 0.25, 0.05])
    truths = {
        statistic: statistic(torch.from_numpy(rates)).item()
        for statistic in (specificity, harmonic_mean)
    }
    drawn = np.random.default_rng(0).multinomial(300, rates, size=300)
    for statistic, truth in truths.items():
        covered = 0
        for seed, counts in enumerate(drawn):
            low, high = bootstrap_interval(
                torch.from_numpy(counts), statistic, resamples=400, seed=seed
            )
            covered += bool(low <= truth <= high)
        assert 0.91 <= covered / len(drawn) <= 0.985


@pytest.mark.parametrize("confidence", [0, 1, 95, float("nan")])
def test_bad_confidence(confidence):
    with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1"):
        wilson_interval(torch.tensor(1), torch.tensor(2), confidence)
    with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1"):
        bootstrap_interval(COUNTS, specificity, confidence)


def test_percentiles_leave_undefined_draws_out():
    draws = np.random.default_rng(0).normal(size=(500, 3))
    draws[::7, 1] = np.nan
    draws[:, 2] = np.nan
    bounds = percentile_interval(torch.from_numpy(draws), 0.8)
    assert bounds[:2].numpy() == pytest.approx(np.nanquantile(draws[:, :2], [0.1, 0.9], axis=0).T)
    assert bounds[2].isnan().all()


def test_bad_resamples():
    with pytest.raises(ValueError, match="resamples: expected an int >= 1, got 0"):
        bootstrap_interval(COUNTS, specificity, resamples=0)
