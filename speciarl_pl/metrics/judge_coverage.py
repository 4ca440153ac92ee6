"""How much of what could be judged was judged."""

from collections.abc import Iterable

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.judge_coverage import (
    COVERAGE_LABELS,
    coverage_counts,
    coverage_interval,
    coverage_rates,
)
from speciarl_pl.metrics.plotting import IntervalMetric
from speciarl_pl.records import Outcome


class JudgeCoverage(IntervalMetric):
    """Share of the parsed predictions that have a verdict, and by what gave it.

    `interval` is Wilson's, of the coverage.

    Example:
        >>> from speciarl_pl.category import Category
        >>> from speciarl_pl.records import Unjudged, Verdict
        >>> metric = JudgeCoverage()
        >>> metric.update([Verdict(Category.SPECIFIC, "exact:same"), Unjudged("timeout")])
        >>> metric.compute()["coverage"], metric.compute()["exact_share"]
        (tensor(0.5000), tensor(0.5000))
    """

    counts: Tensor
    """int64 [6], in the order of `COVERAGE_LABELS`."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("counts", torch.zeros(len(COVERAGE_LABELS), dtype=torch.int64), "sum")

    def update(self, outcomes: Iterable[Outcome]) -> None:
        """Count what became of some predictions; the unparsed are left out."""
        self.counts = self.counts + coverage_counts(outcomes).to(self.counts.device)

    def compute(self) -> dict[str, Tensor]:
        """The shares so far by name, scalars; see `functional.judge_coverage`."""
        return coverage_rates(self.counts)

    def _interval(self, confidence: float) -> Tensor:
        return coverage_interval(self.counts, confidence)
