"""Correctness and category rates (version 1 of the project's definitions).

Over n predictions that were judged or unparsed; an unparsed one counts as wrong, an unjudged one is
left out. Everything takes counts [..., 8], as from `outcome_counts`, and is NaN where n is 0.
"""

from torch import Tensor

from speciarl_pl.category import UNJUDGED, UNPARSED, Category
from speciarl_pl.metrics.functional.counts import as_real, count_of, n_correct, n_predictions


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
