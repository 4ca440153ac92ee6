"""Words that describe or hedge and name nothing: what may stand beside a name."""

# ruff: noqa: SIM905
import re
from typing import Final

from speciarl_pl.answer import answer_key

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
