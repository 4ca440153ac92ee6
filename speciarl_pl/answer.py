"""The text of a rollout becomes an answer, or an explicit lack of one (paper, section 6).

The policy thinks in `<think>...</think>` and answers in `<answer>...</answer>`. What it considered
while it thought is no answer, and a blank or an essay is none either.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from speciarl_pl.records import Answer, Unparsed
from speciarl_pl.tidy import tidy, without_joiners
from speciarl_pl.unwrap import answer_boxed, answer_inside

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
