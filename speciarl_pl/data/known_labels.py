"""What a judge knows of the labels of a data set."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from speciarl_pl.data.shown import shown
from speciarl_pl.judge import CachedJudge, CascadeJudge, Judge, TaxonomyJudge
from speciarl_pl.records import Pair, Verdict

_NAMED: Final = 10
_PROBE: Final = "I don't know"
"""A refusal: a tree has a verdict on it just where it knows the truth."""


def known_lines(judge: Judge, labels: Sequence[str]) -> list[str]:
    """Say which labels the trees of a judge know, a line each.

    Args:
        judge: The judge, which need not be open: nothing is asked.
        labels: Different labels.

    Example:
        >>> known_lines(TaxonomyJudge("oxford_pets"), ["Samoyed", "Maine Coon"])
        ["its trees know 2 of 2 labels: 'Samoyed', 'Maine Coon'"]
    """
    trees = [one for one in _stages(judge) if isinstance(one, TaxonomyJudge)]
    kinds = [type(one).__name__ for one in _stages(judge)]
    others = [kind for kind in kinds if kind not in ("TaxonomyJudge", "ExactJudge")]
    if not trees:
        says = "knows the label itself alone" if set(kinds) == {"ExactJudge"} else "asks about all"
        return [f"{', '.join(kinds)} has no tree of names: it {says}"]
    found = set(itertools.chain.from_iterable(_known(tree, labels) for tree in trees))
    known = [label for label in labels if label in found]
    unknown = [label for label in labels if label not in found]
    lines = [f"its trees know {len(known):,} of {len(labels):,} labels{_some(known)}"]
    if unknown and others:
        lines.append(
            f"{', '.join(others)} is asked about the other {len(unknown):,}{_some(unknown)}"
        )
    elif unknown:
        lines.append(
            f"they do not know {len(unknown):,}{_some(unknown)}; whatever is answered there stays"
            " unjudged, but for the label itself and refusals"
        )
    return lines


def _stages(judge: Judge) -> Iterator[Judge]:
    """The judges inside a judge that judge by themselves."""
    if isinstance(judge, CascadeJudge):
        for stage in judge.stages:
            yield from _stages(stage)
    elif isinstance(judge, CachedJudge):
        yield from _stages(judge.judge_behind)
    else:
        yield judge


def _known(trees: TaxonomyJudge, labels: Sequence[str]) -> list[str]:
    judged = trees.judge([Pair(label, _PROBE) for label in labels])
    return [label for label, one in zip(labels, judged, strict=True) if isinstance(one, Verdict)]


def _some(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else ""
    named = ", ".join(shown(label) for label in labels[:_NAMED])
    return f": {named}{more}" if labels else ""
