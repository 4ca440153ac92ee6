"""The numbers of one data set as `results.json` holds them (ARCHITECTURE.md)."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Final, TypeAlias, TypedDict

from torch import Tensor

from speciarl_pl.metrics.functional.counts import (
    N_OUTCOMES,
    OUTCOME_LABELS,
    n_correct,
    n_predictions,
)
from speciarl_pl.metrics.functional.intervals import bootstrap_interval, wilson_interval
from speciarl_pl.metrics.functional.rates import category_rates, correctness
from speciarl_pl.metrics.functional.specificity import Weights, harmonic_mean, specificity

Interval: TypeAlias = list[float] | None
"""Low and high; None where the value is undefined."""

AVERAGED: Final = ("correctness", "specificity", "hm", "abstain_rate", "wrong_rate")
"""Values of which `macro_average` takes the mean."""


class Summary(TypedDict):
    """Value of one data set in `results.json`; None stands for an undefined number."""

    n: int
    """Predictions that the rates are over: all but the unjudged."""
    counts: dict[str, int]
    """By category label, and `unparsed`, `unjudged`; they add up to all images."""
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
    """95 % intervals of `correctness` (Wilson), `specificity` and `hm` (bootstrap)."""


def summarize(counts: Tensor, weights: Weights = "release", seed: int = 0) -> Summary:
    """Put the metrics of one data set and their intervals into plain numbers.

    Args:
        counts: int64 [8], as from `outcome_counts`.
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
    rates = category_rates(exact)
    level = partial(specificity, weights=weights)
    mean = partial(harmonic_mean, weights=weights)
    return {
        "n": int(n_predictions(exact)),
        "counts": dict(zip(OUTCOME_LABELS, map(int, exact.tolist()), strict=True)),
        "correctness": _number(correctness(exact)),
        "specificity": _number(level(exact)),
        "hm": _number(mean(exact)),
        "abstain_rate": _number(rates["abstain_rate"]),
        "wrong_rate": _number(rates["wrong_rate"]),
        "ci95": {
            "correctness": _interval(wilson_interval(n_correct(exact), n_predictions(exact))),
            "specificity": _interval(bootstrap_interval(exact, level, seed=seed)),
            "hm": _interval(bootstrap_interval(exact, mean, seed=seed)),
        },
    }


def macro_average(summaries: Mapping[str, Summary]) -> dict[str, float | None]:
    """Mean over data sets of the values in `AVERAGED`, each data set weighing the same.

    Args:
        summaries: By name of the data set.

    Returns:
        By name of the value; over the data sets for which it is defined, None if for none.

    Example:
        >>> import torch
        >>> sets = {"a": summarize(torch.tensor([0, 0, 0, 0, 0, 0, 4, 0])),
        ...         "b": summarize(torch.tensor([0, 0, 4, 0, 0, 0, 0, 0]))}
        >>> macro_average(sets)["correctness"], macro_average(sets)["specificity"]
        (0.5, 1.0)
    """
    table: dict[str, Mapping[str, object]] = {name: {**value} for name, value in summaries.items()}
    columns = {key: [row[key] for row in table.values()] for key in AVERAGED}
    return {key: _mean(values) for key, values in columns.items()}


def _mean(values: list[object]) -> float | None:
    numbers = [value for value in values if isinstance(value, float)]
    return math.fsum(numbers) / len(numbers) if numbers else None


def _number(value: Tensor) -> float | None:
    number = value.item()
    return None if math.isnan(number) else float(number)


def _interval(bounds: Tensor) -> Interval:
    low, high = bounds.tolist()
    return None if math.isnan(low) else [low, high]
