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
from speciarl_pl.metrics.functional.intervals import (
    bootstrap_interval,
    clustered_interval,
    wilson_interval,
)
from speciarl_pl.metrics.functional.judge_coverage import judge_coverage
from speciarl_pl.metrics.functional.macro import (
    GroupAverage,
    counted,
    group_averages,
    macro_average,
    macro_intervals,
)
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
    "correctness",
    "counted",
    "group_averages",
    "harmonic_mean",
    "headline",
    "image_counts",
    "judge_coverage",
    "macro_average",
    "macro_intervals",
    "majority_vote",
    "mcnemar",
    "outcome_counts",
    "paired_bootstrap",
    "specificity",
    "summarize",
    "summarize_majority",
    "summarize_samples",
    "unpaired_bootstrap",
    "wilson_interval",
]
