import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.metrics.functional import (
    Difference,
    headline,
    outcome_counts,
    paired_bootstrap,
    unpaired_bootstrap,
)
from speciarl_pl.metrics.functional.comparison import difference_of

NAMES = ["correctness", "specificity", "hm"]


def simulated(generator, images, samples, shift=0.0):
    """Two runs whose images differ in difficulty; `shift` makes run B right more often."""
    easy = generator.beta(2, 1, size=(images, 1))
    level = np.array([0, 2, 3, 4])

    def run(chance):
        right = generator.random((images, samples)) < chance
        return torch.from_numpy(np.where(right, level[generator.integers(1, 4, right.shape)], 0))

    return run(easy), run(np.clip(easy + shift, 0, 1))


def test_equals_resampling_of_images_with_plain_loops():
    a, b = simulated(np.random.default_rng(0), 40, 3)
    b[0] = -2
    found = paired_bootstrap(a, b, resamples=200, seed=4)
    drawn = {name: [] for name in NAMES}
    for draw in np.random.default_rng(4).integers(40, size=(200, 40)):
        values = [headline(outcome_counts(codes[draw]).double()) for codes in (a, b)]
        for name in NAMES:
            drawn[name].append((values[1][name] - values[0][name]).item())
    whole = [headline(outcome_counts(codes).double()) for codes in (a, b)]
    for name in NAMES:
        beyond = min(sum(d <= 0 for d in drawn[name]), sum(d >= 0 for d in drawn[name]))
        assert found[name].difference == (whole[1][name] - whole[0][name]).item()
        assert found[name].ci95 == pytest.approx(np.quantile(drawn[name], [0.025, 0.975]))
        assert found[name].p_value == pytest.approx(min(1, 2 * (beyond + 1) / 201))


def test_swapping_the_runs_turns_the_sign():
    a, b = simulated(np.random.default_rng(1), 60, 2, shift=0.1)
    there, back = paired_bootstrap(a, b, seed=2), paired_bootstrap(b, a, seed=2)
    for name in NAMES:
        assert there[name].difference == -back[name].difference
        assert there[name].ci95 == pytest.approx([-bound for bound in back[name].ci95[::-1]])
        assert there[name].p_value == back[name].p_value


def test_a_run_equals_itself():
    a, _ = simulated(np.random.default_rng(1), 30, 2)
    for found in paired_bootstrap(a, a).values():
        assert found == Difference(0.0, [0.0, 0.0], 1.0)


def test_finds_a_difference_that_the_unpaired_one_cannot_see():
    a, _ = simulated(np.random.default_rng(3), 300, 1)
    b = a.clone()
    b[::30] = 4
    paired = paired_bootstrap(a, b)["hm"]
    unpaired = unpaired_bootstrap(outcome_counts(a), outcome_counts(b))["hm"]
    assert paired.difference == pytest.approx(unpaired.difference)
    assert paired.p_value < 0.01 < 0.2 < unpaired.p_value


def test_runs_may_differ_in_samples():
    a, b = simulated(np.random.default_rng(0), 50, 4)
    found = paired_bootstrap(a, b[:, :1])
    assert found["correctness"].difference == pytest.approx(
        ((b[:, :1] > 0).double().mean() - (a > 0).double().mean()).item()
    )


def test_undefined():
    wrong = torch.zeros(10, 1, dtype=torch.int64)
    found = paired_bootstrap(wrong, wrong + 4)
    assert found["specificity"] == Difference(None, None, None)
    assert found["correctness"].difference == 1.0
    nothing = paired_bootstrap(wrong[:0], wrong[:0])
    assert all(value == Difference(None, None, None) for value in nothing.values())


@pytest.mark.slow
def test_runs_alike_are_found_different_in_one_of_twenty():
    """Error of the first kind at 5 %, with rollouts of an image that resemble each other."""
    generator = np.random.default_rng(0)
    found = [
        paired_bootstrap(*simulated(generator, 120, 3), resamples=400, seed=seed)
        for seed in range(400)
    ]
    for name in NAMES:
        share = np.mean([differences[name].p_value < 0.05 for differences in found])
        assert 0.02 <= share <= 0.085, name


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((3, 2), (4, 2), "codes_b: expected the 3 images of codes_a, got 4"),
        ((3,), (3, 1), r"codes_a: expected \[images, samples\], got shape \(3,\)"),
        ((3, 1), (3,), r"codes_b: expected \[images, samples\], got shape \(3,\)"),
    ],
)
def test_bad_shapes(a, b, message):
    with pytest.raises(ValueError, match=message):
        paired_bootstrap(torch.zeros(a, dtype=torch.int64), torch.zeros(b, dtype=torch.int64))


@given(st.lists(st.one_of(st.floats(-1, 1), st.just(float("nan"))), max_size=30))
def test_p_value_counts_the_draws_at_or_beyond_zero(drawn):
    found = difference_of(torch.tensor(0.1), torch.tensor(drawn, dtype=torch.float64))
    defined = [value for value in drawn if value == value]
    if not defined:
        assert found == Difference(None, None, None)
        return
    tails = [sum(v <= 0 for v in defined) + 1, sum(v >= 0 for v in defined) + 1]
    assert found.p_value == min(1.0, 2 * min(tails) / (len(defined) + 1))
    assert found.ci95[0] <= found.ci95[1]
