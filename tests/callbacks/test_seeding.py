import itertools

import numpy as np
from scipy.stats import kstest

from speciarl_pl.sampling import rollout_seed


def test_everything_it_is_for_changes_it():
    parts = itertools.product([0, 1], [-1, 0, 1], ["a", "b"], [0, 1])
    assert len({rollout_seed(*part) for part in parts}) == 2 * 3 * 2 * 2


def test_parts_do_not_run_together():
    assert rollout_seed(1, 12, "a", 0) != rollout_seed(11, 2, "a", 0)
    assert rollout_seed(0, 1, "a1", 0) != rollout_seed(0, 1, "a", 10)


def test_the_value_is_fixed_for_ever():
    assert rollout_seed(0, 0, "world/1", 0) == 6949120124845807730


def test_seeds_are_spread_evenly_over_their_range():
    seeds = np.array([rollout_seed(0, step, "x", i) for step in range(200) for i in range(10)])
    assert seeds.min() >= 0
    assert kstest(seeds / 2.0**63, "uniform").pvalue > 1e-3
