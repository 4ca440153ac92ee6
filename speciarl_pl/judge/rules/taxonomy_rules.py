"""What a tree of names says of a prediction, rule by rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from speciarl_pl.answer import is_refusal
from speciarl_pl.category import Category
from speciarl_pl.judge.base import WhenUnknown
from speciarl_pl.judge.rules.names import split_year
from speciarl_pl.judge.rules.reading import (
    Named,
    Reader,
    choices,
    is_sum,
    offers_choice,
    split_options,
)
from speciarl_pl.judge.rules.tree import Node, Taxonomy
from speciarl_pl.records import Judgement, Unjudged, Verdict
from speciarl_pl.text import answer_inside

_MEMO_SIZE: Final = 50_000


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a prediction says, whatever the truth."""

    named: Named | None = None
    refuses: bool = False
    options: tuple[Node, ...] = ()
    """Several things of one rank, no one of which is another; empty if it names no such."""
    is_sum: bool = False
    """Whether the options are all meant at once ("and"), not one of them."""


class TaxonomyRules:
    """The rules of `TaxonomyJudge` for one tree.

    Args:
        taxonomy: The tree.
        close_levels: How many levels above the truth are still less specific.
        unknown: What a prediction outside the tree is.
    """

    def __init__(self, taxonomy: Taxonomy, close_levels: int, unknown: WhenUnknown) -> None:
        self.taxonomy = taxonomy
        self.close_levels = close_levels
        self.unknown = unknown
        self._reader = Reader(taxonomy)
        self._readings: dict[str, _Reading] = {}

    def judge(self, truth: Node, text: str) -> Judgement:
        """Judge a prediction.

        Args:
            truth: A node of the tree.
            text: The prediction as written.
        """
        reading = self._read(text)
        if reading.refuses:
            return _verdict(Category.ABSTAIN, "refusal")
        verdict = self._relate_named(truth, reading.named) if reading.named else None
        if verdict is None and reading.options:
            one_is_right = any(_on_a_line(truth, node) for node in reading.options)
            if not (reading.is_sum and one_is_right):
                verdict = _verdict(Category.WRONG, "options")
        return verdict or self._unknown(text)

    def _read(self, text: str) -> _Reading:
        """Read a prediction, or remember how it was read."""
        reading = self._readings.get(text)
        if reading is None:
            if len(self._readings) >= _MEMO_SIZE:
                self._readings.clear()
            reading = self._readings[text] = self._read_anew(answer_inside(text))
        return reading

    def _read_anew(self, text: str) -> _Reading:
        named = self._reader.name(text)
        if named is not None:
            return _Reading(named)
        if is_refusal(text):
            return _Reading(refuses=True)
        named = self._reader.gist(text)
        if named is not None:
            return _Reading(named)
        found = [self._reader.name(option) for option in choices(text)]
        if not all(found):
            found = [self._reader.name(option) for option in split_options(text)]
        nodes = [one.nodes[0] for one in found if one is not None and len(one.nodes) == 1]
        if found and len(nodes) == len(found) and all(node is nodes[0] for node in nodes):
            return _Reading(Named((nodes[0],)))
        return _Reading(options=self._options(nodes), is_sum=is_sum(text))

    def _options(self, nodes: Sequence[Node]) -> tuple[Node, ...]:
        """The first two nodes that are names of one rank for different things."""
        real = [node for node in nodes if node.role != "attribute"]
        apart = (
            both
            for both in combinations(real, 2)
            if both[0].is_generic == both[1].is_generic
            and set(both[0].ancestors) & set(both[1].ancestors)
            and self.taxonomy.are_apart(both)
        )
        return tuple(real) if next(apart, None) else ()

    def _relate_named(self, truth: Node, named: Named) -> Verdict | None:
        """Verdict on what is named; None in doubt.

        In doubt are a year where the truth has none, looks beside a broader name ("a bird with a
        red crest" may or may not be this bird), and what may be of a loose kind.
        """
        year = split_year(truth.name) if named.year is not None else None
        if named.year is not None and (year is None or year[1] != named.year):
            return _verdict(Category.WRONG, "year") if year else None
        if any(_in_doubt(truth, node) for node in named.nodes):
            return None
        verdicts = [self._relate(truth, node) for node in named.nodes]
        wrong = [verdict for verdict in verdicts if verdict.category == Category.WRONG]
        verdict = wrong[0] if wrong else max(verdicts, key=lambda verdict: verdict.category)
        broad = verdict.category in (Category.GENERIC, Category.LESS_SPECIFIC)
        return None if broad and named.is_described else verdict

    def _relate(self, truth: Node, prediction: Node) -> Verdict:
        if prediction is truth:
            return _verdict(Category.SPECIFIC, "same")
        if truth.name in prediction.ancestors:
            return _verdict(Category.MORE_SPECIFIC, "descendant")
        levels = truth.levels_up_to(prediction.name)
        if levels is None:
            return _verdict(Category.WRONG, "other")
        close = levels <= self.close_levels and not prediction.is_generic
        return _verdict(Category.LESS_SPECIFIC if close else Category.GENERIC, "ancestor")

    def _unknown(self, text: str) -> Judgement:
        """What a prediction is of which the tree knows nothing certain."""
        if self.unknown == "unjudged":
            return Unjudged(f"taxonomy: unknown prediction {text!r}")
        several = len(split_options(text)) > 1 or offers_choice(text)
        return _verdict(Category.WRONG, "options" if several else "unknown")


def _in_doubt(one: Node, other: Node) -> bool:
    """Whether one may be of the other's kind though the tree does not say so."""
    loose = "loose" in (one.role, other.role)
    return loose and not _on_a_line(one, other) and (one.may_hold(other) or other.may_hold(one))


def _on_a_line(one: Node, other: Node) -> bool:
    return one.is_at_or_above(other) or other.is_at_or_above(one)


def _verdict(category: Category, rule: str) -> Verdict:
    return Verdict(category, f"taxonomy:{rule}")
