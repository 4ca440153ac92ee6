"""Text as people and models bring it: without what nobody sees, and out of its wrapping."""

import json
import re
import unicodedata
from functools import lru_cache
from html import unescape
from html.entities import html5
from typing import Any, Final

# Text as people bring it, without what nobody sees: invisible characters, entities, odd blanks.


_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|(\w{2,31}));")
"""A whole one: `AT&T` and `&copy 2020` are no entities."""

_JOINERS: Final = "\u200c\u200d"
"""Zero-width joiner and non-joiner: invisible, yet part of how some scripts are spelt."""

_BLANK_LETTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Fillers that Unicode calls letters or marks, and that show nothing."""

_SHOWN_FORMATS: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
"""Signs that Unicode calls formats, and that do show."""


@lru_cache(maxsize=2**15)  # labels and answers come again and again
def tidy(text: str) -> str:
    r"""Drop what cannot be seen, read HTML entities, and make any run of blanks one blank.

    Gone are control, format and bidirectional characters, soft hyphens, zero-width spaces and byte
    order marks; joiners stay between letters of scripts that spell with them. No-break and other
    blanks become plain ones, none stays at an edge. All that shows is kept as written.

    Example:
        >>> tidy("\ufeffBlack\u200bbird"), tidy("Lynx\u00a0 rufus\u00ad "), tidy("M&amp;M&#39;s")
        ('Blackbird', 'Lynx rufus', "M&M's")
        >>> tidy("AT&T"), tidy("F/A-18")
        ('AT&T', 'F/A-18')
    """
    while (read := _ENTITY.sub(_read_entity, text)) != text:  # some were escaped twice
        text = read
    if not text.isascii() or not text.isprintable():
        text = "".join(one for at, one in enumerate(text) if _shows(text, at))
    return " ".join(text.split())


def without_joiners(text: str) -> str:
    """Drop the joiners that `tidy` keeps: spelling with or without them names the same thing."""
    return text.translate(dict.fromkeys(map(ord, _JOINERS)))


def _read_entity(found: re.Match[str]) -> str:
    name = found.group(1)
    return unescape(found.group()) if name is None else html5.get(f"{name};", found.group())


def _shows(text: str, at: int) -> bool:
    one = text[at]
    if one in _JOINERS:
        return 0 < at < len(text) - 1 and _joins(text[at - 1]) and _joins(text[at + 1])
    if one.isspace() or one in _SHOWN_FORMATS:
        return True
    return unicodedata.category(one) not in ("Cc", "Cf") and one not in _BLANK_LETTERS


def _joins(one: str) -> bool:
    """Whether it is of a script that spells with joiners: Arabic, Indic and their like."""
    return "\u0600" <= one < "\u1100" or "\u1780" <= one < "\u1900"


# What a model wraps its answer in, and what it says inside.


_THOUGHT_END = re.compile(r"</(?:think|thinking|thought|reasoning)\s*>", re.IGNORECASE)
_THOUGHT_START = re.compile(r"<(?:think|thinking|thought|reasoning)\s*>", re.IGNORECASE)

_TOKEN: Final = (
    r"(?:<\|(?!begin_of_box|end_of_box)[^<>|\s]{1,40}\|>"
    r"|<\uff5c[^<>\s]{1,40}\uff5c>|</?s>|<eos>|<bos>|<end_of_turn>)"
)
_TOKENS_AROUND = re.compile(rf"\A(?:{_TOKEN}\s*+)++|(?:{_TOKEN}\s*+)++\Z")
_PLACES = re.compile(
    r"(?:<loc\d{4}>)++|(?:\(\d{1,4},\s?\d{1,4}\),\s?\(\d{1,4},\s?\d{1,4}\)\s*+)++\Z"
    r"|<box>[\s\d\[\],.]*+</box>"
)
"""Where something is: PaliGemma's, Qwen-VL's and InternVL's way to write it."""
_BRACED: Final = tuple(
    (re.compile(rf"\$*\s*\\{command}\s*{{"), re.compile(r"\}\s*\$*\.?\Z"))
    for command in ("boxed", "text(?:bf|rm|it)?")
)
_TAGGED: Final = (
    (re.compile(r"```[a-zA-Z]*\s"), re.compile(r"```\Z")),
    (re.compile(r"<\|begin_of_box\|>"), re.compile(r"<\|end_of_box\|>\Z")),
    (re.compile(r"<answer\s*>", re.IGNORECASE), re.compile(r"</answer\s*>\Z", re.IGNORECASE)),
    (re.compile(r"<ref>"), re.compile(r"</ref>\Z")),
)
_BOX = re.compile(
    r"\\boxed\s*+\{((?:[^{}]|\{[^{}]*+\})*+)\}"
    r"|<\|begin_of_box\|>((?:[^<]|<(?!\|))*+)<\|end_of_box\|>"
)
_SIGNS = re.compile(r"[{\[\\<$`(]")
"""Without any of these nothing is wrapped."""
_DEPTH: Final = 4
"""Most wrappers around one another."""
_KEYS: Final = re.compile(
    r"(?:final|predicted)?[ _-]?(?:answer|label|name|prediction|category|class)", re.IGNORECASE
)
_STRING_OR_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+"?)|,(?=\s*+[}\]])', re.DOTALL)


