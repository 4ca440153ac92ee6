import numpy as np
import pytest
import torch
from scipy.stats import norm

from speciarl_pl.metrics.functional import (
    bootstrap_interval,
    clustered_interval,
    harmonic_mean,
    outcome_counts,
    specificity,
    wilson_interval,
)
from speciarl_pl.metrics.functional.intervals import percentile_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (7, 7), (1, 1), (3, 10), (480, 500)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_equals_the_formula(successes, n, confidence):
    z, share = norm.ppf((1 + confidence) / 2), successes / n
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    expected = [(share + z**2 / (2 * n) + sign * half) / (1 + z**2 / n) for sign in (-1, 1)]
    assert wilson_interval(successes, n, confidence) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [1, 10, 49, 3669])
def test_wilson_is_exact_at_the_ends(n):
    assert wilson_interval(0, n)[0] == 0.0
    assert wilson_interval(n, n)[1] == 1.0


def test_wilson_is_undefined_without_trials():
    assert wilson_interval(0, 0) is None


VALUES = torch.tensor(np.random.default_rng(0).uniform(-1, 1, 57))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_of_clusters_of_one_is_that_of_a_mean(confidence):
    plain = VALUES.numpy()
    error = plain.std(ddof=1) / np.sqrt(len(plain))
    found = clustered_interval(VALUES, torch.arange(len(VALUES)), confidence)
    assert found.tolist() == pytest.approx(list(norm.interval(confidence, plain.mean(), error)))


def test_equal_copies_say_no_more_than_one():
    once = clustered_interval(VALUES, torch.arange(57))
    copied = clustered_interval(VALUES.repeat_interleave(8), torch.arange(57).repeat_interleave(8))
    assert copied.tolist() == pytest.approx(once.tolist())


def test_equal_clusters_are_the_interval_of_their_means():
    values, clusters = VALUES[:56], torch.arange(14).repeat(4)
    means = torch.stack([values[clusters == one].mean() for one in range(14)])
    expected = clustered_interval(means, torch.arange(14))
    assert clustered_interval(values, clusters).tolist() == pytest.approx(expected.tolist())


def test_numbers_that_no_value_has_are_no_clusters():
    expected = clustered_interval(VALUES[:6], torch.tensor([0, 0, 1, 1, 2, 2]))
    assert clustered_interval(VALUES[:6], torch.tensor([9, 9, 4, 4, 7, 7])).equal(expected)


def test_clusters_of_any_size_cover_the_truth():
    """Of 400 simulated evaluations about 95 % of the intervals hold the mean."""
    random, covered = np.random.default_rng(1), 0
    for _ in range(400):
        sizes = random.integers(1, 9, size=120)
        centers = random.normal(0.3, 0.2, size=120)
        clusters = np.repeat(np.arange(120), sizes)
        values = np.repeat(centers, sizes) + random.normal(0, 0.1, size=len(clusters))
        low, high = clustered_interval(torch.from_numpy(values), torch.from_numpy(clusters))
        covered += bool(low <= 0.3 <= high)
    assert 0.92 <= covered / 400 <= 0.98


@pytest.mark.parametrize("count", [0, 1, 9])
def test_one_cluster_says_nothing(count):
    assert clustered_interval(VALUES[:count], torch.zeros(count, dtype=torch.int64)).isnan().all()


def test_bad_clusters():
    with pytest.raises(ValueError, match=r"clusters: expected \[n\] as values"):
        clustered_interval(VALUES, torch.zeros(3, dtype=torch.int64))


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
        wilson_interval(1, 2, confidence)
    with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1"):
        clustered_interval(VALUES, torch.arange(57), confidence)
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
