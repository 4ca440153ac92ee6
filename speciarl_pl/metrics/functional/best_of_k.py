"""What the best of k samples an image reaches, by category (paper, section 1: "best of 64")."""

import math
from collections.abc import Sequence
from typing import Final, TypedDict

import torch
from torch import Tensor

from speciarl_pl.category import Category
from speciarl_pl.metrics.functional.counts import N_OUTCOMES, image_counts, n_predictions
from speciarl_pl.metrics.functional.intervals import RESAMPLES, percentile_interval, resample_images
from speciarl_pl.metrics.functional.numbers import Interval, interval, number
from speciarl_pl.metrics.functional.rates import SCORES, Weights, headline


def best_of_k(codes: Tensor, k: int) -> Tensor:
    """Share of images whose best of k samples reaches each category, estimated without bias.

    For an image with n samples of which b lie below a category, the chance that k of them, drawn
    without replacement, all lie below is C(b, k) / C(n, k); the share is one minus its mean over
    the images. This is the mean over all subsets of size k, as for pass@k.

    Args:
        codes: Integers [images, samples]: `Category` values, `UNPARSED` (counts as wrong),
            `UNJUDGED` (left out).
        k: Samples of which the best counts; an image with fewer judged samples is left out.

    Returns:
        float64 [6], from wrong (always 1) to more specific; NaN if every image is left out.

    Raises:
        ValueError: If `codes` are out of range or not two-dimensional, or `k` is not from 1 to
            their samples.

    Example:
        >>> best_of_k(torch.tensor([[2, 2, 4], [0, 0, 0]]), k=2)
        tensor([1.0000, 0.5000, 0.5000, 0.3333, 0.3333, 0.0000], dtype=torch.float64)
    """
    sums = _sums_of_one(codes, k)
    return sums[1:] / sums[0]


def best_of_k_counts(codes: Tensor, k: int) -> Tensor:
    """Expected outcome counts of a policy that answers with the best of k samples.

    The metrics take them as they take any counts, e.g. `specificity(best_of_k_counts(codes, 64))`.

    Args:
        codes: As for `best_of_k`.
        k: As for `best_of_k`.

    Returns:
        float64 [8] in the order of `OUTCOME_LABELS`, adding up to the number of images that have k
        judged samples; unparsed samples are among the wrong.

    Raises:
        ValueError: As `best_of_k`.

    Example:
        >>> best_of_k_counts(torch.tensor([[2, 2, 4], [0, 0, 0]]), k=3)
        tensor([0., 0., 1., 0., 0., 0., 1., 0.], dtype=torch.float64)
    """
    return counts_of_best(_sums_of_one(codes, k))


def reached_by_best(counts: Tensor, ks: Sequence[int]) -> Tensor:
    """Chance of each image that its best of k samples reaches each category, for several k.

    Args:
        counts: int64 [images, 8], the samples of each image by outcome.
        ks: Rising, each at least 1.

    Returns:
        float64 [images, len(ks), 7]: first 1, or 0 if the image has fewer than k judged samples and
        is left out; then the chance for each category from wrong to more specific, 0 if left out.

    Example:
        >>> reached_by_best(torch.tensor([[0, 0, 0, 0, 2, 0, 1, 0]]), ks=(1, 3))[0, :, 4:]
        tensor([[0.3333, 0.3333, 0.0000],
                [1.0000, 1.0000, 0.0000]], dtype=torch.float64)
    """
    n = n_predictions(counts).unsqueeze(-1).double()
    below = counts[:, 1:-1].cumsum(1).double()
    below[:, Category.WRONG] = 0.0  # the unparsed are wrong, not below it
    all_below = torch.ones_like(below)
    rows = []
    for drawn in range(max(ks)):
        # One factor of C(below, k) / C(n, k); exact where that is 0 or 1.
        all_below = all_below * ((below - drawn).clamp(min=0) / (n - drawn).clamp(min=1))
        if drawn + 1 in ks:
            chances = torch.cat((torch.ones_like(n), 1 - all_below), 1)
            rows.append(chances.where(n > drawn, 0.0))
    return torch.stack(rows, 1)


def counts_of_best(reached: Tensor) -> Tensor:
    """Expected outcome counts behind sums over images of `reached_by_best`.

    Args:
        reached: float64 [..., 7].

    Returns:
        float64 [..., 8] in the order of `OUTCOME_LABELS`.
    """
    reached = reached[..., 1:]
    above = torch.cat((reached[..., 1:], torch.zeros_like(reached[..., :1])), -1)
    unread = reached.new_zeros(*reached.shape[:-1], N_OUTCOMES - len(Category))
    return torch.cat((unread, reached - above), -1)


def exact_sum(rows: Tensor) -> Tensor:
    """Sum over the first dimension, rounded once: no order of adding gives another result.

    Args:
        rows: float64 [rows, ...].

    Returns:
        float64 [...], on the device of `rows`.

    Example:
        >>> exact_sum(torch.tensor([[1e16], [1.0], [-1e16]], dtype=torch.float64))
        tensor([1.], dtype=torch.float64)
    """
    sums = [math.fsum(column) for column in rows.flatten(1).T.tolist()]
    return rows.new_tensor(sums).reshape(rows.shape[1:])


def _sums_of_one(codes: Tensor, k: int) -> Tensor:
    counts = image_counts(codes)
    if not 1 <= k <= codes.shape[1]:
        raise ValueError(f"k: expected an int from 1 to {codes.shape[1]} samples, got {k}")
    return exact_sum(reached_by_best(counts, (k,))[:, 0])


# Best-of-k curves as `results.json` holds them, with intervals over images.


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
