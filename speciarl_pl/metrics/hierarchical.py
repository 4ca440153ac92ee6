"""Precision and recall over what lies above truth and prediction in a tree."""

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.hierarchical import (
    SCORES,
    SUM_LABELS,
    Sets,
    overlap_rows,
    scores_of_sums,
)
from speciarl_pl.metrics.plotting import PlottedMetric


class HierarchicalScores(PlottedMetric):
    """Hierarchical precision, recall and F1, micro-averaged (Kiritchenko et al., 2006).

    For intervals, which need more than the sums kept here, see `functional.hierarchical_interval`.

    Example:
        >>> metric = HierarchicalScores()
        >>> metric.update([{"animal", "dog", "samoyed"}], [{"animal", "dog"}])
        >>> metric.compute()
        {'precision': tensor(1.), 'recall': tensor(0.6667), 'f1': tensor(0.8000)}
    """

    sums: Tensor
    """int64 [3], in the order of `SUM_LABELS`."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("sums", torch.zeros(len(SUM_LABELS), dtype=torch.int64), "sum")

    def update(self, truth_ancestors: Sets, predicted_ancestors: Sets) -> None:
        """Add some predictions.

        Args:
            truth_ancestors: n sets: the truth and all above it.
            predicted_ancestors: n sets: the prediction and all above it; empty for an answer that
                names nothing of the tree.

        Raises:
            ValueError: If there are not as many predictions as truths.
        """
        rows = overlap_rows(truth_ancestors, predicted_ancestors)
        self.sums = self.sums + rows.sum(0).to(self.sums.device)

    def compute(self) -> dict[str, Tensor]:
        """The scores so far by name, scalars; NaN where a score is a share of nothing."""
        scores = scores_of_sums(self.sums).to(torch.get_default_dtype())
        return dict(zip(SCORES, scores.unbind(-1), strict=True))
