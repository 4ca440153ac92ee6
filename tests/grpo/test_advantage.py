import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.grpo import group_advantages

rewards = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, math.nan]), min_size=1, max_size=12)


def slow_advantages(values: list[float], scale: str) -> list[float]:
    known = [value for value in values if not math.isnan(value)]
    if len(set(known)) < 2:
        return [0.0] * len(values)
    mean, spread = statistics.fmean(known), statistics.stdev(known) + 1e-6
    return [
        0.0 if math.isnan(value) else (value - mean) / (spread if scale == "std" else 1.0)
        for value in values
    ]


@given(rewards, st.sampled_from(["std", "none"]))
def test_equals_a_plain_loop(values, scale):
    found = group_advantages(torch.tensor(values), scale)
    torch.testing.assert_close(found, torch.tensor(slow_advantages(values, scale)))


@given(rewards)
def test_sums_to_zero_and_ignores_the_unjudged(values):
    found = group_advantages(torch.tensor(values))
    assert found.sum().item() == pytest.approx(0, abs=1e-4)
    assert not found.isnan().any()
    assert (found[torch.tensor(values).isnan()] == 0).all()


def test_rewards_that_differ_by_rounding_alone_are_no_signal():
    assert not group_advantages(torch.full((7,), 0.1)).any()
