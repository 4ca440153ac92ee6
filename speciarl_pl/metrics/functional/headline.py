"""The five values of a data set that tables show and macro means are made of."""

from typing import Final

from torch import Tensor

from speciarl_pl.metrics.functional.rates import category_rates, correctness
from speciarl_pl.metrics.functional.specificity import Weights, harmonic_mean, specificity

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
