"""A judge that reads the level of a prediction off a tree of names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from speciarl_pl.answer import answer_key, is_refusal
from speciarl_pl.category import Category
from speciarl_pl.judge.base import Judge, WhenUnknown, check_when_unknown
from speciarl_pl.judge.packaged import packaged_file
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
from speciarl_pl.records import Judgement, Pair, Unjudged, Verdict
from speciarl_pl.text import answer_inside

# What a tree of names says of a prediction, rule by rule.


_RULE_MEMO_SIZE: Final = 50_000


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
            if len(self._readings) >= _RULE_MEMO_SIZE:
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


TAXONOMIES: Final = Path(__file__).parent / "taxonomies"
"""Where the packaged taxonomies lie."""

_MEMO_SIZE: Final = 100_000


class TaxonomyJudge(Judge):
    r"""All six categories from a tree with synonyms; instant, offline and the same every time.

    The same node under any of its names is specific, a node below the truth more specific. A node
    above is generic if the file marks it so or it is more than `close_levels` above by the shortest
    way, else less specific. Any other node is wrong, and so are several options at once: names of
    one rank for different things, even if one is right. A refusal abstains. Options that are names
    of one node ("lion / Panthera leo") are one answer, and a name that holds a separator itself
    ("F/A-18") is looked up whole first.

    A prediction must be a name of the tree, give or take case, accents, hyphens, an article, edge
    marks, the plural and the name of something above it at the end ("lion animal"). With another
    generic name at its end ("Audi sedan") it is right if both are. Where the truth has a year at an
    end, a prediction may have one too, and another year is wrong. What says nothing beside a name
    is taken off: openings ("it is most likely"), attributes ("Airbus A380 (Emirates)"), what
    describes ("with blue or violet flowers"), repeats ("also called") or says the kind ("rose
    (flower)"), and comments. Any other phrase around a name ("a dog on a table", "dog house") is
    not that name: the head of a phrase can mislead, and a wrong answer must never be called right.
    A truth that the tree does not know itself (see `TaxonomyRow.role`) is unjudged whatever the
    prediction, so that what is left out does not depend on the policy.

    Of several trees, the one that the pair's `dataset` names answers alone, and a data set that
    none is for is left open. Without a data set a verdict must hold in every sense of the truth:
    all trees that know it have to agree (but those of one kind, as two in which it is a flower,
    speak for each other), and none in which the word has yet another sense may find right what
    they call wrong. A single tree answers for any data set, but a packaged one not for
    that of another packaged one.

    Args:
        taxonomy: Name of a packaged taxonomy, or path of a CSV file (see `read_taxonomy_csv`); or
            several. A tree's name is that of its file without folder and ending.
        close_levels: How many levels above the truth are still less specific, at least 0.
        unknown: What a prediction outside the tree is. `wrong` suits a tree that holds all there is
            to say, as in the built-in world; `unjudged` leaves it to the next judge, and also
            what may be right or wrong ("Samoyed or wolf" where the tree knows no wolf).
        datasets: Names of data sets and of the trees that they belong to, where these differ.

    Raises:
        JudgeError: If there is no such taxonomy, or its file is malformed.
        ValueError: If there is no taxonomy, two have one name, `datasets` names a tree that is not
            there, `close_levels` is negative or `unknown` neither of the two.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> rows = "name,parent,synonyms,generic", "dog,,,yes", "Samoyed,dog,Samoyed dog|sammy,"
        >>> rows += ("husky,dog,,",)
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "dogs.csv")
        ...     _ = path.write_text("\n".join(rows))
        ...     judge = TaxonomyJudge(str(path))
        >>> answers = "a Sammy", "dogs", "samoyed or husky", "I don't know", "Samoyed (dog)"
        >>> for verdict in judge.judge([Pair("Samoyed", answer) for answer in answers]):
        ...     print(verdict.category.label, verdict.source)
        specific taxonomy:same
        generic taxonomy:ancestor
        wrong taxonomy:options
        abstain taxonomy:refusal
        specific taxonomy:same
    """

    def __init__(
        self,
        taxonomy: str | list[str],
        close_levels: int = 1,
        unknown: WhenUnknown = "wrong",
        datasets: dict[str, str] | None = None,
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
        self._trees = _SetsOfTrees([Path(name).stem for name in names], datasets or {}, TAXONOMIES)
        self._truths: dict[str, list[tuple[TaxonomyRules, Node]]] = {}
        self._memo: dict[Pair, Judgement] = {}

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """Judge `pairs`, in order; a pair seen before is answered from memory."""
        if len(self._memo) > _MEMO_SIZE:
            self._memo.clear()
            self._truths.clear()
        for pair in pairs:
            if pair not in self._memo:
                self._memo[pair] = self._one(pair)
        return [self._memo[pair] for pair in pairs]

    def _one(self, pair: Pair) -> Judgement:
        places = self._trees.of(pair.dataset)
        if not places:
            return Unjudged(
                f"taxonomy: no tree here is for data set {pair.dataset!r}; name one by `datasets`"
            )
        if len(places) > 1:
            return self._in_every_sense(pair)
        rules = self._rules[places[0]]
        truth = rules.taxonomy.find(pair.truth)
        if truth is None or not truth.is_truth:
            return _unknown_truth(pair)
        return rules.judge(truth, pair.prediction)

    def _in_every_sense(self, pair: Pair) -> Judgement:
        """A verdict that holds whatever the truth means, else why there is none."""
        senses = self._senses(pair.truth)
        truths = [node for _, node in senses if node.is_truth]
        judged = [rules.judge(node, pair.prediction) for rules, node in senses if node.is_truth]
        verdicts = [judgement for judgement in judged if isinstance(judgement, Verdict)]
        if not judged:
            return _unknown_truth(pair)
        if not verdicts or (len(verdicts) < len(judged) and not _is_one_thing(truths)):
            return next(one for one in judged if isinstance(one, Unjudged))
        if len({verdict.category for verdict in verdicts}) > 1:
            return Unjudged(f"taxonomy: senses of {pair.truth!r} disagree; name its data set")
        is_wrong = verdicts[0].category == Category.WRONG
        if is_wrong and self._is_right_elsewhere(senses, pair.prediction):
            return Unjudged(f"taxonomy: {pair.truth!r} has another sense; name its data set")
        return verdicts[0]

    def _senses(self, truth: str) -> list[tuple[TaxonomyRules, Node]]:
        """The nodes that the truth may be, of all trees."""
        if truth not in self._truths:
            found = [(rules, rules.taxonomy.find(truth)) for rules in self._rules]
            self._truths[truth] = [(rules, node) for rules, node in found if node is not None]
        return self._truths[truth]

    def _is_right_elsewhere(self, senses: list[tuple[TaxonomyRules, Node]], text: str) -> bool:
        """Whether a tree that merely names the truth finds the prediction above or below it.

        What it calls the same says nothing: it may know no difference between a leopard and a snow
        leopard, both of which are no pets.
        """
        judged = (rules.judge(node, text) for rules, node in senses if not node.is_truth)
        found = {one.category for one in judged if isinstance(one, Verdict)}
        return any(category.is_correct for category in found - {Category.SPECIFIC})


def _is_one_thing(nodes: Sequence[Node]) -> bool:
    """Whether all trees have the same kind above the truth, and so mean the same by it."""
    return bool(set.intersection(*({name.lower() for name in node.ancestors} for node in nodes)))


def _unknown_truth(pair: Pair) -> Unjudged:
    return Unjudged(f"taxonomy: unknown truth {pair.truth!r}")


def taxonomy_path(taxonomy: str) -> Path:
    """File of a packaged taxonomy, or the path given.

    Raises:
        JudgeError: If it is neither a packaged name nor a path that ends in `.csv`.
    """
    return packaged_file("taxonomy", taxonomy, TAXONOMIES, ".csv")


# Which of several trees is for a data set.


class _SetsOfTrees:
    """Finds the trees that may answer for a data set.

    Case, blanks and marks in names make no difference: `Food-101` is `food101`. The path of a tree
    is its name, too. A single tree is for any data set, but a packaged one not for those of others.

    Args:
        names: Names of the trees at hand.
        datasets: Names of data sets, and of the trees that they belong to where these differ.
        packaged: Folder of the packaged trees.

    Raises:
        ValueError: If two trees have one name, or `datasets` names a tree that is not there.
    """

    def __init__(self, names: Sequence[str], datasets: Mapping[str, str], packaged: Path) -> None:
        self._places = {_key(name): (place,) for place, name in enumerate(names)}
        if len(self._places) < len(names):
            raise ValueError(
                f"taxonomy: two trees have one name: {', '.join(names)}; rename a file"
            )
        others = {_key(path.stem) for path in packaged.glob("*.csv")}
        is_packaged = len(names) == 1 and not others.isdisjoint(self._places)
        self._others = others - self._places.keys() if is_packaged else frozenset[str]()
        for dataset, name in datasets.items():
            if _key(name) not in self._places:
                raise ValueError(
                    f"datasets: expected one of {', '.join(names)} for {dataset!r}, got {name!r}"
                )
        self._places |= {
            _key(dataset): self._places[_key(name)] for dataset, name in datasets.items()
        }
        self._all = tuple(range(len(names)))
        self._known: dict[str, tuple[int, ...]] = {}

    def of(self, dataset: str) -> tuple[int, ...]:
        """Places of the trees for a data set: one, none, or all where it is not named."""
        if not dataset:
            return self._all
        if dataset not in self._known:
            key = _key(dataset)
            alone = self._all if len(self._all) == 1 and key not in self._others else ()
            self._known[dataset] = self._places.get(key, alone)
        return self._known[dataset]


def _key(name: str) -> str:
    bare = Path(name).stem if name.lower().endswith(".csv") else name
    return "".join(filter(str.isalnum, answer_key(bare)))
