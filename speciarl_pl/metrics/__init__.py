"""Specificity and correctness as torchmetrics."""

from speciarl_pl.metrics.category_rates import CategoryRates
from speciarl_pl.metrics.correctness import Correctness
from speciarl_pl.metrics.outcome_counts import OutcomeCounts
from speciarl_pl.metrics.specificity import HarmonicMean, Specificity

__all__ = ["CategoryRates", "Correctness", "HarmonicMean", "OutcomeCounts", "Specificity"]
