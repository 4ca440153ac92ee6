"""Answers that refuse to name anything."""

# ruff: noqa: SIM905
import re
from typing import Final

from speciarl_pl.answer import answer_key

_EDGES: Final = " .,;:!?\"'`*()[]<>-"
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc`]")

_ALONE: Final = frozenset(
    "n/a na nil null nothing idk abstain pass ? unidentified unidentifiable undetermined "
    "indeterminate inconclusive uncertain unclear".split()
) | {"no answer", "no idea", "no label", "none of the above", "none of these", "no comment"}
"""Refusals only when they are the whole answer."""

_STARTS: Final = (
    "none",
    "unknown",
    "unsure",
    "not sure",
    "not certain",
    "do not know",
    "don't know",
    "dont know",
    "no idea",
    "unable to",
    "cannot",
    "can not",
    "can't",
    "cant",
    "could not",
    "couldn't",
    "not possible to",
    "impossible to",
    "refuse to",
    "decline to",
    "not identifiable",
    "not recognizable",
)
"""How longer refusals begin, once `_LEAD` is gone."""

_LEAD = re.compile(
    r"^(?:(?:sorry|apologies|unfortunately)\b[, ]*)?"
    r"(?:(?:but|i|i'm|im|we|we're|it|it's|this|that|am|are|is|have|would|must|really|simply)\s+)*"
)

_QUESTION = re.compile(
    r"\b(?:what|which) (?:(?:kind|type|sort|species|breed) of )?\w+ (?:this|it) is\b"
)
"""A question that is handed back: "cannot tell what flower this is" names no flower."""

_FILLER: Final = frozenset(
    "a about am an answer any anything at be been being breed by can category certain certainty "
    "class clearly confidence confidently definitively determine determined do enough exact "
    "exactly for from given here i identified identify identity image in information is it its "
    "kind label make model name named object of on or photo picture provide recognise recognize "
    "recognized say see seen shown species specific specifically specify subject sure tell that "
    "the these thing this to type variety what which with".split()
)
"""Words that may follow a beginning; any other word could be a name, so it is no refusal."""


def is_refusal(text: str) -> bool:
    """Tell whether an answer declines to answer, and nothing else.

    A refusal that also names something ("not sure, maybe a dog") is not a mere refusal.

    Example:
        >>> [is_refusal(text) for text in ("None", "I don't know.", "I cannot tell what this is")]
        [True, True, True]
        >>> [is_refusal(text) for text in ("not sure, maybe a dog", "nonesuch", "unknown bird")]
        [False, False, False]
    """
    key = _APOSTROPHES.sub("'", answer_key(text)).strip(_EDGES)
    if key in _ALONE:
        return True
    key = _LEAD.sub("", key, count=1)
    for start in _STARTS:
        rest = key.removeprefix(start)
        if rest != key and rest[:1] in ("", " ", ","):
            rest = _QUESTION.sub("", rest)
            return all(word in _FILLER for word in re.findall(r"[^\s,.;]+", rest))
    return key in _ALONE
