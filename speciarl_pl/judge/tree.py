"""A tree of names with synonyms, read from one CSV file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from speciarl_pl.answer import answer_key
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.names import loose_name, plain_name, singular_names
from speciarl_pl.judge.table import TaxonomyRow, read_taxonomy_csv


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the tree, under all its names."""

    name: str
    """As written in the file."""
    ancestors: tuple[str, ...]
    """Names of the nodes above, nearest first."""
    is_generic: bool
    """Whether it is a generic answer for whatever lies below it, also one level below."""


class Taxonomy:
    """Nodes by name.

    A name is looked up as written (but for case and white space) first, then without edge marks
    and article, then without hyphens, blanks and accents, then in the singular; a tolerant form
    that two nodes share finds neither.

    Args:
        rows: The rows of the file, in any order.
        source: What error messages call the file.

    Raises:
        JudgeError: If a name is given twice, a parent is unknown, or the tree has a cycle; names
            the row.

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
        self.nodes = tuple(_node(row, by_key, source) for row in rows)
        nodes = {row.line: node for row, node in zip(rows, self.nodes, strict=True)}
        self._exact = {key: nodes[row.line] for key, row in by_key.items()}
        self._plain = _index(self._exact, lambda key: [plain_name(key)])
        self._loose = _index(self._exact, lambda key: [loose_name(key)])
        self._singular = _index(self._exact, lambda key: map(loose_name, singular_names(key)))

    @classmethod
    def from_csv(cls, path: str | Path) -> Self:
        """Read the file at `path`; see `read_taxonomy_csv` for its columns.

        Raises:
            JudgeError: If the file cannot be read or breaks a rule; names the file and the row.
        """
        return cls(read_taxonomy_csv(Path(path)), str(path))

    def find(self, text: str) -> Node | None:
        """The node that `text` names, or None if there is none or it is not clear which."""
        found = self._exact.get(answer_key(text))
        if found is not None:
            return found
        plain = plain_name(text)
        loose = loose_name(plain)
        lookups = [(self._plain, plain), (self._loose, loose), (self._singular, loose)]
        lookups += [(self._loose, loose_name(name)) for name in singular_names(plain)]
        return next((index[form] for index, form in lookups if form in index), None)


def _by_key(rows: Sequence[TaxonomyRow], source: str) -> dict[str, TaxonomyRow]:
    """Rows by the key of each of their names, which must belong to one row."""
    by_key: dict[str, TaxonomyRow] = {}
    for row in rows:
        for name in (row.name, *row.synonyms):
            other = by_key.setdefault(answer_key(name), row)
            if other is not row:
                raise JudgeError(
                    f"{source}, line {row.line}: name {name!r} is already taken by {other.name!r} "
                    f"on line {other.line}; every name and synonym may stand for one node only"
                )
    return by_key


def _node(row: TaxonomyRow, by_key: dict[str, TaxonomyRow], source: str) -> Node:
    ancestors: list[str] = []
    seen = {row.line}
    below = row
    while below.parent:
        above = by_key.get(answer_key(below.parent))
        if above is None or answer_key(above.name) != answer_key(below.parent):
            raise JudgeError(
                f"{source}, line {below.line}: parent {below.parent!r} of {below.name!r} is the "
                "name of no row; leave it empty for a root"
            )
        if above.line in seen:
            raise JudgeError(
                f"{source}, line {below.line}: cycle: {above.name!r} lies above itself through "
                f"{below.name!r}"
            )
        seen.add(above.line)
        ancestors.append(above.name)
        below = above
    return Node(row.name, tuple(ancestors), row.generic)


def _index(exact: dict[str, Node], forms: Callable[[str], Iterable[str]]) -> dict[str, Node | None]:
    """Nodes by a tolerant form of their names; None where several nodes share it."""
    index: dict[str, Node | None] = {}
    for key, node in exact.items():
        for form in filter(None, forms(key)):
            index[form] = node if index.get(form, node) is node else None
    return index
