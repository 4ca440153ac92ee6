"""Hierarchical precision, recall and F1 of the pairs of a run."""

from typing import Any

import torch
from torch import Tensor

from speciarl_pl.judge.rules.names import split_year
from speciarl_pl.judge.rules.taxonomy import taxonomy_path
from speciarl_pl.judge.rules.tree import Node, Taxonomy
from speciarl_pl.metrics.functional.hierarchical import (
    SCORES,
    hierarchical_interval,
    overlap_rows,
    scores_of_sums,
)
from speciarl_pl.metrics.functional.numbers import interval, number
from speciarl_pl.older_protocol.prediction import DistinctPairs

# What a tree of names says lies above an answer, for hierarchical precision and recall.


class AncestorSets:
    """Names of what an answer is, from the tree of a data set.

    A text is looked up as `TaxonomyJudge` does: whole, then as a name with a generic one behind it
    ("Audi sedan" is both), then with the year at its end or its start put behind, then without. The
    root that everything lies below is left out, as it says nothing (Kiritchenko et al., 2006).

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

    def of(self, text: str) -> frozenset[str] | None:
        """Names of what `text` names and of all above it; None if it names nothing of the tree."""
        nodes = self._nodes(text) or self._dated(text)
        return frozenset[str]().union(*map(_names, nodes)) - self._roots if nodes else None

    def _dated(self, text: str) -> tuple[Node, ...]:
        dated = split_year(text)
        return (self._nodes(f"{dated[0]} {dated[1]}") or self._nodes(dated[0])) if dated else ()

    def _nodes(self, text: str) -> tuple[Node, ...]:
        node = self._tree.find(text)
        return (node,) if node else self._tree.name_and_kind(text) or ()


def _names(node: Node) -> frozenset[str]:
    return frozenset((node.name, *node.ancestors))


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
        >>> from speciarl_pl.older_protocol.prediction import distinct_pairs
        >>> from speciarl_pl.older_protocol.prediction import Prediction
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
    intervals = zip(SCORES, map(interval, hierarchical_interval(rows)), strict=True)
    counts = {"n": int(known.sum()), "unknown": int((known & unknown).sum())}
    return dict(scores) | {"ci95": dict(intervals)} | counts | {"left_out": int((~known).sum())}


def _by_image(rows: Tensor, images: Tensor) -> Tensor:
    """Rows added up by image; images without a row are left out."""
    present, places = torch.unique(images, return_inverse=True)
    return rows.new_zeros(len(present), 3).index_add(0, places, rows)
