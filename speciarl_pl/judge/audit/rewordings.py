"""Other ways to write an answer that leave its meaning."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from speciarl_pl.answer import answer_key

_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=\S)", re.IGNORECASE)
_SENTENCE = re.compile(
    r"[.!?:;]\s|[\r\n]|^(?:it|it's|this|that|these|those|there|i|i'm|we|either|both)\s"
    r"|^(?:(?:an?|the)\s+)?(?:photo|picture|image)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rewording:
    """A way to write an answer.

    Example:
        >>> by_name = {rewording.name: rewording for rewording in REWORDINGS}
        >>> by_name["It is a X"].of("the Airbus A320")
        'It is an Airbus A320'
        >>> by_name["lower case"].of("lion") is None
        True
    """

    name: str
    """What it does, with X for the answer."""
    write: Callable[[str], str]
    """The answer, written so."""
    for_names: bool = False
    """Whether it only suits a name, not a sentence."""

    def of(self, text: str) -> str | None:
        """`text` written so; None if it does not suit or is written so already."""
        if self.for_names and _SENTENCE.search(text.strip()):
            return None
        written = self.write(text)
        return None if written == text else written


def _with_article(text: str) -> str:
    """With a or an, by the first letter: at times clumsy ("a poppies"), never another thing."""
    name = _ARTICLE.sub("", text.strip(), count=1)
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


def _cased(write: Callable[[str], str]) -> Callable[[str], str]:
    """`write` where it changes case alone; the capital of a dotless i is another letter's."""

    def cased(text: str) -> str:
        written = write(text)
        return written if answer_key(written) == answer_key(text) else text

    return cased


def _with_stop(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."


def _quoted(text: str) -> str:
    return text if '"' in text else f'"{text.strip()}"'


REWORDINGS: Final = (
    Rewording("a X", _with_article, for_names=True),
    Rewording("X.", _with_stop),
    Rewording("upper case", _cased(str.upper)),
    Rewording("lower case", _cased(str.lower)),
    Rewording("It is a X", lambda text: f"It is {_with_article(text)}", for_names=True),
    Rewording("a photo of a X", lambda text: f"a photo of {_with_article(text)}", for_names=True),
    Rewording('"X"', _quoted),
    Rewording("doubled blanks", lambda text: re.sub(" +", "  ", text)),
)
"""All that an audit asks about."""
