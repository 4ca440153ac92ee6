"""What a tree of names says of a prediction, rule by rule."""

from speciarl_pl.category import Category
from speciarl_pl.judge.base import WhenUnknown
from speciarl_pl.judge.options import offers_choice, split_options
from speciarl_pl.judge.refusal import is_refusal
from speciarl_pl.judge.tree import Node, Taxonomy
from speciarl_pl.judge.years import split_year
from speciarl_pl.records import Judgement, Unjudged, Verdict


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

    def judge(self, truth: Node, text: str) -> Judgement:
        """Judge a prediction.

        Args:
            truth: A node of the tree.
            text: The prediction as written.
        """
        known = self._known(truth, text)
        if known is not None:
            return known
        if is_refusal(text):
            return _verdict(Category.ABSTAIN, "refusal")
        return self._dated(truth, text) or self._unknown_text(truth, text)

    def _known(self, truth: Node, text: str) -> Verdict | None:
        """Verdict on a name of the tree, or on a name with a generic one behind it."""
        prediction = self.taxonomy.find(text)
        if prediction is not None:
            return self._relate(truth, prediction)
        both = self.taxonomy.name_and_kind(text)
        if both is None:
            return None
        verdicts = [self._relate(truth, node) for node in both]
        wrong = [verdict for verdict in verdicts if verdict.category == Category.WRONG]
        return wrong[0] if wrong else max(verdicts, key=lambda verdict: verdict.category)

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

    def _dated(self, truth: Node, text: str) -> Verdict | None:
        """Verdict on a known name with a year in front or behind, for a truth that has a year."""
        year, dated = split_year(truth.name), split_year(text)
        if year is None or dated is None:
            return None
        known = self._known(truth, f"{dated[0]} {dated[1]}") or self._known(truth, dated[0])
        if known is not None and dated[1] != year[1]:
            return _verdict(Category.WRONG, "year")
        return known

    def _unknown_text(self, truth: Node, text: str) -> Judgement:
        found = [self.taxonomy.find(option) for option in split_options(text)]
        known = [node for node in found if node is not None]
        if known and len(known) == len(found) and all(node is known[0] for node in known):
            return self._relate(truth, known[0])
        listed = self.unknown == "wrong" and len(found) > 1
        if listed or offers_choice(text) or self.taxonomy.are_apart(known):
            return _verdict(Category.WRONG, "options")
        if self.unknown == "unjudged":
            return Unjudged(f"taxonomy: unknown prediction {text!r}")
        return _verdict(Category.WRONG, "unknown")


def _verdict(category: Category, rule: str) -> Verdict:
    return Verdict(category, f"taxonomy:{rule}")
