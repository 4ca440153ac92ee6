"""What an answer names in a tree, once what merely stands beside the name is taken off."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from speciarl_pl.answer import answer_key
from speciarl_pl.judge.rules.names import split_year
from speciarl_pl.judge.rules.tree import Node, Taxonomy

# Answers that offer several options at once.


_CHOICE = re.compile(r"\bor\b|\bvs\b|\bversus\b|^either\b")
_SEPARATOR = re.compile(
    r" (?:and/or|or|and|vs\.?|versus|\+) | ?[/|;&()\[\]\n] ?| ?,(?!\d) ?", re.IGNORECASE
)
_SUM = re.compile(r"\band\b|\bwith\b| [&+] ")
_NO_SUM = re.compile(r"\bor\b|\bvs\b|\bversus\b|[/|;\n]")
_WORDS_OF_CHOICE = re.compile(r"\s(?:or|vs\.?|versus)\s|\s?,(?!\d)\s?", re.IGNORECASE)
_CHOICE_LEAD = re.compile(r"^(?:either|both|or|and) ", re.IGNORECASE)


def split_options(text: str) -> list[str]:
    r"""Parts of an answer between the marks that list things.

    The marks are or, and, vs, commas, semicolons, slashes, `&`, `|`, `+`, brackets and line ends. A
    name may hold one itself ("F/A-18"): look the whole text up first.

    Returns:
        The parts that hold a letter or digit, in order; one part where there is no mark.

    Example:
        >>> split_options("either a robin, a cardinal or a jay")
        ['a robin', 'a cardinal', 'a jay']
        >>> split_options("Airbus A320 / Boeing 737")
        ['Airbus A320', 'Boeing 737']
        >>> split_options("radio")
        ['radio']
    """
    lines = "\n".join(" ".join(line.split()) for line in text.splitlines())
    parts = (_CHOICE_LEAD.sub("", part.strip()) for part in _SEPARATOR.split(lines))
    return [part for part in parts if any(character.isalnum() for character in part)]


def choices(text: str) -> list[str]:
    """Parts of an answer between words that offer a choice, and commas; marks in names stay whole.

    Example:
        >>> choices("either an F/A-18 or an F-16")
        ['an F/A-18', 'an F-16']
    """
    parts = (_CHOICE_LEAD.sub("", part.strip()) for part in _WORDS_OF_CHOICE.split(text))
    return [part for part in parts if any(character.isalnum() for character in part)]


def offers_choice(text: str) -> bool:
    """Tell whether an answer says in words that it does not decide between options.

    Example:
        >>> offers_choice("robin or cardinal"), offers_choice("a small, brown bird")
        (True, False)
    """
    return _CHOICE.search(answer_key(text)) is not None


def is_sum(text: str) -> bool:
    """Tell whether an answer joins things that may all be there, and offers no choice of one.

    Example:
        >>> is_sum("steak and french fries"), is_sum("steak and/or fries"), is_sum("steak / fries")
        (True, False, False)
    """
    return _SUM.search(answer_key(text)) is not None and not _NO_SUM.search(answer_key(text))


# Words that describe or hedge and name nothing: what may stand beside a name.


# ruff: noqa: SIM905


_WORD = re.compile(r"[^\s,.;:!?()\[\]\"]+")

_DESCRIBING: Final = frozenset(
    # joining
    "a an the and or with of in on at its it it's his her their has have having is are that which "
    "some very rather quite mostly more less somewhat usually often both by from this these "
    # colours and patterns
    "red orange yellow green blue purple violet pink white black brown gray grey cream beige tan "
    "golden gold silver dark light pale bright deep reddish bluish yellowish greenish pinkish "
    "brownish whitish creamy ivory lavender lilac magenta crimson scarlet turquoise teal maroon "
    "brindle fawn multicolored multicoloured colored coloured color colour colors colours colorful "
    "colourful vibrant striped spotted speckled streaked solid plain two-tone tricolor bicolor "
    # looks and ages
    "small large big little tiny huge medium medium-sized tall short long round slim slender thick "
    "thin fluffy furry soft smooth shiny glossy curly wavy dense elegant sporty sleek classic "
    "beautiful pretty lovely cute handsome young adult old older male female fresh ripe delicate "
    "typical characteristic distinctive showy bold rounded pointed broad narrow friendly smiling "
    "playful majestic graceful iconic popular well-known famous wooden metal plastic ceramic wild "
    "common native domestic modern vintage luxury ornamental edible tropical national "
    # parts
    "flower flowers bloom blooms blossom blossoms petal petals leaf leaves stem stems wing wings "
    "beak bill head tail feather feathers plumage fur coat eye eyes ear ears leg legs neck breast "
    "back belly throat body crown face hair skin mane trunk center centre line lines marking "
    "markings spot spots stripe stripes roof wheel wheels grille door doors engine engines "
    "fuselage livery stance shape appearance".split()
)
_HEDGES: Final = frozenset(
    "i i'm i'd am my it is it's this that of about pretty quite very rather more or less most a an "
    "the sure certain confident think believe guess would say fairly reasonably absolutely "
    "definitely certainly clearly likely probably in opinion best answer final".split()
)

_LIKELY: Final = (
    r"(?:(?:most likely|very likely|most probably|likely|probably|possibly|perhaps|maybe|"
    r"definitely|clearly|certainly|apparently|almost certainly)[ ,:]+)"
)
_SUBJECT: Final = (
    r"(?:animal|aircraft|airplane|plane|bird|breed|car|cat|dish|dog|flower|food|fruit|insect|"
    r"item|label|model|object|plant|species|subject|thing|vehicle)"
)
_PICTURE: Final = r"(?:(?:the|this) )?(?:image|photo|photograph|picture)"
_VERB: Final = r"(?:is|was|looks like|appears to be|seems to be|looks to be|must be)"
_SAYING: Final = (
    r"(?:i (?:think|believe|guess|would say|am (?:\w+ )?(?:sure|certain|confident))|i'd say|"
    r"i'm (?:\w+ )?(?:sure|certain|confident)|my (?:best )?guess(?: is)?|in my opinion|"
    r"(?:the )?answer(?: is|:))(?: that| it is| it's| this is|,|:)? +"
)
_LEAD = re.compile(
    rf"^(?:{_SAYING})?{_LIKELY}*"
    rf"(?:(?:{_PICTURE} shows|(?:the|this) {_SUBJECT}"
    rf"(?: (?:shown |seen |depicted )?(?:in|on) {_PICTURE})? {_VERB}|"
    rf"(?:it|this|that) {_VERB}|it's|that's) )?{_LIKELY}*"
)
_DOUBT = re.compile(
    r"\b(?:or|maybe|perhaps|possibly|could|might|may|also|alternatively|either|another|other|not|"
    r"no|n't|never|instead|but|however|although|though|similar|resembles?|like|unlike|unless|"
    r"otherwise|correction|wait|actually|second|than|rather|if)\b|n't\b"
)
_NAMES_AGAIN = re.compile(r"\b(?:is|are|was|be) (?:an?|the)\b")
_OPENING = re.compile(r"^(?:the|its|it|this|these|those|i|my|note|you|both|all|such) ")


_EITHER_OR = re.compile(r"([^\s,]+) or ([^\s,]+)")


def describes(text: str) -> bool:
    """Whether all words of `text` describe or hedge, so that it names nothing.

    Example:
        >>> describes("with blue or violet flowers"), describes("I am more or less sure.")
        (True, True)
        >>> describes("a white dog"), describes("or maybe a husky")
        (False, False)
    """
    return all(word in _DESCRIBING or word in _HEDGES for word in _words(text))


def hedges(text: str) -> bool:
    """Whether `text` says no more than how sure the answer is.

    Example:
        >>> hedges("I am more or less sure."), hedges("with blue or violet flowers")
        (True, False)
    """
    return all(word in _HEDGES for word in _words(text))


def _words(text: str) -> list[str]:
    return _WORD.findall(answer_key(text).replace("\u2019", "'"))


def without_lead(text: str) -> str:
    """`text` without an opening that says nothing, such as "the car is most likely".

    Example:
        >>> without_lead("The car is most likely an Audi S4"), without_lead("I think it's a lion")
        ('an audi s4', 'a lion')
        >>> without_lead("This is not a lion")
        'not a lion'
    """
    key = answer_key(text).replace("\u2019", "'").lstrip("\"'*_ ")
    return _LEAD.sub("", key, count=1)


def undescribed(text: str) -> str:
    """`text` from its first word that does not describe.

    Example:
        >>> undescribed("a white or cream dog"), undescribed("with red flowers")
        ('dog', '')
    """
    words = answer_key(text).split()
    first = next((at for at, word in enumerate(words) if word not in _DESCRIBING), len(words))
    return " ".join(words[first:])


def comments(sentence: str) -> bool:
    """Whether a sentence after an answer comments on it and names nothing else.

    Either all its words describe, or it opens as a comment does and has no word of doubt, no "is a"
    and no word with a capital or a digit, which may be a name.

    Example:
        >>> comments("The sporty or elegant lines confirm it."), comments("It is a Lada.")
        (True, False)
        >>> comments("Its curled tail confirms it."), comments("It could be a husky.")
        (True, False)
    """
    key = answer_key(sentence).replace("\u2019", "'")
    if describes(sentence):
        return True
    rest = sentence.split(maxsplit=1)[1:]
    names = any(character.isupper() or character.isdigit() for character in " ".join(rest))
    decided = _EITHER_OR.sub(_without_or, key)
    doubts = _DOUBT.search(decided) or _NAMES_AGAIN.search(key)
    return bool(_OPENING.match(key)) and not names and not doubts


def _without_or(match: re.Match[str]) -> str:
    """Two words without the "or" between them, if both describe: no choice between names."""
    return " ".join(match.groups()) if set(match.groups()) <= _DESCRIBING else match[0]


_SENTENCES = re.compile(r"(?<=\w{3}[.!])\s+(?=[A-Z\"'(])|(?<=\d[.!])\s+(?=[A-Z])|\s*\n+\s*")
_ALIASES = re.compile(
    r"[\s,;(]+(?:(?:also|commonly|sometimes|otherwise|formerly|better) )*"
    r"(?:called|known (?:simply )?as|named|referred to as|a\.?k\.?a\.?|i\.e\.,?|scientific name:?|"
    r"scientifically)\s+(?=\S)",
    re.IGNORECASE,
)
_ALIAS_MARKS = re.compile(r"\s*(?:,|;|/|\bor\b|\band\b)\s*(?:simply |also )?|[()\"\u201c\u201d]+")
_BRACKET = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_TAIL = re.compile(r"\s*(?:;|,(?!\d)| - | \u2013 | \u2014 |: )\s*")
_CLAUSE = re.compile(
    r"\s+(?=(?:with|in|of|from|by|operated by|flown by|owned by|that|which|having|showing|on) )"
)
_OPERATED = re.compile(
    r"(?:(?:operated|flown|owned|used|run) by .+|in (?:the )?.+ (?:livery|colou?rs|paint|markings)|"
    r"(?:of |from |by |the )*\S+(?: \S+){0,3} (?:airlines?|airways|air lines|air force|navy))",
    re.IGNORECASE,
)
_ATTRIBUTE_LEAD = re.compile(
    r"^(?:operated by|flown by|owned by|of|from|by|in|with) (?:the )?", re.IGNORECASE
)
_LIVERY = re.compile(
    r"(?:'s|\u2019s)?(?: (?:livery|colou?rs|paint scheme|markings|plane|fleet))?$", re.IGNORECASE
)
_ATTRIBUTE_WORDS: Final = 3
"""Most words of an attribute in front of or behind a name."""
_MOST_CHARS: Final = 300
"""Longer answers are essays, left to a judge that reads them."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names."""

    nodes: tuple[Node, ...]
    """One node, or that of a name and that of a generic one behind it, both of which are meant."""
    year: int | None = None
    """A year said beside a name that has none."""
    is_described: bool = False
    """Whether looks are said beside it, which may exclude things below it."""


