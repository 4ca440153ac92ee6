"""The numbers of one data set as `results.json` holds them (ARCHITECTURE.md)."""

from functools import partial
from typing import NotRequired, TypedDict

from torch import Tensor

from speciarl_pl.category import UNPARSED, Category
from speciarl_pl.metrics.functional.best_of_k_curve import BestOfKCurve
from speciarl_pl.metrics.functional.counts import (
    N_OUTCOMES,
    OUTCOME_LABELS,
    count_of,
    n_correct,
    n_predictions,
)
from speciarl_pl.metrics.functional.headline import headline
from speciarl_pl.metrics.functional.intervals import bootstrap_interval, wilson_interval
from speciarl_pl.metrics.functional.plain import Interval, interval, number
from speciarl_pl.metrics.functional.specificity import Weights, harmonic_mean, specificity


class Summary(TypedDict):
    """Value of one data set in `results.json`; None stands for an undefined number."""

    n: int
    """Predictions that the rates are over: all but the unjudged."""
    images: int
    """Images, judged or not."""
    samples: int
    """Rollouts an image; a prediction is a rollout."""
    counts: dict[str, int]
    """By category label, and `unparsed`, `unjudged`; they add up to images times samples."""
    correctness: float | None
    """Share that is generic or better."""
    specificity: float | None
    """Mean level weight of the correct; None if none is."""
    hm: float | None
    """Harmonic mean of the two; 0 if none is correct."""
    abstain_rate: float | None
    """Share of refusals."""
    wrong_rate: float | None
    """Share of wrong or unparsed."""
    ci95: dict[str, Interval]
    """95 % intervals of the five. One sample an image: Wilson for the shares, bootstrap over
    predictions for `specificity` and `hm`. Several: bootstrap over images for all."""
    cut: NotRequired[int]
    """Rollouts that were cut before they ended; where a validation has counted them."""
    skipped: NotRequired["Skipped"]
    """Images that could not be read and are in none of the above."""
    best_of_k: NotRequired[BestOfKCurve]
    """What the best of k samples reaches; with several samples an image."""
    majority: NotRequired["MajoritySummary"]
    """Values of the majority vote; with several samples an image."""


class Skipped(TypedDict):
    """Images of a data set that could not be read."""

    count: int
    """How many."""
    samples: list[dict[str, str]]
    """`id` and `reason` of the first of them, in the order of the data."""


class MajoritySummary(Summary):
    """Values of the answers that most rollouts of each image give; one prediction an image."""

    agreement: float | None
    """Mean share of an image's rollouts that give that answer."""


def summarize(counts: Tensor, weights: Weights = "release", seed: int = 0) -> Summary:
    """Put the metrics of one data set and their intervals into plain numbers.

    Args:
        counts: int64 [8], as from `outcome_counts`, of one prediction an image; see
            `summarize_samples` for several.
        weights: As for `specificity`.
        seed: Of the bootstrap; the same counts and seed give the same intervals.

    Raises:
        ValueError: If `counts` has another shape or `weights` are invalid.

    Example:
        >>> import torch
        >>> summary = summarize(torch.tensor([1, 1, 1, 0, 4, 0, 4, 0]))
        >>> summary["n"], summary["correctness"], round(summary["specificity"], 3)
        (10, 0.8, 0.6)
        >>> [round(bound, 3) for bound in summary["ci95"]["correctness"]]
        [0.49, 0.943]
    """
    if counts.shape != (N_OUTCOMES,):
        raise ValueError(f"counts: expected shape ({N_OUTCOMES},), got {tuple(counts.shape)}")
    exact = counts.detach().cpu().double()
    level = partial(specificity, weights=weights)
    mean = partial(harmonic_mean, weights=weights)
    n = n_predictions(exact)
    wrong = count_of(exact, Category.WRONG) + count_of(exact, UNPARSED)
    bounds = {
        "correctness": wilson_interval(n_correct(exact), n),
        "specificity": bootstrap_interval(exact, level, seed=seed),
        "hm": bootstrap_interval(exact, mean, seed=seed),
        "abstain_rate": wilson_interval(count_of(exact, Category.ABSTAIN), n),
        "wrong_rate": wilson_interval(wrong, n),
    }
    return summary_of(exact, 1, weights, bounds)


def summary_of(
    counts: Tensor, samples: int, weights: Weights, bounds: dict[str, Tensor]
) -> Summary:
    """Put together the numbers that a summary has whatever its samples.

    Args:
        counts: float64 [8], of all rollouts.
        samples: Rollouts an image.
        weights: As for `specificity`.
        bounds: By name of the value, each [2].
    """
    values = {name: number(value) for name, value in headline(counts, weights).items()}
    return {
        "n": int(n_predictions(counts)),
        "images": int(counts.sum()) // samples,
        "samples": samples,
        "counts": dict(zip(OUTCOME_LABELS, map(int, counts.tolist()), strict=True)),
        "correctness": values["correctness"],
        "specificity": values["specificity"],
        "hm": values["hm"],
        "abstain_rate": values["abstain_rate"],
        "wrong_rate": values["wrong_rate"],
        "ci95": {name: interval(pair) for name, pair in bounds.items()},
    }
