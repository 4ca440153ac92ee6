"""A judge that reads the level of a prediction off a tree of names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from speciarl_pl.category import Category
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.base import Judge, WhenUnknown, check_when_unknown
from speciarl_pl.judge.options import offers_choice, split_options
from speciarl_pl.judge.refusal import is_refusal
from speciarl_pl.judge.tree import Node, Taxonomy
from speciarl_pl.judge.years import split_year
from speciarl_pl.records import Judgement, Pair, Unjudged, Verdict

TAXONOMIES: Final = Path(__file__).parent / "taxonomies"
"""Where the packaged taxonomies lie."""

_MEMO_SIZE: Final = 100_000


class TaxonomyJudge(Judge):
    r"""All six categories from a tree with synonyms; instant, offline and the same every time.

    The same node under any of its names is specific, a node below the truth more specific. A node
    above is generic if the file marks it so or it is more than `close_levels` above by the shortest
    way, else less specific. Any other node is wrong, and so are several options at once, even if
    one is right; a refusal abstains. Options that are names of one node ("lion / Panthera leo") are
    one answer, and a name that holds a separator itself ("F/A-18") is looked up whole first.

    A prediction must be a name of the tree, give or take case, accents, hyphens, an article, edge
    marks, the plural and the name of something above it at the end ("lion animal"). With another
    generic name at its end ("Audi sedan") it is right if both are. Where the truth has a year at an
    end, a prediction may have one too, and another year is wrong. Any other phrase around a name
    ("a dog on a table", "dog house") is not that name: the head of a phrase can mislead, and a
    wrong answer must never be called right. An unknown truth is unjudged whatever the prediction,
    so that what is left out does not depend on the policy.

    Args:
        taxonomy: Name of a packaged taxonomy, or path of a CSV file (see `read_taxonomy_csv`).
        close_levels: How many levels above the truth are still less specific, at least 0.
        unknown: What a prediction outside the tree is. `wrong` suits a tree that holds all there is
            to say, as in the built-in world; `unjudged` leaves it to the next judge, and also
            a list that may be one answer ("Samoyed, a dog").

    Raises:
        JudgeError: If there is no such taxonomy, or its file is malformed.
        ValueError: If `close_levels` is negative or `unknown` neither of the two.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> rows = "name,parent,synonyms,generic", "dog,,,yes", "Samoyed,dog,Samoyed dog|sammy,"
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "dogs.csv")
        ...     _ = path.write_text("\n".join(rows))
        ...     judge = TaxonomyJudge(str(path))
        >>> answers = "a Sammy", "dogs", "samoyed or husky", "I don't know"
        >>> for verdict in judge.judge([Pair("Samoyed", answer) for answer in answers]):
        ...     print(verdict.category.label, verdict.source)
        specific taxonomy:same
        generic taxonomy:ancestor
        wrong taxonomy:options
        abstain taxonomy:refusal
    """

    def __init__(
        self, taxonomy: str, close_levels: int = 1, unknown: WhenUnknown = "wrong"
    ) -> None:
        check_when_unknown(unknown)
        if close_levels < 0:
            raise ValueError(f"close_levels: expected an int >= 0, got {close_levels}")
        self.taxonomy = Taxonomy.from_csv(taxonomy_path(taxonomy))
        self.close_levels = close_levels
        self.unknown = unknown
        self._memo: dict[Pair, Judgement] = {}

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """Judge `pairs`, in order; a pair seen before is answered from memory."""
        if len(self._memo) > _MEMO_SIZE:
            self._memo.clear()
        for pair in pairs:
            if pair not in self._memo:
                self._memo[pair] = self._one(pair)
        return [self._memo[pair] for pair in pairs]

    def _one(self, pair: Pair) -> Judgement:
        truth = self.taxonomy.find(pair.truth)
        if truth is None:
            return Unjudged(f"taxonomy: unknown truth {pair.truth!r}")
        known = self._known(truth, pair.prediction)
        if known is not None:
            return known
        if is_refusal(pair.prediction):
            return _verdict(Category.ABSTAIN, "refusal")
        return self._dated(truth, pair.prediction) or self._unknown_text(truth, pair.prediction)

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


def taxonomy_path(taxonomy: str) -> Path:
    """File of a packaged taxonomy, or the path given.

    Raises:
        JudgeError: If it is neither a packaged name nor a path that ends in `.csv`.
    """
    if taxonomy.lower().endswith(".csv"):
        return Path(taxonomy)
    packaged = {path.stem: path for path in sorted(TAXONOMIES.glob("*.csv"))}
    if taxonomy not in packaged:
        raise JudgeError(
            f"taxonomy: expected one of {', '.join(packaged) or '(none packaged)'} or the path of "
            f"a .csv file, got {taxonomy!r}"
        )
    return packaged[taxonomy]


def _verdict(category: Category, rule: str) -> Verdict:
    return Verdict(category, f"taxonomy:{rule}")
