import numpy as np
import pytest
import torch

from speciarl_pl.metrics.functional import (
    Difference,
    headline,
    outcome_counts,
    paired_bootstrap,
    unpaired_bootstrap,
)

A = torch.tensor([3, 2, 20, 5, 30, 20, 15, 5])
B = torch.tensor([0, 2, 10, 5, 20, 20, 40, 5])
NAMES = ["correctness", "specificity", "hm"]


def test_equals_resampling_of_predictions():
    draw = np.random.default_rng(1)
    codes = [np.repeat(np.arange(-1, 6), counts[1:].numpy()) for counts in (A, B)]

    def drawn(codes):
        rows = torch.from_numpy(draw.choice(codes, size=(3000, len(codes))))
        return headline(torch.stack([outcome_counts(row).double() for row in rows]))

    a, b = map(drawn, codes)
    found = unpaired_bootstrap(A, B)
    for name in NAMES:
        bounds = np.quantile((b[name] - a[name]).numpy(), [0.025, 0.975])
        assert found[name].ci95 == pytest.approx(bounds, abs=0.015)
        expected = headline(B.double())[name] - headline(A.double())[name]
        assert found[name].difference == expected.item()


def test_agrees_with_the_paired_one_where_the_images_have_nothing_in_common():
    draw = np.random.default_rng(0)
    a, b = (torch.from_numpy(draw.integers(low, 6, size=(500, 1))) for low in (0, 1))
    paired = paired_bootstrap(a, b)
    unpaired = unpaired_bootstrap(outcome_counts(a), outcome_counts(b))
    for name in NAMES:
        assert unpaired[name].ci95 == pytest.approx(paired[name].ci95, abs=0.02)


def test_several_samples_count_as_many_as_their_images():
    once, four = unpaired_bootstrap(A, B), unpaired_bootstrap(A * 4, B * 4, 4, 4)
    for name in NAMES:
        assert four[name].difference == pytest.approx(once[name].difference)
        widths = [found[name].ci95[1] - found[name].ci95[0] for found in (once, four)]
        assert widths[1] == pytest.approx(widths[0], rel=0.05)


def test_undefined_and_repeatable():
    nothing = unpaired_bootstrap(A, torch.tensor([9, 0, 0, 0, 0, 0, 0, 0]))
    assert all(value == Difference(None, None, None) for value in nothing.values())
    assert unpaired_bootstrap(A, B, seed=3) == unpaired_bootstrap(A, B, seed=3)
    assert unpaired_bootstrap(A, B, seed=3) != unpaired_bootstrap(A, B, seed=4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((A[:6], B), r"counts_a: expected shape \(8,\), got \(6,\)"),
        ((A, B.reshape(1, 8)), r"counts_b: expected shape \(8,\), got \(1, 8\)"),
        ((A, B, 0), "samples_a: expected an int >= 1, got 0"),
        ((A, B, 1, -1), "samples_b: expected an int >= 1, got -1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        unpaired_bootstrap(*arguments)
