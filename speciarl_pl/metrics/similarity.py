"""How alike truth and prediction are in the eyes of a sentence encoder (paper, section 5)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.mean import SUM_LABELS, mean_interval, mean_of, value_sums
from speciarl_pl.metrics.functional.similarity import best_cosines, cosines
from speciarl_pl.metrics.plotting import IntervalMetric


class _MeanCosine(IntervalMetric):
    """A mean of cosines, kept as sums."""

    plot_lower_bound = -1.0

    sums: Tensor
    """float64 [3], in the order of `SUM_LABELS`."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("sums", torch.zeros(len(SUM_LABELS), dtype=torch.float64), "sum")

    def compute(self) -> Tensor:
        """The mean so far, a float64 scalar."""
        return mean_of(self.sums)

    def _add(self, values: Tensor) -> None:
        self.sums = self.sums + value_sums(values).to(self.sums.device)

    def _interval(self, confidence: float) -> Tensor:
        return mean_interval(self.sums, confidence).clamp(-1.0, 1.0)


class SemanticSimilarity(_MeanCosine):
    """Mean cosine of the sentence embeddings of truth and prediction.

    NaN before the first prediction. `interval` is the normal one, cut to -1 and 1.

    Example:
        >>> metric = SemanticSimilarity()
        >>> metric(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
        tensor(0.8536, dtype=torch.float64)
        >>> metric.interval()
        tensor([0.5665, 1.0000], dtype=torch.float64)
    """

    def update(self, truths: Tensor, predictions: Tensor) -> None:
        """Add some predictions.

        Args:
            truths: [n, D], embeddings.
            predictions: [n, D]; zeros for an unparsed one, which counts as 0.

        Raises:
            ValueError: If the vectors differ in length or are not finite.
        """
        self._add(cosines(truths, predictions))


class ConceptSimilarity(_MeanCosine):
    """Mean of the best cosine between a truth and the noun phrases of its prediction.

    NaN before the first prediction. `interval` is the normal one, cut to -1 and 1.

    Example:
        >>> metric = ConceptSimilarity()
        >>> metric(torch.tensor([[1.0, 0.0]]), [torch.tensor([[0.0, 1.0], [1.0, 1.0]])])
        tensor(0.7071, dtype=torch.float64)
    """

    def update(self, truths: Tensor, concepts: Sequence[Tensor]) -> None:
        """Add some predictions.

        Args:
            truths: [n, D], embeddings.
            concepts: n tensors [phrases of that prediction, D]; with no row for an unparsed
                prediction, which counts as 0.

        Raises:
            ValueError: If there are not n tensors, or vectors differ in length or are not finite.
        """
        self._add(best_cosines(truths, concepts))
