import json
from itertools import combinations
from math import nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.category import Category
from speciarl_pl.metrics.functional import (
    best_of_k,
    best_of_k_counts,
    best_of_k_curve,
    correctness,
    headline,
    outcome_counts,
    specificity,
)

TABLES = st.integers(1, 6).flatmap(
    lambda samples: st.tuples(
        st.lists(
            st.lists(st.integers(-2, 5), min_size=samples, max_size=samples),
            min_size=1,
            max_size=5,
        ),
        st.integers(1, samples),
    )
)


def slow_best_of_k(rows, k):
    """Mean over images of the share of subsets whose best reaches each level."""
    images = []
    for row in rows:
        judged = [max(code, 0) for code in row if code != -2]
        if len(judged) >= k:
            bests = [max(subset) for subset in combinations(judged, k)]
            images.append([sum(best >= level for best in bests) / len(bests) for level in range(6)])
    return [sum(column) / len(images) for column in zip(*images, strict=True)], len(images)


@given(TABLES)
def test_equals_all_subsets(rows_and_k):
    rows, k = rows_and_k
    codes = torch.tensor(rows)
    expected, images = slow_best_of_k(rows, k)
    if not images:
        assert best_of_k(codes, k).isnan().all()
        assert best_of_k_counts(codes, k).tolist() == [0] * 8
        return
    assert best_of_k(codes, k).tolist() == pytest.approx(expected)
    assert best_of_k_counts(codes, k).sum().item() == pytest.approx(images)


@settings(max_examples=40)
@given(TABLES)
def test_the_curve_equals_all_subsets(rows_and_k):
    rows, _ = rows_and_k
    curve = best_of_k_curve(torch.tensor(rows), resamples=5)
    samples = len(rows[0])
    assert curve["k"] == sorted({1, 2, 4, samples} & set(range(1, samples + 1)))
    for place, k in enumerate(curve["k"]):
        expected, images = slow_best_of_k(rows, k)
        if not images:
            expected = [None] * 6
        for category in Category:
            reached = curve["reached"][category.label][place]
            assert reached == pytest.approx(expected[category])
        assert curve["correctness"][place] == pytest.approx(expected[Category.GENERIC])
        counts = best_of_k_counts(torch.tensor(rows), k)
        for name in ("correctness", "specificity", "hm"):
            value = headline(counts)[name].item()
            found = curve[name][place]
            assert (found if found is not None else nan) == pytest.approx(value, nan_ok=True)
    json.dumps(curve, allow_nan=False)


def test_intervals_of_the_curve_equal_resampling_of_images_with_plain_loops():
    codes = torch.randint(-2, 6, (25, 4), generator=torch.Generator().manual_seed(0))
    found = best_of_k_curve(codes, resamples=100, seed=3)["ci95"]
    draws = np.random.default_rng(3).integers(25, size=(100, 25))
    for place, k in enumerate((1, 2, 4)):
        values = [headline(best_of_k_counts(codes[draw], k)) for draw in draws]
        for name, intervals in found.items():
            expected = np.quantile([value[name].item() for value in values], [0.025, 0.975])
            assert intervals[place] == pytest.approx(expected, abs=1e-6)


def test_curve_is_seeded_and_weighted():
    codes = torch.randint(-1, 6, (25, 4), generator=torch.Generator().manual_seed(0))
    assert best_of_k_curve(codes, seed=1) == best_of_k_curve(codes, seed=1)
    assert best_of_k_curve(codes, seed=1) != best_of_k_curve(codes, seed=2)
    assert best_of_k_curve(codes, (0, 0, 0, 0))["specificity"] == [0, 0, 0]


def test_best_of_one_is_the_plain_metric():
    codes = torch.randint(-1, 6, (20, 8), generator=torch.Generator().manual_seed(0))
    counts = best_of_k_counts(codes, 1)
    plain = outcome_counts(codes).double()
    assert correctness(counts).item() == pytest.approx(correctness(plain).item())
    assert specificity(counts).item() == pytest.approx(specificity(plain).item())


def test_best_of_all_is_the_maximum_and_more_samples_never_hurt():
    codes = torch.randint(-1, 6, (50, 64), generator=torch.Generator().manual_seed(0)).clamp(max=4)
    shares = torch.stack([best_of_k(codes, k) for k in (1, 2, 8, 64)])
    assert (shares.diff(dim=0) >= -1e-12).all()
    assert shares[-1].tolist() == [
        (codes.max(1).values >= level).double().mean().item() if level else 1.0
        for level in range(6)
    ]


@pytest.mark.parametrize(
    ("shape", "k", "message"),
    [
        ((3,), 1, r"codes: expected \[images, samples\], got shape \(3,\)"),
        ((2, 3), 4, "k: expected an int from 1 to 3 samples, got 4"),
        ((2, 3), 0, "k: expected an int from 1 to 3 samples, got 0"),
        ((2, 0), 1, "k: expected an int from 1 to 0 samples, got 1"),
    ],
)
def test_bad_arguments(shape, k, message):
    with pytest.raises(ValueError, match=message):
        best_of_k(torch.zeros(shape, dtype=torch.int64), k)
