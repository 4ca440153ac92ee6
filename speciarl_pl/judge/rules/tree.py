"""A tree of names with synonyms, read from one CSV file."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final, Self

from speciarl_pl.answer import answer_key
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.rules.names import loose_name, plain_name, singular_names, singular_of_name
from speciarl_pl.judge.rules.tree_file import TaxonomyRow, read_taxonomy_csv

_KIND_WORDS: Final = 3
"""Most words of the kind after a name ("Saab 340 commuter airliner" has two)."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the tree, under all its names."""

    name: str
    """As written in the file."""
    ancestors: tuple[str, ...]
    """Names of the nodes above, nearest first."""
    is_generic: bool
    """Whether it is a generic answer for whatever lies below it, also one level below."""
    levels: tuple[int, ...]
    """How far above each of `ancestors` lies, in steps from child to parent by the shortest way."""
    role: str = ""
    """As in `TaxonomyRow`."""

    @property
    def is_truth(self) -> bool:
        """Whether the tree knows the thing itself, not only what it is not."""
        return self.role in ("", "loose")

    def may_hold(self, other: "Node") -> bool:
        """Whether `other` may be of this loose kind, though it is not listed: it lies beside it."""
        if self.role != "loose":
            return False
        parents = (
            name for name, level in zip(self.ancestors, self.levels, strict=True) if level == 1
        )
        return any(name in other.ancestors for name in parents)

    def is_at_or_above(self, other: "Node") -> bool:
        """Whether `other` is this or lies below it."""
        return other is self or self.name in other.ancestors

    def levels_up_to(self, name: str) -> int | None:
        """Steps from this node up to the ancestor `name`; None if that does not lie above."""
        return self.levels[self.ancestors.index(name)] if name in self.ancestors else None


class Taxonomy:
    """Nodes by name.

    A name is looked up as written (but for case and white space) first, then without edge marks
    and article, then without hyphens, blanks and accents, then in the singular; a tolerant form
    that two nodes share finds neither. A name followed by that of something above it is the name
    alone ("lion animal"). A node may have several parents, and then lies below all that is above
    any of them.

    Args:
        rows: The rows of the file, in any order.
        source: What error messages call the file.

    Raises:
        JudgeError: If a name is given twice, a parent is unknown, or a node lies above itself;
            names the row.

    Example:
        >>> rows = [TaxonomyRow(2, "dog", "", ("Canis familiaris",), True),
        ...         TaxonomyRow(3, "Samoyed", "dog", (), False)]
        >>> taxonomy = Taxonomy(rows, "dogs.csv")
        >>> taxonomy.find("a samoyed").ancestors
        ('dog',)
        >>> taxonomy.find("cat") is None
        True
    """

    def __init__(self, rows: Sequence[TaxonomyRow], source: str) -> None:
        if not rows:
            raise JudgeError(f"{source}: expected at least one row below the header, got none")
        by_key = _by_key(rows, source)
        nodes = _nodes(rows, by_key, source)
        self.nodes = tuple(nodes[row.line] for row in rows)
        self._below = _below(self.nodes)
        self._exact = {key: nodes[row.line] for key, row in by_key.items()}
        self._plain = _index(self._exact, lambda key: [plain_name(key)])
        self._loose = _index(self._exact, lambda key: [loose_name(key)])
        named = {name: self._exact[answer_key(name)] for row in rows for name in _names(row)}
        self._singular = _index(named, lambda name: map(loose_name, singular_of_name(name)))

    @classmethod
    def from_csv(cls, path: str | Path) -> Self:
        """Read the file at `path`; see `read_taxonomy_csv` for its columns.

        Raises:
            JudgeError: If the file cannot be read or breaks a rule; names the file and the row.
        """
        return cls(read_taxonomy_csv(Path(path)), str(path))

    def find(self, text: str) -> Node | None:
        """The node that `text` names, or None if there is none or it is not clear which."""
        apposed = (name for name, kind in self._name_and_kind(text) if kind.name in name.ancestors)
        return self._named(text) or next(apposed, None)

    def name_and_kind(self, text: str) -> tuple[Node, Node] | None:
        """The node of a name and that of a generic one behind it ("Audi sedan"), if there are.

        What the tree does not know itself says nothing before a kind: a "mountain flower" is a
        flower, whatever else is called mountain.
        """
        both = self._name_and_kind(text)
        return next((pair for pair in both if pair[1].is_generic and pair[0].is_truth), None)

    def _named(self, text: str) -> Node | None:
        found = self._exact.get(answer_key(text))
        if found is not None:
            return found
        plain = plain_name(text)
        loose = loose_name(plain)
        lookups = [(self._plain, plain), (self._loose, loose), (self._singular, loose)]
        lookups += [(self._loose, loose_name(name)) for name in singular_names(plain)]
        return next((index[form] for index, form in lookups if form in index), None)

    def _name_and_kind(self, text: str) -> Iterator[tuple[Node, Node]]:
        words = plain_name(text).split()
        for start in range(max(1, len(words) - _KIND_WORDS), len(words)):
            kind = self._exact.get(" ".join(words[start:]))
            named = self._named(" ".join(words[:start])) if kind else None
            if kind and named and named is not kind:
                yield named, kind

    def are_apart(self, nodes: Iterable[Node]) -> bool:
        """Whether no one thing is all of `nodes`: no node lies at or below each of them.

        In a tree these are nodes of which one is not above the other; a node with two parents is
        both.
        """
        below = [self._below[node.name] for node in nodes]
        return bool(below) and not set.intersection(*below)


