"""The maths behind the metrics, as pure functions."""

from speciarl_pl.metrics.functional.best_of_k import best_of_k, best_of_k_counts
from speciarl_pl.metrics.functional.counts import OUTCOME_LABELS, outcome_counts
from speciarl_pl.metrics.functional.intervals import bootstrap_interval, wilson_interval
from speciarl_pl.metrics.functional.rates import category_rates, correctness
from speciarl_pl.metrics.functional.specificity import (
    LEVEL_WEIGHTS,
    Weights,
    harmonic_mean,
    specificity,
)
from speciarl_pl.metrics.functional.summary import Summary, macro_average, summarize

__all__ = [
    "LEVEL_WEIGHTS",
    "OUTCOME_LABELS",
    "Summary",
    "Weights",
    "best_of_k",
    "best_of_k_counts",
    "bootstrap_interval",
    "category_rates",
    "correctness",
    "harmonic_mean",
    "macro_average",
    "outcome_counts",
    "specificity",
    "summarize",
    "wilson_interval",
]
