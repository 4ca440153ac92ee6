"""Answers that refuse to name anything."""

# ruff: noqa: SIM905
import re
from typing import Final

from speciarl_pl.answer import answer_key
from speciarl_pl.unwrap import answer_inside

_EDGES: Final = " .,;:!?\"'`*()[]<>-"
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc`]")

_ALONE: Final = frozenset(
    "n/a na nil null nothing idk abstain pass ? unidentified unidentifiable undetermined "
    "indeterminate inconclusive uncertain unclear".split()
) | {"no answer", "no idea", "no label", "none of the above", "none of these", "no comment"}
"""Refusals only when they are the whole answer."""

_REFUSES = re.compile(
    r"\b(?:none|unknown|unsure|unidentified|unidentifiable|unrecogni[sz]able|undetermined"
    r"|indeterminate|indeterminable|indistinguishable|inconclusive|unclear|uncertain"
    r"|impossible|insufficient|unable|refuse|decline|abstain|pass on"
    r"|(?:not|n't|cannot|never|dont|cant|couldnt|wont) (?:\w+ ){0,3}?(?:sure|certain|know|tell|say"
    r"|help|assist|identify|identifiable|determine|recogni[sz]e|recogni[sz]able|see|make out|name"
    r"|answer|possible|able|clear|visible|show|enough|guess|speculate|provide|be|discernible"
    r"|confident|confidently|classify|decide|comment|specify|determinable|available|have)"
    r"|no (?:\w+ ){0,2}?(?:idea|clue|way|answer|information|identifiable|visible|recogni[sz]able)"
    r"|(?:hard|difficult|tricky|tough) (?:for me )?to (?:tell|say|know|identify|determine|see)"
    r"|too (?:\w+ (?:or|and) )?\w+ (?:for me )?to (?:tell|say|know|identify|determine|see|make)"
    r"|rather not|prefer not|lacks?|lacking|cannot|can't|couldn't|won't|not possible)\b"
)
"""What makes a refusal of an answer that names nothing; `n't` stands apart by then."""

_QUESTION = re.compile(
    r"\b(?:what|which) (?:(?:kind|type|sort|species|breed) of )?\w+ (?:this|it|that|these) "
    r"(?:is|are|might be|could be)\b"
)
"""A question that is handed back: "cannot tell what flower this is" names no flower."""

_NAMELESS: Final = frozenset(
    """a able about abstain afraid again ai all alone am an and angle answer any anything apologies
    apologise apologize appear appears are aren't as assist assistant at available based be
    because been being blurred blurry breed but by can can't cannot cant category certain
    certainty clarity class classify clear clearer clearly clue comment confidence confident
    confidently confirm context could couldn't couldnt dark decide decline definitive definitively
    depicted detail detailed details determinable determination determine determined difficult
    discernible distinguish do does don't dont either enough exact exactly explicitly for from
    further give given good guess guessing hard have help here how i i'd i'm i've idea
    identifiable identification identified identify identity if image impossible in inconclusive
    indeed indeterminable indeterminate indistinguishable information insufficient is isn't it
    it's its just kind know knowing known label lack lacking lacks language light like low made
    make me model more much must my n't name named narrow need never no none not object of on one
    only or out pass photo photograph photos picture pixelated please poor possible precise
    precisely prefer present provide provided quality rather really recognisable recognise
    recognizable recognize recognized refuse reliably request resolution safely say see seems seen
    sharp show shown shows simply small so something sorry sort species specific specifically
    specified specify speculate subject sufficient sufficiently sure tell telling than that the
    there there's these they thing this to too tough tricky type unable uncertain unclear
    unfortunately unidentifiable unidentified unknown unrecognisable unrecognizable unsure variety
    view visible visual was way we we're what whatever which will with without won't wont would
    wouldn't you your""".split()
)
"""Words that name nothing; with any other word an answer could be a name, so it is no refusal."""

_WORD = re.compile(r"[^\s,.;:!()\[\]<>\"*/-]+")


def is_refusal(text: str) -> bool:
    """Tell whether an answer declines to answer, and nothing else.

    A refusal that also names something ("not sure, maybe a dog") is not a mere refusal.

    Example:
        >>> [is_refusal(text) for text in ("None", "I don't know.", "I cannot tell what this is")]
        [True, True, True]
        >>> [is_refusal(text) for text in ("not sure, maybe a dog", "nonesuch", "unknown bird")]
        [False, False, False]
    """
    key = _APOSTROPHES.sub("'", answer_key(answer_inside(text))).strip(_EDGES)
    if key in _ALONE:
        return True
    key = _QUESTION.sub("", key)
    words = _WORD.findall(key)
    if any(word not in _NAMELESS for word in words):
        return False
    return bool(_REFUSES.search(re.sub(r"n't\b", " n't", " ".join(words))))
