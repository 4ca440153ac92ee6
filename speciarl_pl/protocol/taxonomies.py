"""What a tree of names says lies above an answer, for hierarchical precision and recall."""

from speciarl_pl.judge.taxonomy import taxonomy_path
from speciarl_pl.judge.tree import Node, Taxonomy
from speciarl_pl.judge.years import split_year


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
