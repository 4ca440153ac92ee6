"""Specificity, correctness and the metrics of the older protocol as torchmetrics."""

from speciarl_pl.metrics.best_of_k import BestOfK
from speciarl_pl.metrics.category_rates import CategoryRates
from speciarl_pl.metrics.correctness import Correctness
from speciarl_pl.metrics.hierarchical import HierarchicalScores
from speciarl_pl.metrics.inclusion import LLMInclusion, TextualInclusion
from speciarl_pl.metrics.judge_coverage import JudgeCoverage
from speciarl_pl.metrics.majority_outcomes import MajorityOutcomes
from speciarl_pl.metrics.outcome_counts import OutcomeCounts
from speciarl_pl.metrics.sample_outcomes import SampleOutcomes
from speciarl_pl.metrics.similarity import ConceptSimilarity, SemanticSimilarity
from speciarl_pl.metrics.specificity import HarmonicMean, Specificity

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
