"""The maths behind the metrics, as pure functions."""

from speciarl_pl.metrics.functional.best_of_k import (
    BestOfKCurve,
    best_of_k,
    best_of_k_counts,
    best_of_k_curve,
)
from speciarl_pl.metrics.functional.comparison import (
    Difference,
    McNemar,
    mcnemar,
    paired_bootstrap,
    unpaired_bootstrap,
)
from speciarl_pl.metrics.functional.counts import OUTCOME_LABELS, image_counts, outcome_counts
from speciarl_pl.metrics.functional.hierarchical import (
    hierarchical_interval,
    hierarchical_scores,
)
from speciarl_pl.metrics.functional.inclusion import is_included, llm_inclusion, textual_inclusion
from speciarl_pl.metrics.functional.intervals import bootstrap_interval, wilson_interval
from speciarl_pl.metrics.functional.judge_coverage import judge_coverage
from speciarl_pl.metrics.functional.macro import (
    GroupAverage,
    counted,
    group_averages,
    macro_average,
    macro_intervals,
)
from speciarl_pl.metrics.functional.mean import clustered_interval, mean_interval
from speciarl_pl.metrics.functional.rates import (
    AVERAGED,
    LEVEL_WEIGHTS,
    SCORES,
    Weights,
    category_rates,
    correctness,
    harmonic_mean,
    headline,
    specificity,
)
from speciarl_pl.metrics.functional.similarity import (
    concept_similarity,
    cosines,
    semantic_similarity,
)
from speciarl_pl.metrics.functional.summary import (
    MajoritySummary,
    Skipped,
    Summary,
    Vote,
    majority_vote,
    summarize,
    summarize_majority,
    summarize_samples,
)

__all__ = [
    "AVERAGED",
    "LEVEL_WEIGHTS",
    "OUTCOME_LABELS",
    "SCORES",
    "BestOfKCurve",
    "Difference",
    "GroupAverage",
    "MajoritySummary",
    "McNemar",
    "Skipped",
    "Summary",
    "Vote",
    "Weights",
    "best_of_k",
    "best_of_k_counts",
    "best_of_k_curve",
    "bootstrap_interval",
    "category_rates",
    "clustered_interval",
    "concept_similarity",
    "correctness",
    "cosines",
    "counted",
    "group_averages",
    "harmonic_mean",
    "headline",
    "hierarchical_interval",
    "hierarchical_scores",
    "image_counts",
    "is_included",
    "judge_coverage",
    "llm_inclusion",
    "macro_average",
    "macro_intervals",
    "majority_vote",
    "mcnemar",
    "mean_interval",
    "outcome_counts",
    "paired_bootstrap",
    "semantic_similarity",
    "specificity",
    "summarize",
    "summarize_majority",
    "summarize_samples",
    "textual_inclusion",
    "unpaired_bootstrap",
    "wilson_interval",
]
