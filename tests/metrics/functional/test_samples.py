import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.metrics.functional import (
    best_of_k_curve,
    bootstrap_interval,
    headline,
    macro_intervals,
    outcome_counts,
    summarize,
    summarize_majority,
    summarize_samples,
)

NAMES = ["correctness", "specificity", "hm", "abstain_rate", "wrong_rate"]
WEIGHTS = {2: 0.2, 3: 0.6, 4: 1.0, 5: 1.0}
TABLES = st.integers(2, 4).flatmap(
    lambda samples: st.lists(
        st.lists(st.integers(-2, 5), min_size=samples, max_size=samples), min_size=1, max_size=6
    )
)


def slow_values(codes):
    """The five values with plain loops; None where undefined."""
    seen = [code for code in codes if code != -2]
    if not seen:
        return dict.fromkeys(NAMES)
    correct = [WEIGHTS[code] for code in seen if code in WEIGHTS]
    share = len(correct) / len(seen)
    level = sum(correct) / len(correct) if correct else None
    return {
        "correctness": share,
        "specificity": level,
        "hm": 2 * share * level / (share + level) if correct else 0.0,
        "abstain_rate": seen.count(1) / len(seen),
        "wrong_rate": (seen.count(0) + seen.count(-1)) / len(seen),
    }


def simulated(generator, images, samples):
    """Codes of images that each have chances of their own, and the mean of those chances."""
    levels = generator.dirichlet([0.3, 0.1, 0.4, 0.3, 0.5, 0.1], size=images)
    draws = generator.random((images, samples, 1)) > levels.cumsum(1)[:, None, :-1]
    return torch.from_numpy(draws.sum(2))


TRUTH = headline(torch.tensor([0, 0, 0.3, 0.1, 0.4, 0.3, 0.5, 0.1], dtype=torch.float64))


@settings(max_examples=40)
@given(st.lists(st.integers(-2, 5), max_size=30), st.integers(0, 3))
def test_one_sample_is_what_the_counts_give(codes, seed):
    codes = torch.tensor(codes, dtype=torch.int8).reshape(-1, 1)
    found = summarize_samples(codes, "ordinal", seed)
    assert found == summarize(outcome_counts(codes), "ordinal", seed)
    assert "best_of_k" not in found


@settings(max_examples=40)
@given(TABLES)
def test_values_equal_plain_loops(rows):
    found = summarize_samples(torch.tensor(rows))
    codes = [code for row in rows for code in row]
    for name, expected in slow_values(codes).items():
        assert found[name] == pytest.approx(expected), name
    assert (found["images"], found["samples"]) == (len(rows), len(rows[0]))
    assert found["n"] == len(codes) - codes.count(-2)
    assert sum(found["counts"].values()) == len(codes)
    json.dumps(found, allow_nan=False)


def test_intervals_equal_resampling_of_images_with_plain_loops():
    codes = simulated(np.random.default_rng(0), 30, 4)
    codes[3, :2], codes[4, 0] = -2, -1
    rows = codes.tolist()
    draws = np.random.default_rng(7).integers(30, size=(2000, 30))
    values = [slow_values([code for place in draw for code in rows[place]]) for draw in draws]
    found = summarize_samples(codes, seed=7)["ci95"]
    assert list(found) == NAMES
    for name in NAMES:
        expected = np.quantile([value[name] for value in values], [0.025, 0.975])
        assert found[name] == pytest.approx(expected), name


def test_resampling_images_of_one_sample_is_close_to_resampling_predictions():
    codes = simulated(np.random.default_rng(0), 400, 1)
    clustered, plain = macro_intervals({"birds": codes}), summarize_samples(codes)["ci95"]
    for name in NAMES:
        assert clustered[name] == pytest.approx(plain[name], abs=0.01)


def test_copies_of_one_sample_tell_no_more_than_the_sample():
    codes = simulated(np.random.default_rng(0), 200, 1)
    once, often = summarize_samples(codes), summarize_samples(codes.repeat(1, 16))
    for name in NAMES:
        assert often[name] == pytest.approx(once[name])
        assert often["ci95"][name] == pytest.approx(once["ci95"][name], abs=0.015)
    naive = summarize(outcome_counts(codes.repeat(1, 16)))["ci95"]["correctness"]
    honest = often["ci95"]["correctness"]
    assert naive[1] - naive[0] < (honest[1] - honest[0]) / 3


def test_the_curve_is_that_of_the_same_seed_and_weights():
    codes = simulated(np.random.default_rng(0), 20, 5)
    found = summarize_samples(codes, "ordinal", seed=3)
    assert found["best_of_k"] == best_of_k_curve(codes, "ordinal", seed=3)


def test_majority():
    codes, votes = torch.tensor([4, 0, -2, 2]), torch.tensor([5, 3, 4, 2])
    found = summarize_majority(codes, votes, samples=5)
    expected = summarize(outcome_counts(codes))
    assert found == {**expected, "agreement": 14 / 20}
    nothing = summarize_majority(codes[:0], votes[:0], samples=5)
    assert nothing["agreement"] is None


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (torch.zeros(3, 0, dtype=torch.int64), r"codes: expected at least one sample an image"),
        (torch.zeros(3, dtype=torch.int64), r"codes: expected \[images, samples\], got shape"),
        (torch.full((2, 2), 6), "codes: expected values from -2 to 5, got 6 to 6"),
    ],
)
def test_bad_codes(codes, message):
    with pytest.raises(ValueError, match=message):
        summarize_samples(codes)


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        ([1, 2, 3], r"votes: expected \[images\] as codes, got \(3,\) for codes of shape \(2,\)"),
        ([0, 2], "votes: expected values from 1 to 4 samples, got 0 to 2"),
        ([5, 2], "votes: expected values from 1 to 4 samples, got 2 to 5"),
    ],
)
def test_bad_votes(votes, message):
    with pytest.raises(ValueError, match=message):
        summarize_majority(torch.tensor([4, 4]), torch.tensor(votes), samples=4)


def covered(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


@pytest.mark.slow
def test_intervals_of_several_samples_cover_the_truth_and_naive_ones_do_not():
    """300 simulated evaluations of 150 images with 8 samples that resemble each other."""
    generator = np.random.default_rng(0)
    tables = [simulated(generator, 150, 8) for _ in range(300)]
    clustered = [
        macro_intervals({"birds": codes}, resamples=500, seed=seed)
        for seed, codes in enumerate(tables)
    ]
    for name in NAMES:
        share = covered([found[name] for found in clustered], TRUTH[name].item())
        assert 0.91 <= share <= 0.98, name
    counts = [outcome_counts(codes) for codes in tables]
    wilson = [summarize(table)["ci95"]["correctness"] for table in counts]
    assert covered(wilson, TRUTH["correctness"].item()) < 0.8
    naive = [
        bootstrap_interval(table, lambda c: headline(c)["hm"], resamples=500) for table in counts
    ]
    assert covered(naive, TRUTH["hm"].item()) < 0.8


@pytest.mark.slow
def test_intervals_of_best_of_k_cover_the_truth():
    """300 simulated evaluations; the truth is the best of k of very many images."""
    generator = np.random.default_rng(1)
    truth = best_of_k_curve(simulated(generator, 100_000, 4), resamples=1)
    curves = [
        best_of_k_curve(simulated(generator, 150, 4), resamples=400, seed=seed)
        for seed in range(300)
    ]
    for name in ("correctness", "specificity", "hm"):
        for place in range(3):
            intervals = [curve["ci95"][name][place] for curve in curves]
            assert 0.90 <= covered(intervals, truth[name][place]) <= 0.985, (name, place)
