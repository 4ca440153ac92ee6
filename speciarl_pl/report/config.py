"""config.yaml as a page may show it: without secrets."""

import re
from pathlib import Path
from typing import Final

MAX_CHARS: Final = 40_000
"""A longer file is cut; the run directory has it whole."""

HIDDEN: Final = "(hidden)"
"""Stands for a secret."""

_SECRET = re.compile(
    r"^(\s*(?:- )?[\w.]*(?:api_key|secret|passw(?:or)?d|token)\s*:\s+)(?!null\s*$)\S.*$",
    re.IGNORECASE | re.MULTILINE,
)
_IN_URL = re.compile(r"(?<=://)[^/@\s'\"]+(?=@)")


def config_text(path: Path) -> str | None:
    """Text of a configuration, secrets hidden; None if there is none that can be read."""
    try:
        return without_secrets(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def cut(text: str) -> str:
    """What a page shows of a long text."""
    if len(text) <= MAX_CHARS:
        return text
    return f"{text[:MAX_CHARS]}\n(cut: {len(text) - MAX_CHARS:,} more characters)"


def without_secrets(text: str) -> str:
    r"""Hide the values of keys that name a secret, and what stands before the `@` of a URL.

    Example:
        >>> without_secrets("api_key: abc\nurl: redis://:pw@host:1\nmax_new_tokens: 48\n")
        'api_key: (hidden)\nurl: redis://(hidden)@host:1\nmax_new_tokens: 48\n'
    """
    return _IN_URL.sub(HIDDEN, _SECRET.sub(rf"\g<1>{HIDDEN}", text))
