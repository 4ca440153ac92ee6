"""Best-of-k curves as `results.json` holds them, with intervals over images."""

from typing import Final, TypedDict

from torch import Tensor

from speciarl_pl.category import Category
from speciarl_pl.metrics.functional.best_of_k import (
    counts_of_best,
    exact_sum,
    reached_by_best,
)
from speciarl_pl.metrics.functional.counts import image_counts
from speciarl_pl.metrics.functional.headline import SCORES, headline
from speciarl_pl.metrics.functional.intervals import percentile_interval
from speciarl_pl.metrics.functional.plain import Interval, interval, number
from speciarl_pl.metrics.functional.resampling import RESAMPLES, resample_images
from speciarl_pl.metrics.functional.specificity import Weights

_SUMS: Final = 1 + len(Category)


class BestOfKCurve(TypedDict):
    """What the best of k samples reaches, for several k; None stands for an undefined number."""

    k: list[int]
    """Numbers of samples, rising: 1, 2, 4, ... and all."""
    reached: dict[str, list[float | None]]
    """By category label: share of images whose best of k is at least of that category."""
    correctness: list[float | None]
    """Share of images whose best of k is generic or better."""
    specificity: list[float | None]
    """Expected level weight of the best of k, over those that are correct."""
    hm: list[float | None]
    """Harmonic mean of the two."""
    ci95: dict[str, list[Interval]]
    """95 % bootstrap intervals over images of correctness, specificity and hm."""


def curve_ks(samples: int) -> tuple[int, ...]:
    """The k of a curve: powers of 2 up to the number of samples, and that number.

    Example:
        >>> curve_ks(1), curve_ks(8), curve_ks(10)
        ((1,), (1, 2, 4, 8), (1, 2, 4, 8, 10))
    """
    powers = [2**power for power in range(samples.bit_length()) if 2**power < samples]
    return (*powers, samples)


def best_of_k_curve(
    codes: Tensor, weights: Weights = "release", resamples: int = RESAMPLES, seed: int = 0
) -> BestOfKCurve:
    """Put best-of-k and its intervals into plain numbers.

    Args:
        codes: Integers [images, samples]: as for `best_of_k`; at least one sample.
        weights: As for `specificity`.
        resamples: Draws of the bootstrap over images.
        seed: Equal seeds give equal intervals.

    Raises:
        ValueError: If `codes` are out of range or not two-dimensional, or `resamples` or `weights`
            are invalid.

    Example:
        >>> import torch
        >>> curve = best_of_k_curve(torch.tensor([[2, 2, 4], [0, 0, 0]]))
        >>> curve["k"], curve["correctness"], curve["reached"]["specific"][-1]
        ([1, 2, 3], [0.5, 0.5, 0.5], 0.5)
    """
    counts = image_counts(codes)
    ks = curve_ks(codes.shape[1])

    def reached(rows: Tensor) -> Tensor:
        return reached_by_best(rows, ks).flatten(1)

    sums = exact_sum(reached(counts.cpu())).reshape(len(ks), _SUMS)
    values = headline(counts_of_best(sums), weights)
    drawn = resample_images(counts, reached, resamples, seed).reshape(-1, len(ks), _SUMS)
    bounds = headline(counts_of_best(drawn), weights)
    shares = (sums[:, 1:] / sums[:, :1]).T
    return {
        "k": list(ks),
        "reached": {c.label: _numbers(shares[c]) for c in Category},
        "correctness": _numbers(values["correctness"]),
        "specificity": _numbers(values["specificity"]),
        "hm": _numbers(values["hm"]),
        "ci95": {
            name: [interval(pair) for pair in percentile_interval(bounds[name])] for name in SCORES
        },
    }


def _numbers(values: Tensor) -> list[float | None]:
    return [number(value) for value in values]
