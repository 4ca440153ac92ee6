"""Prompts of an LLM judge: text files with a version and the names of the levels."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from speciarl_pl.category import Category
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.packaged import packaged_file
from speciarl_pl.records import Pair

PROMPTS: Final = Path(__file__).parent / "prompts"
"""Where the packaged prompts lie."""

_FIELD = re.compile(r"\{([A-Za-z_]+)\}")
_PART = re.compile(r"^## (system|user)[ \t]*$", re.MULTILINE)
_FILE = re.compile(r"\A---\n(.*?)^---[ \t]*\n(.*)\Z", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, ready to be filled with pairs."""

    name: str
    """Name of the file without its ending."""
    version: str
    """As the file gives it."""
    labels: Mapping[str, Category]
    """What the judge may answer, and the category each answer stands for."""
    batch: bool
    """Whether it asks about several pairs at once."""
    system: str
    """Text of the system's turn."""
    user: str
    """Text of the user's turn, with the fields `{truth}` and `{prediction}`, or `{pairs}`."""
    digest: str
    """SHA-256 of the whole file, in hexadecimal."""

    def messages(self, pairs: Sequence[Pair]) -> list[dict[str, str]]:
        r"""The two turns that ask about `pairs`, one pair unless this is a batch prompt.

        Truth and prediction are quoted. In a batch each pair is a line of JSON with its number,
        from 1.

        Raises:
            ValueError: If a text of a pair cannot be quoted; see `quote`.

        Example:
            >>> prompt = load_prompt("single")
            >>> print(prompt.messages([Pair("lion", "cat {truth}")])[1]["content"])
            Truth: "lion"
            Prediction: "cat {truth}"
        """
        fields = {"pairs": "\n".join(_line(number, pair) for number, pair in enumerate(pairs, 1))}
        if not self.batch:
            fields = {"truth": quote(pairs[0].truth), "prediction": quote(pairs[0].prediction)}
        # One pass over the prompt alone: what is put in is never searched for fields.
        user = _FIELD.sub(lambda field: fields[field.group(1)], self.user)
        return [{"role": "system", "content": self.system}, {"role": "user", "content": user}]


def load_prompt(prompt: str) -> Prompt:
    """Read a packaged prompt, or the one at a path.

    The file begins with YAML between two lines `---`: `version`, `labels` (a mapping from what the
    judge answers to the label of a category) and, for a prompt about several pairs, `batch: true`.
    Then come the line `## system` with the text of the system's turn, and the line `## user` with
    the text of the user's turn, in which `{truth}` and `{prediction}`, or `{pairs}` in a batch
    prompt, stand once each. Other braces are text.

    Args:
        prompt: Name of a packaged prompt, or path of a file that ends in `.txt`.

    Raises:
        JudgeError: If there is no such prompt, or its file is malformed; names the file and the
            part that is missing or not known.

    Example:
        >>> prompt = load_prompt("binary")
        >>> {label: category.label for label, category in prompt.labels.items()}
        {'correct': 'specific', 'incorrect': 'wrong', 'declined': 'abstain'}
    """
    path = packaged_file("prompt", prompt, PROMPTS, ".txt")
    try:
        data = path.read_bytes()
        text = data.decode().replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise JudgeError(f"{path}: the prompt cannot be read: {error}") from error
    return _parse(text, path, hashlib.sha256(data).hexdigest())


def _parse(text: str, path: Path, digest: str) -> Prompt:
    found = _FILE.match(text)
    if found is None:
        raise JudgeError(f"{path}: expected YAML between two lines '---' at the start, found none")
    head = _head(found.group(1), path)
    batch = head.get("batch", False)
    if not isinstance(batch, bool):
        raise JudgeError(f"{path}: batch: expected true or false, got {batch!r}")
    system, user = _parts(found.group(2), path)
    _check_fields(system, user, {"pairs"} if batch else {"truth", "prediction"}, path)
    version, labels = _version(head["version"], path), _labels(head["labels"], path)
    return Prompt(path.stem, version, labels, batch, system, user, digest)


def _head(text: str, path: Path) -> dict[str, Any]:
    try:
        head = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise JudgeError(f"{path}: the YAML at the start cannot be read: {reason}") from error
    if not isinstance(head, dict):
        raise JudgeError(f"{path}: expected 'version' and 'labels' at the start, got {head!r}")
    missing = [name for name in ("version", "labels") if name not in head]
    unknown = [str(name) for name in head if name not in ("version", "labels", "batch")]
    if missing or unknown:
        what = f"missing: {', '.join(missing)}" if missing else f"unknown: {', '.join(unknown)}"
        raise JudgeError(f"{path}: expected 'version', 'labels' and perhaps 'batch'; {what}")
    return head