def after_thinking(text: str) -> str | None:
    """What is said after the last thought; None if that thought does not end.

    Example:
        >>> after_thinking("hm</think> dog"), after_thinking("<think>dog")
        (' dog', None)
    """
    ends = list(_THOUGHT_END.finditer(text))
    said = text[ends[-1].end() :] if ends else text
    return None if _THOUGHT_START.search(said) else said


def unwrapped(text: str) -> str:
    r"""`text` without tokens, coordinates, fences and boxes around it.

    Example:
        >>> unwrapped(r"$\boxed{\text{Samoyed}}$<|im_end|>")
        'Samoyed'
        >>> unwrapped("Samoyed(12,40),(380,512)")
        'Samoyed'
    """
    text = text.strip()
    for _ in range(_DEPTH):
        bare = _inside(_PLACES.sub("", _TOKENS_AROUND.sub("", text)).strip())
        if bare == text:
            break
        text = bare
    return text


def answer_inside(text: str) -> str:
    r"""The answer that `text` wraps; `text` itself if it wraps none.

    Beside `unwrapped`, JSON is read: an object with one text, or with one member named `answer`,
    `label`, `name` and the like, also alone in a list.

    Example:
        >>> answer_inside('{"bbox_2d": [1, 2, 30, 40], "label": "Samoyed"}')
        'Samoyed'
        >>> answer_inside('```json\n[{"answer": "Samoyed",}]\n```')
        'Samoyed'
        >>> answer_inside("{Samoyed}")
        '{Samoyed}'
    """
    if not _SIGNS.search(text):  # as nearly always
        return text.strip()
    bare = unwrapped(text)
    if not bare.startswith(("{", "[")):
        return bare
    read = parse_json(bare)
    if isinstance(read, list) and len(read) == 1:
        read = read[0]
    if not isinstance(read, dict):
        return bare
    named = [value for key, value in read.items() if _KEYS.fullmatch(key)]
    found = named if len(read) > 1 else list(read.values())
    return unwrapped(found[0]) if len(found) == 1 and isinstance(found[0], str) else bare


def answer_boxed(text: str) -> str | None:
    r"""The last box of `text`, else the JSON object that `text` is, fenced or not; else None.

    Example:
        >>> answer_boxed(r"So it is \boxed{Samoyed}.")
        'Samoyed'
        >>> answer_boxed('{"answer": "Samoyed"}')
        'Samoyed'
        >>> answer_boxed("Samoyed") is None
        True
    """
    boxes = _BOX.findall(text)
    if boxes:
        return unwrapped(next(filter(None, boxes[-1]), ""))
    bare = unwrapped(text)
    inside = answer_inside(bare)
    return inside if inside != bare else None


def parse_json(text: str) -> Any:
    """The value of a JSON text, commas before a closing bracket forgiven.

    Returns:
        None if it cannot be read, or names a member of an object twice.

    Example:
        >>> parse_json('{"1": "a", "2": ["b", ], }')
        {'1': 'a', '2': ['b']}
    """
    try:
        return json.loads(
            _STRING_OR_COMMA.sub(lambda found: found.group(1) or "", text),
            object_pairs_hook=_without_repeats,
        )
    except (ValueError, RecursionError):
        return None


def _inside(text: str) -> str:
    """What stands in the one wrapper around all of `text`, or `text`."""
    for start, end in _BRACED + _TAGGED:
        opened, closed = start.match(text), end.search(text)
        if opened and closed and opened.end() <= closed.start():
            inside = text[opened.end() : closed.start()]
            whole = _balanced(inside) if "{" in opened.group() else not start.search(inside)
            if whole:
                return inside.strip()
    return text


def _balanced(text: str) -> bool:
    """Whether no brace of `text` closes one outside of it."""
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(members)
    if len(read) < len(members):
        raise ValueError("a key is given twice")
    return read
