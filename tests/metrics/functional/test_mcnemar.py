import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.metrics.functional import mcnemar


def runs(both, only_a, only_b, neither):
    pairs = [(1, 1)] * both + [(1, 0)] * only_a + [(0, 1)] * only_b + [(0, 0)] * neither
    a, b = torch.tensor(pairs, dtype=torch.bool).reshape(-1, 2).T
    return a, b


@given(*[st.integers(0, 60)] * 4)
def test_equals_the_binomial_sum(both, only_a, only_b, neither):
    found = mcnemar(*runs(both, only_a, only_b, neither))
    assert (found.b, found.c) == (only_a, only_b)
    n = only_a + only_b
    beyond = sum(math.comb(n, i) for i in range(min(only_a, only_b) + 1))
    assert found.p_value == pytest.approx(min(1.0, 2 * beyond / 2**n))


def test_by_hand():
    """Of 10 images on which the runs differ, 2 for A: twice (1 + 10 + 45) / 1024."""
    found = mcnemar(*runs(5, 2, 8, 5))
    assert found.p_value == pytest.approx(2 * sum(math.comb(10, i) for i in range(3)) / 2**10)


def test_is_close_to_the_chi_square_of_many_images():
    found = mcnemar(*runs(5000, 1040, 960, 3000))
    chi_square = (abs(found.b - found.c) - 1) ** 2 / (found.b + found.c)
    assert found.p_value == pytest.approx(math.erfc(math.sqrt(chi_square / 2)), rel=0.01)


@given(*[st.integers(0, 60)] * 2)
def test_either_run_may_come_first(only_a, only_b):
    a, b = runs(3, only_a, only_b, 3)
    assert mcnemar(a, b).p_value == mcnemar(b, a).p_value


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1, 0], [True, True], r"correct_a: expected bool \[images\], got torch.int64 \(2,\)"),
        ([True], [[True]], r"correct_b: expected bool \[images\], got torch.bool \(1, 1\)"),
        ([True], [True, True], "correct_b: expected the 1 images of correct_a, got 2"),
    ],
)
def test_bad_arguments(a, b, message):
    with pytest.raises(ValueError, match=message):
        mcnemar(torch.tensor(a), torch.tensor(b))
