"""Precision and recall that give credit for what truth and answer have above them in a tree.

A label stands for itself and all that lies above it, without the root that is above everything; the
measures are micro-averages over these sets (Kiritchenko, Matwin, Nock and Famili, 2006).
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from torch import Tensor

from speciarl_pl.judge.rules.taxonomy import taxonomy_path
from speciarl_pl.judge.rules.tree import Node, Taxonomy
from speciarl_pl.judge.rules.years import split_year
from speciarl_pl.metrics.functional.intervals import RESAMPLES, percentile_interval
from speciarl_pl.metrics.functional.numbers import interval, number
from speciarl_pl.older_protocol.text_pairs import DistinctPairs

SCORES: Final = ("precision", "recall", "f1")
"""The three measures, in the order in which they are given."""

Names: TypeAlias = frozenset[str]
"""What a text names and all above it."""


class AncestorSets:
    """Names of what an answer is, from the tree of a data set.

    A text is looked up as `TaxonomyJudge` does: whole, then as a name with a generic one behind it
    ("Audi sedan" is both), then with the year at its end or its start put behind, then without. The
    root that everything lies below is left out, as it says nothing.

    Args:
        taxonomy: Name of a packaged taxonomy, or path of a CSV file (see `read_taxonomy_csv`).

    Raises:
        JudgeError: If there is no such taxonomy, or its file is malformed.

    Example:
        >>> sets = AncestorSets("world")
        >>> sorted(sets.of("crimson triangle"))
        ['crimson triangle', 'polygon', 'triangle']
        >>> sorted(sets.of("an object")), sets.of("a dog")
        ([], None)
    """

    def __init__(self, taxonomy: str) -> None:
        self._tree = Taxonomy.from_csv(taxonomy_path(taxonomy))
        self._roots = frozenset.intersection(*(_names(node) for node in self._tree.nodes))

    def of(self, text: str) -> Names | None:
        """Names of what `text` names and of all above it; None if it names nothing of the tree."""
        nodes = self._nodes(text) or self._dated(text)
        return frozenset[str]().union(*map(_names, nodes)) - self._roots if nodes else None

    def _dated(self, text: str) -> tuple[Node, ...]:
        dated = split_year(text)
        return (self._nodes(f"{dated[0]} {dated[1]}") or self._nodes(dated[0])) if dated else ()

    def _nodes(self, text: str) -> tuple[Node, ...]:
        node = self._tree.find(text)
        return (node,) if node else self._tree.name_and_kind(text) or ()


def _names(node: Node) -> Names:
    return frozenset((node.name, *node.ancestors))


def tree_scores(found: DistinctPairs, sets: AncestorSets) -> dict[str, Any]:
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
        >>> from speciarl_pl.older_protocol import Prediction, distinct_pairs
        >>> pairs = distinct_pairs([Prediction("crimson triangle", "triangle")])
        >>> scores = tree_scores(pairs, AncestorSets("world"))
        >>> scores["precision"], round(scores["recall"], 3), scores["f1"], scores["n"]
        (1.0, 0.667, 0.8, 1)
    """
    truths = [sets.of(truth) for truth, _ in found.pairs]
    answers = [None if answer is None else sets.of(answer) for _, answer in found.pairs]
    overlaps = overlap_rows(
        [(t or frozenset(), a or frozenset()) for t, a in zip(truths, answers, strict=True)]
    )
    known = torch.tensor([truth is not None for truth in truths], dtype=torch.bool)[found.pair_of]
    unknown = torch.tensor([answer is None for answer in answers], dtype=torch.bool)[found.pair_of]
    rows = _by_image(overlaps[found.pair_of[known]], found.image_of[known])
    scores = zip(SCORES, map(number, scores_of_sums(rows.sum(0))), strict=True)
    intervals = zip(SCORES, map(interval, scores_interval(rows)), strict=True)
    counts = {"n": int(known.sum()), "unknown": int((known & unknown).sum())}
    return dict(scores) | {"ci95": dict(intervals)} | counts | {"left_out": int((~known).sum())}


def overlap_rows(pairs: Sequence[tuple[Names, Names]]) -> Tensor:
    """Of each truth and answer: names in both, names of the answer, names of the truth.

    Example:
        >>> overlap_rows([(frozenset({"animal", "dog"}), frozenset({"animal", "cat", "siamese"}))])
        tensor([[1, 3, 2]])
    """
    rows = [[len(truth & answer), len(answer), len(truth)] for truth, answer in pairs]
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, 3)


def scores_of_sums(sums: Tensor) -> Tensor:
    """Precision, recall and F1 of summed sizes.

    Args:
        sums: [..., 3], `overlap_rows` added up.

    Returns:
        float64 [..., 3] in the order of `SCORES`; NaN where a score is a share of nothing. F1, the
        harmonic mean of the two, is 0 where nothing is shared, even if nothing is predicted.

    Example:
        >>> scores_of_sums(torch.tensor([2, 2, 3]))
        tensor([1.0000, 0.6667, 0.8000], dtype=torch.float64)
    """
    shared, predicted, true = sums.double().unbind(-1)
    return torch.stack((shared / predicted, shared / true, 2 * shared / (predicted + true)), -1)


def scores_interval(rows: Tensor, seed: int = 0) -> Tensor:
    """Percentile bootstrap intervals of 95 % of the three scores.

    Rows are drawn anew with replacement; equal rows are drawn together, so that the cost depends on
    how many differ.

    Args:
        rows: int64 [n, 3], as from `overlap_rows`; for several predictions an image, added up by
            image, since these are not independent.
        seed: Equal seeds give equal intervals.

    Returns:
        float64 [3, 2] in the order of `SCORES`, low and high, over the draws for which a score is
        defined; NaN if for none.
    """
    if not len(rows):
        return torch.full((len(SCORES), 2), torch.nan, dtype=torch.float64)
    kinds, counts = np.unique(rows.cpu().numpy(), axis=0, return_counts=True)
    random, n = np.random.default_rng(seed), int(counts.sum())
    shares = counts / n  # one draw at a time, as there may be many kinds
    sums = np.stack([random.multinomial(n, shares) @ kinds for _ in range(RESAMPLES)])
    return percentile_interval(scores_of_sums(torch.from_numpy(sums)))


def _by_image(rows: Tensor, images: Tensor) -> Tensor:
    """Rows added up by image; images without a row are left out."""
    present, places = torch.unique(images, return_inverse=True)
    return rows.new_zeros(len(present), 3).index_add(0, places, rows)