def _names(row: TaxonomyRow) -> tuple[str, ...]:
    return row.name, *row.synonyms


def _by_key(rows: Sequence[TaxonomyRow], source: str) -> dict[str, TaxonomyRow]:
    """Rows by the key of each of their names, which must belong to one row."""
    by_key: dict[str, TaxonomyRow] = {}
    for row in rows:
        for name in _names(row):
            other = by_key.setdefault(answer_key(name), row)
            if other is not row:
                raise JudgeError(
                    f"{source}, line {row.line}: name {name!r} is already taken by {other.name!r} "
                    f"on line {other.line}; every name and synonym may stand for one node only"
                )
    return by_key


def _nodes(
    rows: Sequence[TaxonomyRow], by_key: Mapping[str, TaxonomyRow], source: str
) -> dict[int, Node]:
    """Node of each row by its line, made from the nodes above it."""
    parents = {row.line: _parents(row, by_key, source) for row in rows}
    by_line = {row.line: row for row in rows}
    graph = {line: [parent.line for parent in above] for line, above in parents.items()}
    nodes: dict[int, Node] = {}
    try:
        for line in TopologicalSorter(graph).static_order():
            nodes[line] = _node(by_line[line], [nodes[parent.line] for parent in parents[line]])
    except CycleError as error:
        raise _cycle_error([by_line[line] for line in error.args[1]], source) from None
    return nodes


def _parents(row: TaxonomyRow, by_key: Mapping[str, TaxonomyRow], source: str) -> list[TaxonomyRow]:
    parents = []
    for column, name in (("parent", row.parent), *(("also", name) for name in row.also)):
        above = by_key.get(answer_key(name))
        if name and (above is None or answer_key(above.name) != answer_key(name)):
            raise JudgeError(
                f"{source}, line {row.line}: {column} {name!r} of {row.name!r} is the "
                "name of no row; leave it empty for a root"
            )
        parents += [above] if above else []
    return parents


def _cycle_error(cycle: Sequence[TaxonomyRow], source: str) -> JudgeError:
    """What to say of rows that lie above each other in turn; the last is the first again."""
    start = min(range(len(cycle) - 1), key=lambda place: cycle[place].line)
    above, below = cycle[start], cycle[start + 1]
    return JudgeError(
        f"{source}, line {below.line}: cycle: {above.name!r} lies above itself through "
        f"{below.name!r}"
    )


def _node(row: TaxonomyRow, parents: Sequence[Node]) -> Node:
    levels: dict[str, int] = {}
    for parent in parents:
        steps = (
            (parent.name, 1),
            *zip(parent.ancestors, (level + 1 for level in parent.levels), strict=True),
        )
        for name, level in steps:
            levels[name] = min(level, levels.get(name, level))
    ancestors = sorted(levels, key=levels.__getitem__)
    heights = tuple(levels[name] for name in ancestors)
    return Node(row.name, tuple(ancestors), row.generic, heights, row.role)


def _below(nodes: Sequence[Node]) -> dict[str, set[str]]:
    """Names of the nodes at or below each node."""
    below: dict[str, set[str]] = {node.name: {node.name} for node in nodes}
    for node in nodes:
        for name in node.ancestors:
            below[name].add(node.name)
    return below


def _index(exact: dict[str, Node], forms: Callable[[str], Iterable[str]]) -> dict[str, Node | None]:
    """Nodes by a tolerant form of their names; None where several nodes share it."""
    index: dict[str, Node | None] = {}
    for key, node in exact.items():
        for form in filter(None, forms(key)):
            index[form] = node if index.get(form, node) is node else None
    return index
