"""Correctness and category rates (version 1 of the project's definitions).

Over n predictions that were judged or unparsed; an unparsed one counts as wrong, an unjudged one is
left out. Everything takes counts [..., 8], as from `outcome_counts`, and is NaN where n is 0.
"""

import math
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor

from speciarl_pl.category import UNJUDGED, UNPARSED, Category
from speciarl_pl.metrics.functional.counts import (
    as_real,
    correct_levels,
    count_of,
    n_correct,
    n_predictions,
)


def correctness(counts: Tensor) -> Tensor:
    """Share of predictions that are generic or better.

    Args:
        counts: [..., 8].

    Returns:
        [...], from 0 to 1; NaN where there is no prediction.

    Example:
        >>> import torch
        >>> correctness(torch.tensor([9, 1, 1, 0, 3, 0, 3, 0]))
        tensor(0.7500)
    """
    counts = as_real(counts)
    return n_correct(counts) / n_predictions(counts)


def category_rates(counts: Tensor) -> dict[str, Tensor]:
    """Share of each category, and of what could not be judged or read.

    Args:
        counts: [..., 8].

    Returns:
        `wrong_rate`, `abstain_rate`, `generic_rate`, `less_specific_rate`, `specific_rate` and
        `more_specific_rate`, which sum to 1; `unparsed_rate`, which is part of the wrong;
        `unjudged_rate`, which is over all outcomes. Each [...], NaN where it is a share of nothing.

    Example:
        >>> import torch
        >>> rates = category_rates(torch.tensor([0, 1, 1, 0, 2, 0, 4, 0]))
        >>> rates["wrong_rate"], rates["generic_rate"], rates["unparsed_rate"]
        (tensor(0.2500), tensor(0.2500), tensor(0.1250))
    """
    counts = as_real(counts)
    n = n_predictions(counts)
    rates = {
        f"{category.name.lower()}_rate": count_of(counts, category) / n for category in Category
    }
    unparsed = count_of(counts, UNPARSED) / n
    rates["wrong_rate"] = rates["wrong_rate"] + unparsed
    unjudged = count_of(counts, UNJUDGED) / counts.sum(-1)
    return rates | {"unparsed_rate": unparsed, "unjudged_rate": unjudged}


# Specificity and its harmonic mean with correctness (version 1 of the project's definitions).


Weights: TypeAlias = Literal["release", "ordinal"] | Sequence[float]
"""Named level weights, or four numbers: generic, less specific, specific, more specific."""

LEVEL_WEIGHTS: Final = {
    "release": (0.2, 0.6, 1.0, 1.0),
    "ordinal": (1 / 3, 2 / 3, 1.0, 1.0),
}
"""The named weights; `release` is the evaluation scale of the paper's published code."""


def level_weights(weights: Weights) -> tuple[float, ...]:
    """Resolve `weights` to four numbers.

    Raises:
        ValueError: If the name is unknown, or there are not four numbers from 0 to 1.

    Example:
        >>> level_weights("release")
        (0.2, 0.6, 1.0, 1.0)
    """
    if isinstance(weights, str):
        if weights not in LEVEL_WEIGHTS:
            known = ", ".join(LEVEL_WEIGHTS)
            raise ValueError(f"weights: expected one of {known} or 4 numbers, got {weights!r}")
        return LEVEL_WEIGHTS[weights]
    if len(weights) != 4 or not all(math.isfinite(w) and 0 <= w <= 1 for w in weights):
        raise ValueError(
            "weights: expected 4 numbers from 0 to 1 (generic, less specific, specific, more "
            f"specific), got {weights!r}"
        )
    return tuple(float(weight) for weight in weights)


def specificity(counts: Tensor, weights: Weights = "release") -> Tensor:
    """Mean level weight of the correct predictions.

    Args:
        counts: [..., 8], as from `outcome_counts`.
        weights: What a correct prediction of each level is worth, from 0 to 1.

    Returns:
        [...], from 0 to 1; NaN where no prediction is correct.

    Raises:
        ValueError: If `weights` are invalid.

    Example:
        >>> specificity(torch.tensor([0, 0, 5, 0, 1, 0, 1, 0]))
        tensor(0.6000)
    """
    levels = correct_levels(as_real(counts))
    values = torch.tensor(level_weights(weights), dtype=levels.dtype, device=levels.device)
    return (levels * values).sum(-1) / levels.sum(-1)


def harmonic_mean(counts: Tensor, weights: Weights = "release") -> Tensor:
    """Harmonic mean of specificity and correctness.

    Args:
        counts: [..., 8], as from `outcome_counts`.
        weights: As for `specificity`.

    Returns:
        [...], from 0 to 1: 0 where predictions exist and none is correct, though specificity is
        undefined there, since no value of it would give another mean; NaN where there is none.

    Raises:
        ValueError: If `weights` are invalid.

    Example:
        >>> harmonic_mean(torch.tensor([0, 0, 2, 0, 1, 0, 1, 0]))
        tensor(0.5455)
        >>> harmonic_mean(torch.tensor([0, 0, 2, 0, 0, 0, 0, 0]))
        tensor(0.)
    """
    share = correctness(counts)
    level = specificity(counts, weights).nan_to_num(0.0)
    mean = 2 * share * level / (share + level)
    return torch.where((share == 0) & (n_predictions(counts) > 0), torch.zeros_like(mean), mean)


# The five values of a data set that tables show and macro means are made of.


AVERAGED: Final = ("correctness", "specificity", "hm", "abstain_rate", "wrong_rate")
"""Their names, as results.json has them."""

SCORES: Final = ("correctness", "specificity", "hm")
"""Those of them in which more is better."""


def headline(counts: Tensor, weights: Weights = "release") -> dict[str, Tensor]:
    """The values in `AVERAGED`, from outcome counts.

    Args:
        counts: [..., 8], as from `outcome_counts`.
        weights: As for `specificity`.

    Returns:
        By name, each [...]; NaN where it is undefined.

    Raises:
        ValueError: If `weights` are invalid.

    Example:
        >>> import torch
        >>> values = headline(torch.tensor([0, 0, 1, 1, 4, 0, 4, 0]))
        >>> values["correctness"], values["specificity"], values["wrong_rate"]
        (tensor(0.8000), tensor(0.6000), tensor(0.1000))
    """
    rates = category_rates(counts)
    return {
        "correctness": correctness(counts),
        "specificity": specificity(counts, weights),
        "hm": harmonic_mean(counts, weights),
        "abstain_rate": rates["abstain_rate"],
        "wrong_rate": rates["wrong_rate"],
    }
