"""A difference between two runs with its interval and p-value."""

from dataclasses import dataclass

from torch import Tensor

from speciarl_pl.metrics.functional.intervals import percentile_interval
from speciarl_pl.metrics.functional.plain import Interval, interval, number


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one run is from another in one statistic."""

    difference: float | None
    """Run B minus run A; None where either is undefined."""
    ci95: Interval
    """Percentile interval of 95 %; None where the difference is never defined."""
    p_value: float | None
    """Two-sided, of no difference; never 0, as a bootstrap of R draws cannot show less than
    2 / (R + 1)."""


def difference_of(observed: Tensor, drawn: Tensor) -> Difference:
    """Sum up the bootstrap draws of a difference.

    The p-value is twice the smaller share of draws at or beyond 0, with the observed one counted
    among them (Davison and Hinkley, 1997, equation 4.11).

    Args:
        observed: Scalar, the difference of the runs as they are.
        drawn: [resamples]; undefined ones (NaN) are left out.

    Example:
        >>> import torch
        >>> found = difference_of(torch.tensor(0.2), torch.tensor([0.1, 0.2, 0.3, 0.4]))
        >>> found.p_value
        0.4
    """
    defined = drawn[~drawn.isnan()]
    value = number(observed)
    if value is None or not len(defined):
        return Difference(None, None, None)
    beyond = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    p_value = min(1.0, 2 * (beyond + 1) / (len(defined) + 1))
    return Difference(value, interval(percentile_interval(defined.double())), p_value)
