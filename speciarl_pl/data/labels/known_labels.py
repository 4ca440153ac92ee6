"""What a judge knows of the labels of a data set."""

from collections.abc import Iterator, Sequence
from typing import Final

from speciarl_pl.data.reading.shown import shown
from speciarl_pl.judge import CachedJudge, CascadeJudge, Judge, TaxonomyJudge
from speciarl_pl.records import Judgement, Pair, Verdict

_NAMED: Final = 10
_PROBE: Final = "I don't know"
"""A refusal: a tree has a verdict on it just where it knows the truth."""


def known_lines(judge: Judge, labels: Sequence[str], datasets: Sequence[str]) -> list[str]:
    """Say which labels the trees of a judge know, a line each.

    Args:
        judge: The judge, which need not be open: nothing is asked.
        labels: Different labels.
        datasets: Of each, the data set or tree that its pairs name; see `Pair`.

    Example:
        >>> known_lines(TaxonomyJudge("oxford_pets"), ["Samoyed", "Maine Coon"], ["pets", "pets"])
        ["its trees know 2 of 2 labels: 'Samoyed', 'Maine Coon'"]
    """
    trees = [one for one in stages(judge) if isinstance(one, TaxonomyJudge)]
    kinds = [type(one).__name__ for one in stages(judge)]
    others = [kind for kind in kinds if kind not in ("TaxonomyJudge", "ExactJudge")]
    if not trees:
        says = "knows the label itself alone" if set(kinds) == {"ExactJudge"} else "asks about all"
        return [f"{', '.join(kinds)} has no tree of names: it {says}"]
    found = {label for label, _ in known_to(trees, list(zip(labels, datasets, strict=True)))}
    known = [label for label in labels if label in found]
    unknown = [label for label in labels if label not in found]
    lines = [f"its trees know {len(known):,} of {len(labels):,} labels{some(known)}"]
    if unknown and others:
        lines.append(
            f"{', '.join(others)} is asked about the other {len(unknown):,}{some(unknown)}"
        )
    elif unknown:
        elsewhere = known_to(trees, [(label, "") for label in unknown])
        if elsewhere:
            lines.append(_of_no_tree(datasets[0], len(elsewhere)))
        lines.append(
            f"they do not know {len(unknown):,}{some(unknown)}; whatever is answered there stays"
            " unjudged, but for the label itself and refusals"
        )
    return lines


def stages(judge: Judge) -> Iterator[Judge]:
    """The judges inside a judge that judge by themselves."""
    if isinstance(judge, CascadeJudge):
        for stage in judge.stages:
            yield from stages(stage)
    elif isinstance(judge, CachedJudge):
        yield from stages(judge.judge_behind)
    else:
        yield judge


def known_to(
    trees: Sequence[TaxonomyJudge], labels: Sequence[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Which labels some tree has a verdict on.

    Args:
        trees: The trees.
        labels: Each with the data set or tree that its pairs name; see `Pair`.
    """
    pairs = [Pair(label, _PROBE, name) for label, name in labels]
    judged = ((pair, one) for tree in trees for pair, one in _judged(tree, pairs))
    return {(pair.truth, pair.dataset) for pair, one in judged if isinstance(one, Verdict)}


def _judged(tree: TaxonomyJudge, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, Judgement]]:
    return zip(pairs, tree.judge(pairs), strict=True)


def _of_no_tree(dataset: str, number: int) -> str:
    return (
        f"{number:,} more are in trees that are not for data set {dataset!r}: if one is, say so to"
        f" TaxonomyJudge, `datasets: {{{dataset}: TREE}}`, or give the data set the tree's `name`"
    )


def some(labels: Sequence[str]) -> str:
    """The first labels, after a colon; empty without any."""
    more = f" and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else ""
    named = ", ".join(shown(label) for label in labels[:_NAMED])
    return f": {named}{more}" if labels else ""
