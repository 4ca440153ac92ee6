"""A judge that reads the level of a prediction off a tree of names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from speciarl_pl.judge.base import Judge, WhenUnknown, check_when_unknown
from speciarl_pl.judge.packaged import packaged_file
from speciarl_pl.judge.taxonomy_rules import TaxonomyRules
from speciarl_pl.judge.tree import Taxonomy
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
        taxonomy: Name of a packaged taxonomy, or path of a CSV file (see `read_taxonomy_csv`); or
            several, of which those count that know the truth, first the one that has the most
            above it.
        close_levels: How many levels above the truth are still less specific, at least 0.
        unknown: What a prediction outside the tree is. `wrong` suits a tree that holds all there is
            to say, as in the built-in world; `unjudged` leaves it to the next judge, and also
            a list that may be one answer ("Samoyed, a dog").

    Raises:
        JudgeError: If there is no such taxonomy, or its file is malformed.
        ValueError: If there is no taxonomy, `close_levels` is negative or `unknown` neither of the
            two.

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
        self, taxonomy: str | list[str], close_levels: int = 1, unknown: WhenUnknown = "wrong"
    ) -> None:
        check_when_unknown(unknown)
        if close_levels < 0:
            raise ValueError(f"close_levels: expected an int >= 0, got {close_levels}")
        names = [taxonomy] if isinstance(taxonomy, str) else taxonomy
        if not names:
            raise ValueError("taxonomy: expected at least one, got none")
        self.taxonomies = tuple(Taxonomy.from_csv(taxonomy_path(name)) for name in names)
        self.close_levels = close_levels
        self.unknown = unknown
        self._rules = [TaxonomyRules(tree, close_levels, unknown) for tree in self.taxonomies]
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
        """The first verdict of the trees that know the truth, else the first reason.

        The tree in which the truth lies deepest comes first: others may hold it as a mere example
        of what their own things are not.
        """
        trees = [(rules, rules.taxonomy.find(pair.truth)) for rules in self._rules]
        known = [(rules, truth) for rules, truth in trees if truth is not None]
        known.sort(key=lambda tree: -len(tree[1].ancestors))
        reason = Unjudged(f"taxonomy: unknown truth {pair.truth!r}")
        for place, (rules, truth) in enumerate(known):
            judgement = rules.judge(truth, pair.prediction)
            if isinstance(judgement, Verdict):
                return judgement
            reason = reason if place else judgement
        return reason


def taxonomy_path(taxonomy: str) -> Path:
    """File of a packaged taxonomy, or the path given.

    Raises:
        JudgeError: If it is neither a packaged name nor a path that ends in `.csv`.
    """
    return packaged_file("taxonomy", taxonomy, TAXONOMIES, ".csv")
