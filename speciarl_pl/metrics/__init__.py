"""Specificity, correctness, best of k and the majority vote as torchmetrics."""

from speciarl_pl.metrics.best_of_k import BestOfK
from speciarl_pl.metrics.by_image import CutOutcomes, MajorityOutcomes, SampleOutcomes
from speciarl_pl.metrics.rate_metrics import Correctness, HarmonicMean, Specificity

__all__ = [
    "BestOfK",
    "Correctness",
    "CutOutcomes",
    "HarmonicMean",
    "MajorityOutcomes",
    "SampleOutcomes",
    "Specificity",
]
