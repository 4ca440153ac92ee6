"""Precision and recall that give credit for what truth and prediction have above them in common.

A label stands for itself and all that lies above it, without the root that is above everything; the
measures are micro-averages over these sets (Kiritchenko, Matwin, Nock and Famili, 2006).
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import numpy as np
import torch
from torch import Tensor

SUM_LABELS: Final = ("shared", "predicted", "true")
"""What each place of the sums counts: names in both sets, or in that of one."""

SCORES: Final = ("precision", "recall", "f1")
"""The three measures, in the order in which they are given."""

Sets = Sequence[AbstractSet[str]]
"""One set of names for each prediction."""


def hierarchical_scores(truth_ancestors: Sets, predicted_ancestors: Sets) -> dict[str, Tensor]:
    """Hierarchical precision, recall and F1.

    Args:
        truth_ancestors: n sets: the truth and all above it.
        predicted_ancestors: n sets: the prediction and all above it; empty for an answer that names
            nothing of the tree, which costs recall and leaves precision alone.

    Returns:
        By name in `SCORES`: scalars from 0 to 1; NaN where a score is a share of nothing.

    Raises:
        ValueError: If there are not as many predictions as truths.

    Example:
        >>> hierarchical_scores([{"animal", "dog", "samoyed"}], [{"animal", "dog"}])
        {'precision': tensor(1.), 'recall': tensor(0.6667), 'f1': tensor(0.8000)}
    """
    scores = scores_of_sums(overlap_rows(truth_ancestors, predicted_ancestors).sum(0))
    default = torch.get_default_dtype()
    return dict(zip(SCORES, scores.to(default).unbind(-1), strict=True))


def overlap_rows(truth_ancestors: Sets, predicted_ancestors: Sets) -> Tensor:
    """Sizes of the sets of each prediction; int64 [n, 3] in the order of `SUM_LABELS`.

    Raises:
        ValueError: If there are not as many predictions as truths.

    Example:
        >>> overlap_rows([{"animal", "dog"}], [{"animal", "cat", "siamese"}])
        tensor([[1, 3, 2]])
    """
    if len(truth_ancestors) != len(predicted_ancestors):
        raise ValueError(
            f"predicted_ancestors: expected one set for each of {len(truth_ancestors)} truths, got "
            f"{len(predicted_ancestors)}"
        )
    pairs = zip(truth_ancestors, predicted_ancestors, strict=True)
    rows = [[len(true & predicted), len(predicted), len(true)] for true, predicted in pairs]
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, 3)


def scores_of_sums(sums: Tensor) -> Tensor:
    """Precision, recall and F1 of summed sizes.

    Args:
        sums: [..., 3], `overlap_rows` added up.

    Returns:
        float64 [..., 3] in the order of `SCORES`. F1, the harmonic mean of the two, is 0 where
        nothing is shared, even if nothing is predicted.

    Example:
        >>> scores_of_sums(torch.tensor([2, 2, 3]))
        tensor([1.0000, 0.6667, 0.8000], dtype=torch.float64)
    """
    shared, predicted, true = sums.double().unbind(-1)
    return torch.stack((shared / predicted, shared / true, 2 * shared / (predicted + true)), -1)


def hierarchical_interval(
    rows: Tensor, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Tensor:
    """Percentile bootstrap intervals of the three scores.

    Rows are drawn anew with replacement; equal rows are drawn together, so that the cost depends on
    how many differ.

    Args:
        rows: int64 [n, 3], as from `overlap_rows`; for several predictions an image, added up by
            image, since these are not independent.
        confidence: Between 0 and 1.
        resamples: Number of draws.
        seed: Equal seeds give equal intervals.

    Returns:
        float64 [3, 2] in the order of `SCORES`, low and high, over the draws for which a score is
        defined; NaN if for none.

    Raises:
        ValueError: If `confidence` is not between 0 and 1 or `resamples` is not positive.

    Example:
        >>> hierarchical_interval(torch.tensor([[2, 2, 3], [1, 2, 3]] * 50))[2]
        tensor([0.5600, 0.6400], dtype=torch.float64)
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: expected a number between 0 and 1, got {confidence}")
    if resamples < 1:
        raise ValueError(f"resamples: expected an int >= 1, got {resamples}")
    if not len(rows):
        return torch.full((len(SCORES), 2), torch.nan, dtype=torch.float64)
    kinds, counts = np.unique(rows.cpu().numpy(), axis=0, return_counts=True)
    sums = _resampled(kinds, counts, resamples, seed)
    tail = (1 - confidence) / 2
    tails = torch.tensor([tail, 1 - tail], dtype=torch.float64)
    return scores_of_sums(torch.from_numpy(sums)).nanquantile(tails, dim=0).T


def _resampled(kinds: np.ndarray, counts: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Sums of redrawn rows, [resamples, 3]; one draw at a time, as there may be many kinds."""
    random, n = np.random.default_rng(seed), int(counts.sum())
    shares = counts / n
    return np.stack([random.multinomial(n, shares) @ kinds for _ in range(resamples)])
