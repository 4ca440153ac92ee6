"""Specificity, correctness and the metrics of the older protocol as torchmetrics."""

from speciarl_pl.metrics.best_of_k import BestOfK
from speciarl_pl.metrics.by_image import MajorityOutcomes, SampleOutcomes
from speciarl_pl.metrics.hierarchical import HierarchicalScores
from speciarl_pl.metrics.inclusion import LLMInclusion, TextualInclusion
from speciarl_pl.metrics.judge_coverage import JudgeCoverage
from speciarl_pl.metrics.rate_metrics import (
    CategoryRates,
    Correctness,
    HarmonicMean,
    OutcomeCounts,
    Specificity,
)
from speciarl_pl.metrics.similarity import ConceptSimilarity, SemanticSimilarity

__all__ = [
    "BestOfK",
    "CategoryRates",
    "ConceptSimilarity",
    "Correctness",
    "HarmonicMean",
    "HierarchicalScores",
    "JudgeCoverage",
    "LLMInclusion",
    "MajorityOutcomes",
    "OutcomeCounts",
    "SampleOutcomes",
    "SemanticSimilarity",
    "Specificity",
    "TextualInclusion",
]
