"""The text of a rollout becomes an answer, or an explicit lack of one (paper, section 6).

The policy thinks in `<think>...</think>` and answers in `<answer>...</answer>`. What it considered
while it thought is no answer, and a blank or an essay is none either.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from speciarl_pl.records import Answer, Unparsed
from speciarl_pl.text import answer_boxed, answer_inside, tidy, without_joiners

DEFAULT_MAX_CHARS: Final = 512
"""Longest answer taken for a label, in characters: well above any label, well below an essay."""

UNCLOSED_THINK: Final = "thinking not closed"
"""A `<think>` is still open where the text ends."""
NO_ANSWER: Final = "no answer"
"""No `<answer>` opens after the thinking."""
UNCLOSED_ANSWER: Final = "answer not closed"
"""An `<answer>` opens after the thinking and none closes."""
EMPTY_ANSWER: Final = "empty answer"
"""The answer holds white space only."""
NO_WORD: Final = "no letter or digit"
"""The answer holds only punctuation, symbols or invisible characters."""
TOO_LONG: Final = "answer too long"
"""The answer has more characters than allowed."""

_TAG = re.compile(r"<(/?)(think|answer)\s*>", re.IGNORECASE)


def extract_answer(
    text: str, max_chars: int = DEFAULT_MAX_CHARS, thinking_opened: bool = False
) -> Answer | Unparsed:
    r"""Read the answer of one completion, in time linear in its length.

    The last well-formed `<answer>...</answer>` after the last `</think>` counts. A pair of answer
    tags is well-formed when no other answer tag lies between them, so of nested ones the innermost
    counts. A completion that never thinks is all answer; one whose thinking never ends has none.
    Without any answer tag, a box or an object of JSON that says what the answer is counts (see
    `answer_boxed`), and what it wraps is the answer, inside of answer tags too (`answer_inside`).

    Args:
        text: The completion without special tokens.
        max_chars: Longest answer accepted, in characters after trimming.
        thinking_opened: Whether the chat template already wrote `<think>`, so that the completion
            is thought until its `</think>`.

    Returns:
        The answer as written but without what wraps it, or the rule that was broken: one of the
        constants of this module.

    Raises:
        ValueError: If `max_chars` is not positive.

    Example:
        >>> extract_answer("<think>A <answer>dog</answer>?</think><answer> Samoyed </answer>")
        Answer(text='Samoyed')
        >>> extract_answer(r"<answer>\boxed{Samoyed}</answer>")
        Answer(text='Samoyed')
        >>> extract_answer("<think>A <answer>dog</answer>")
        Unparsed(reason='thinking not closed')
        >>> extract_answer("white, so...</think> <ANSWER>???</ANSWER>")
        Unparsed(reason='no letter or digit')
    """
    if max_chars < 1:
        raise ValueError(f"max_chars: expected an int >= 1, got {max_chars}")
    tags = list(_TAG.finditer(text))
    thought = [index for index, tag in enumerate(tags) if _name(tag) == "think"]
    if thinking_opened if not thought else not tags[thought[-1]].group(1):
        return Unparsed(UNCLOSED_THINK)
    content = _last_answer(text, tags[thought[-1] + 1 :] if thought else tags)
    if content == Unparsed(NO_ANSWER):
        boxed = answer_boxed(text[tags[thought[-1]].end() :] if thought else text)
        content = content if boxed is None else boxed
    return content if isinstance(content, Unparsed) else _check(answer_inside(content), max_chars)


def thinking(text: str, thinking_opened: bool = False) -> str:
    """Give what a completion says before it answers, without the tags.

    Args:
        text: The completion without special tokens.
        thinking_opened: See `extract_answer`; without a `</think>` all of it is then thought.

    Example:
        >>> thinking("<think> White, fluffy. </think><answer>samoyed</answer>")
        'White, fluffy.'
    """
    tags = list(_TAG.finditer(text))
    closed = [tag for tag in tags if _name(tag) == "think" and tag.group(1)]
    answers = [] if thinking_opened else [tag for tag in tags if _name(tag) == "answer"]
    end = next((tag.start() for tag in [*closed[-1:], *answers]), len(text))
    return _TAG.sub("", text[:end]).strip()


@lru_cache(maxsize=2**15)  # judges fold the same names over and over
def answer_key(text: str) -> str:
    """Fold a text to the key under which two answers are the same.

    Folds Unicode compatibility forms (NFKC), case and white space, what cannot be seen and HTML
    entities (`tidy`), and nothing else: `F/A-18` keeps its slash and `16.4` its point.

    Example:
        >>> answer_key("  Citroe\u0308n   C3 ") == answer_key("CITRO\u00cbN C3")
        True
        >>> answer_key("F/A-18")
        'f/a-18'
    """
    key = _fold(text)
    while (tidied := _fold(without_joiners(tidy(key)))) != key:  # an entity may hold a capital
        key = tidied
    return key


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFD", text).casefold()
    folded = unicodedata.normalize("NFKD", folded).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _name(tag: re.Match[str]) -> str:
    return tag.group(2).lower()


def _last_answer(text: str, tags: list[re.Match[str]]) -> str | Unparsed:
    """Content of the last well-formed pair among `tags`, which hold no thinking."""
    opened: int | None = None
    found: str | Unparsed = Unparsed(NO_ANSWER)
    for tag in tags:
        if not tag.group(1):
            opened = tag.end()
        elif opened is not None:
            found, opened = text[opened : tag.start()], None
    if opened is not None and isinstance(found, Unparsed):
        return Unparsed(UNCLOSED_ANSWER)
    return found


def _check(answer: str, max_chars: int) -> Answer | Unparsed:
    if not answer:
        return Unparsed(EMPTY_ANSWER)
    if len(answer) > max_chars:
        return Unparsed(TOO_LONG)
    if not any(character.isalnum() for character in answer):
        return Unparsed(NO_WORD)
    return Answer(answer)


# Answers that refuse to name anything.


# ruff: noqa: SIM905


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