class Reader:
    """Reads answers by one tree.

    Args:
        taxonomy: The tree.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy

    def name(self, text: str) -> Named | None:
        """What the whole of `text` names, without a year if need be."""
        nodes = self._whole(text)
        if nodes:
            return Named(nodes)
        dated = split_year(text)
        if dated is None:
            return None
        nodes = self._whole(f"{dated[0]} {dated[1]}") or self._whole(dated[0])
        return Named(nodes, dated[1]) if nodes else None

    def gist(self, text: str) -> Named | None:
        """What `text` names when what says nothing beside a name is taken off; None in doubt.

        Taken off are an opening such as "I think it is", attributes ("a Qantas plane"), brackets
        and clauses that describe ("with blue or violet flowers"), repeat the name ("also called"),
        say what kind of thing it is ("a white dog"), and sentences that comment on the answer.
        """
        if len(text) > _MOST_CHARS:
            return None
        first, *rest = _SENTENCES.split(text.strip())
        named = self._statement(without_lead(first))
        if named is None or not all(self._is_comment(named, sentence) for sentence in rest):
            return None
        return replace(named, is_described=named.is_described or not all(map(hedges, rest)))

    def _whole(self, text: str) -> tuple[Node, ...]:
        found = self._taxonomy.find(text)
        return (found,) if found else self._taxonomy.name_and_kind(text) or ()

    def _statement(self, text: str) -> Named | None:
        head, *aliases = _ALIASES.split(text, maxsplit=1)
        named = self._decorated(head)
        if named is None or not all(self._repeats(named, alias) for alias in aliases):
            return None
        return named

    def _repeats(self, named: Named, aliases: str) -> bool:
        """Whether none of `aliases` is the name of another thing."""
        found = [self.name(alias) for alias in _ALIAS_MARKS.split(aliases) if alias.strip()]
        return all(other is None or _adds_nothing(named, other) for other in found)

    def _decorated(self, text: str) -> Named | None:
        """A name with brackets, appositions and clauses, each of which adds nothing."""
        brackets = [match[1] for match in _BRACKET.finditer(text)]
        head, *tails = _TAIL.split(_BRACKET.sub("", text))
        named = self._bare(head)
        if named is None:
            head, *clauses = _CLAUSE.split(head, maxsplit=1)
            tails = [*clauses, *tails]
            named = self._bare(head) if clauses else None
        extras = [extra for extra in (*brackets, *tails) if extra.strip()]
        if named is None or not all(self._is_beside(named, extra) for extra in extras):
            return None
        return replace(named, is_described=any(map(self._says_looks, extras)))

    def _says_looks(self, extra: str) -> bool:
        """Whether something beside a name says more than what kind of thing it is."""
        return not (hedges(extra) or self._is_operator(extra) or self.name(extra))

    def _is_operator(self, extra: str) -> bool:
        return self._is_attribute(extra) or _OPERATED.fullmatch(extra.strip()) is not None

    def _bare(self, text: str) -> Named | None:
        """A name alone, or with an attribute in front or behind."""
        named = self.name(text)
        if named is not None or not text.strip():
            return named if named is None or named.nodes[0].role != "attribute" else None
        return next(filter(None, map(self.name, self._without_attribute(text))), None)

    def _without_attribute(self, text: str) -> Iterator[str]:
        words = text.split()
        for size in range(1, min(_ATTRIBUTE_WORDS, len(words) - 1) + 1):
            if self._is_attribute(" ".join(words[:size])):
                yield " ".join(words[size:])
            if self._is_attribute(" ".join(words[-size:])):
                yield " ".join(words[:-size])

    def _is_attribute(self, text: str) -> bool:
        bare = _LIVERY.sub("", _ATTRIBUTE_LEAD.sub("", text.strip()))
        found = self._taxonomy.find(bare)
        return found is not None and found.role == "attribute"

    def _is_beside(self, named: Named, extra: str) -> bool:
        """Whether `extra` adds nothing to a name: describes it, or says its kind."""
        if describes(extra) or self._is_operator(extra):
            return True
        head, *clauses = _CLAUSE.split(extra.strip(), maxsplit=1)
        if not all(describes(clause) or self._is_attribute(clause) for clause in clauses):
            return False
        others = [self.name(text) for text in (head, undescribed(head))]
        known = [other for other in others if other is not None]
        return bool(known) and _adds_nothing(named, known[0])

    def _is_comment(self, named: Named, sentence: str) -> bool:
        """Whether a further sentence leaves the answer as it is."""
        if not comments(sentence):
            return self._is_beside(named, without_lead(sentence))
        words = sentence.lower().split()
        spans = (
            " ".join(words[start : start + size])
            for size in range(1, _ATTRIBUTE_WORDS + 1)
            for start in range(len(words) - size + 1)
        )
        found = (self._taxonomy.find(span) for span in spans)
        return all(
            node is None or not node.is_truth or _adds_nothing(named, Named((node,)))
            for node in found
        )


def _adds_nothing(named: Named, other: Named) -> bool:
    """Whether all that `other` names is what `named` names or lies above it."""
    return all(
        any(node.is_at_or_above(own) for own in named.nodes) for node in other.nodes
    ) and other.year in (None, named.year)