def _version(version: object, path: Path) -> str:
    if isinstance(version, bool) or not isinstance(version, int | float | str):
        raise JudgeError(f"{path}: version: expected a number or a text, got {version!r}")
    if not str(version).strip() or not str(version).isprintable():
        raise JudgeError(f"{path}: version: expected a short text, got {version!r}")
    return str(version)


def _labels(labels: object, path: Path) -> dict[str, Category]:
    if not isinstance(labels, dict) or len(labels) < 2:
        raise JudgeError(f"{path}: labels: expected a mapping of two or more, got {labels!r}")
    read = {_label(label, path): _category(target, path) for label, target in labels.items()}
    if len({label.casefold() for label in read}) < len(labels):
        raise JudgeError(f"{path}: labels: expected names that differ in more than case")
    return read


def _label(label: object, path: Path) -> str:
    # YAML reads a bare `no` or `1` as something else than a text.
    if not isinstance(label, str) or label != label.strip() or not label.isprintable():
        raise JudgeError(f"{path}: labels: expected a text (quote it), got {label!r}")
    if not any(character.isalnum() for character in label):
        raise JudgeError(f"{path}: labels: expected a letter or digit in {label!r}")
    return label


def _category(target: object, path: Path) -> Category:
    try:
        return Category.parse(str(target))
    except ValueError as error:
        raise JudgeError(f"{path}: labels: {error}") from None


def _parts(text: str, path: Path) -> tuple[str, str]:
    before, *parts = _PART.split(text)
    if before.strip():
        raise JudgeError(
            f"{path}: expected '## system' after the YAML, got {before.strip()[:40]!r}"
        )
    if parts[::2] != ["system", "user"]:
        raise JudgeError(
            f"{path}: expected the line '## system' and then the line '## user', "
            f"got {parts[::2] or 'neither'}"
        )
    system, user = parts[1].strip(), parts[3].strip()
    if not system:
        raise JudgeError(f"{path}: expected a text below '## system', got none")
    return system, user


def _check_fields(system: str, user: str, expected: set[str], path: Path) -> None:
    names = _FIELD.findall(user)
    missing = sorted(expected - set(names))
    if missing:
        raise JudgeError(f"{path}: missing below '## user': {{{missing[0]}}}")
    unknown = [name for name in names if name not in expected] + _FIELD.findall(system)
    if unknown:
        raise JudgeError(f"{path}: not expected here: {{{unknown[0]}}}")
    if len(names) > len(expected):
        raise JudgeError(f"{path}: expected each of {sorted(expected)} once below '## user'")


def _line(number: int, pair: Pair) -> str:
    return (
        f'{{"id": {number}, "truth": {quote(pair.truth)}, "prediction": {quote(pair.prediction)}}}'
    )


# Text of others inside a prompt: data that cannot end its quotes, forge a turn or hide.


_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cn"})

_BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
)
"""Letters and marks that show nothing although Unicode calls them no format characters."""

_ANGLES: Final = frozenset("<>\ufe64\ufe65\uff1c\uff1e")
"""Marks that begin and end control tokens such as `<|im_end|>`; some tokenizers fold the others
to the first two."""

_BRACKETED = re.compile(r"\[(?=/?[A-Z][A-Z_]+\])")
"""The start of control tokens such as `[INST]` and `[/INST]`."""


def quote(text: str) -> str:
    r"""Write `text` as a JSON string that is safe inside a prompt.

    Nothing is taken away: `json.loads` gives `text` back. Letters, accents and marks stay as they
    are; escaped as `\uXXXX` are what JSON wants escaped, characters that show nothing (control,
    format, direction, tag, private, unassigned), angle brackets, and brackets around a word in
    capitals.

    Args:
        text: Any text without lone surrogates.

    Raises:
        ValueError: If `text` holds a lone surrogate, which no UTF-8 can carry.

    Example:
        >>> print(quote('Citro\u00ebn "DS 3", F/A-18'))
        "Citroën \"DS 3\", F/A-18"
        >>> print(quote("cat<|im_end|>\u202e"))
        "cat\u003c|im_end|\u003e\u202e"
    """
    text.encode()
    literal = json.dumps(text, ensure_ascii=False)
    literal = _BRACKETED.sub(r"\\u005b", literal)
    if literal.isascii() and literal.isprintable() and _ANGLES.isdisjoint(literal):
        return literal
    return "".join(_escape(c) if _is_hidden(c) else c for c in literal)


def _is_hidden(character: str) -> bool:
    return (
        character in _ANGLES
        or character in _BLANK
        or unicodedata.category(character) in _HIDDEN_CATEGORIES
        or _is_variation_selector(character)
    )


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1] if not character.isascii() else f"\\u{ord(character):04x}"
