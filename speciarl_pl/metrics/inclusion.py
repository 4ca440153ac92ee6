"""How often the truth is included in the prediction (paper, section 5)."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.inclusion import (
    YES_LABELS,
    included,
    share_of_yes,
    share_of_yes_interval,
    yes_counts,
)
from speciarl_pl.metrics.plotting import IntervalMetric


class _ShareOfYes(IntervalMetric):
    """A share of a yes, kept as counts."""

    counts: Tensor
    """int64 [3], in the order of `YES_LABELS`."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("counts", torch.zeros(len(YES_LABELS), dtype=torch.int64), "sum")

    def compute(self) -> Tensor:
        """The share so far, a scalar."""
        return share_of_yes(self.counts)

    def _count(self, answers: Iterable[bool | None]) -> None:
        self.counts = self.counts + yes_counts(answers).to(self.counts.device)

    def _interval(self, confidence: float) -> Tensor:
        return share_of_yes_interval(self.counts, confidence)


class TextualInclusion(_ShareOfYes):
    """Share of predictions whose lower-cased text holds the lower-cased truth.

    NaN before the first prediction. `interval` is Wilson's.

    Example:
        >>> metric = TextualInclusion()
        >>> metric(["cat", "dog", "dog"], ["Black cat", "wolf", None])
        tensor(0.3333)
        >>> metric.interval()
        tensor([0.0615, 0.7923], dtype=torch.float64)
    """

    def update(self, truths: Sequence[str], predictions: Sequence[str | None]) -> None:
        """Count some predictions.

        Args:
            truths: n labels, not blank.
            predictions: n answers; None for an unparsed one, which includes nothing.

        Raises:
            ValueError: If there are not as many truths as predictions, or a truth is blank.
        """
        self._count(included(truths, predictions))


class LLMInclusion(_ShareOfYes):
    """Share of a yes among what an LLM said; `speciarl_pl.older_protocol` asks it.

    NaN before the first answer. `interval` is Wilson's.

    Example:
        >>> metric = LLMInclusion()
        >>> metric([True, False, None, True])
        tensor(0.6667)
        >>> metric.missing
        tensor(1)
    """

    def update(self, answers: Iterable[bool | None]) -> None:
        """Count some answers.

        Args:
            answers: One a prediction; False for an unparsed one, None where the LLM gave no
                answer, which is left out of the share and counted in `missing`.

        Raises:
            ValueError: If an answer is neither a bool nor None.
        """
        self._count(answers)

    @property
    def missing(self) -> Tensor:
        """Predictions of this process on which the LLM gave no answer."""
        return self.counts[YES_LABELS.index("missing")]
