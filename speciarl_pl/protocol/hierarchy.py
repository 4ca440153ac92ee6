"""Hierarchical precision, recall and F1 of the pairs of a run."""

from typing import Any

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.hierarchical import (
    SCORES,
    hierarchical_interval,
    overlap_rows,
    scores_of_sums,
)
from speciarl_pl.protocol.numbers import bounds, number
from speciarl_pl.protocol.pairs import DistinctPairs
from speciarl_pl.protocol.taxonomies import AncestorSets


def hierarchical(found: DistinctPairs, sets: AncestorSets) -> dict[str, Any]:
    """Score the pairs of a run by a tree.

    Args:
        found: The pairs.
        sets: What the tree says.

    Returns:
        `precision`, `recall` and `f1` (None where undefined); `ci95` of each, from the bootstrap
        over images; `n` predictions behind them; `unknown`, those of them whose answer names
        nothing of the tree, refusals and unparsed ones included, which cost recall alone;
        `left_out`, those whose truth is not in the tree.

    Example:
        >>> from speciarl_pl.protocol.pairs import distinct_pairs
        >>> from speciarl_pl.protocol.prediction import Prediction
        >>> pairs = distinct_pairs([Prediction("crimson triangle", "triangle")])
        >>> scores = hierarchical(pairs, AncestorSets("world"))
        >>> scores["precision"], round(scores["recall"], 3), scores["f1"], scores["n"]
        (1.0, 0.667, 0.8, 1)
    """
    truths = [sets.of(truth) for truth, _ in found.pairs]
    answers = [None if answer is None else sets.of(answer) for _, answer in found.pairs]
    overlaps = overlap_rows([t or frozenset() for t in truths], [a or frozenset() for a in answers])
    known = torch.tensor([truth is not None for truth in truths], dtype=torch.bool)[found.pair_of]
    unknown = torch.tensor([answer is None for answer in answers], dtype=torch.bool)[found.pair_of]
    rows = _by_image(overlaps[found.pair_of[known]], found.image_of[known])
    scores = zip(SCORES, map(number, scores_of_sums(rows.sum(0))), strict=True)
    intervals = zip(SCORES, map(bounds, hierarchical_interval(rows)), strict=True)
    counts = {"n": int(known.sum()), "unknown": int((known & unknown).sum())}
    return dict(scores) | {"ci95": dict(intervals)} | counts | {"left_out": int((~known).sum())}


def _by_image(rows: Tensor, images: Tensor) -> Tensor:
    """Rows added up by image; images without a row are left out."""
    present, places = torch.unique(images, return_inverse=True)
    return rows.new_zeros(len(present), 3).index_add(0, places, rows)
