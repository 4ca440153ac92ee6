import numpy as np
import pytest
import torch
from scipy.stats import norm

from speciarl_pl.metrics.functional import clustered_interval, mean_interval
from speciarl_pl.metrics.functional.mean import mean_of, value_sums

VALUES = torch.tensor(np.random.default_rng(0).uniform(-1, 1, 57))


def test_sums_add_up():
    parts = sum(value_sums(part) for part in VALUES.split(10))
    assert parts.tolist() == pytest.approx(value_sums(VALUES).tolist())
    assert mean_of(parts).item() == pytest.approx(VALUES.mean().item())


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_mean_interval_equals_scipy(confidence):
    plain = VALUES.numpy()
    error = plain.std(ddof=1) / np.sqrt(len(plain))
    expected = norm.interval(confidence, plain.mean(), error)
    found = mean_interval(value_sums(VALUES), confidence)
    assert found.tolist() == pytest.approx(list(expected))


def test_single_values_are_clusters_of_one():
    alone = clustered_interval(VALUES, torch.arange(len(VALUES)))
    assert alone.tolist() == pytest.approx(mean_interval(value_sums(VALUES)).tolist())


def test_equal_copies_say_no_more_than_one():
    once = clustered_interval(VALUES, torch.arange(57))
    copied = clustered_interval(VALUES.repeat_interleave(8), torch.arange(57).repeat_interleave(8))
    assert copied.tolist() == pytest.approx(once.tolist())


def test_equal_clusters_are_the_interval_of_their_means():
    values, clusters = VALUES[:56], torch.arange(14).repeat(4)
    means = torch.stack([values[clusters == one].mean() for one in range(14)])
    expected = mean_interval(value_sums(means))
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


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_say(count):
    assert mean_interval(value_sums(VALUES[:count])).isnan().all()
    assert clustered_interval(VALUES[:count], torch.zeros(count, dtype=torch.int64)).isnan().all()
    assert clustered_interval(VALUES[:9], torch.zeros(9, dtype=torch.int64)).isnan().all()


def test_equal_values_have_no_spread():
    sums = value_sums(torch.full((1000,), 0.1))
    assert mean_interval(sums).tolist() == pytest.approx([0.1, 0.1], abs=1e-6)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_bad_values(value):
    with pytest.raises(ValueError, match="values: expected finite numbers"):
        value_sums(torch.tensor([0.1, value]))


@pytest.mark.parametrize("confidence", [0, 1, 95, float("nan")])
def test_bad_level(confidence):
    with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1"):
        mean_interval(value_sums(VALUES), confidence)


def test_bad_clusters():
    with pytest.raises(ValueError, match=r"clusters: expected \[n\] as values"):
        clustered_interval(VALUES, torch.zeros(3, dtype=torch.int64))
