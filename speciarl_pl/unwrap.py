r"""What a model wraps its answer in, and what it says inside.

Chat models put an answer into JSON, into code fences, into LaTeX's `\boxed{}`, between the marks
of a box, beside coordinates, and leave the tokens that end a turn. None of that is the answer.
"""

import json
import re
from typing import Any, Final

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
