"""How figures and foreign text are shown to a human."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

NOTHING: Final = "\u2013"
"""Stands for a figure that does not exist."""


def shown(text: str, max_chars: int = 160) -> str:
    r"""`text` on one line, cut at `max_chars`, without marks that steer a terminal or a page.

    Example:
        >>> shown("a \x1b[31mred\x1b[0m\nlion"), shown("lioness", 5)
        ('a \\x1b[31mred\\x1b[0m\\nlion', 'lion…')
    """
    safe = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text[: max_chars + 1]
    )
    return safe if len(safe) <= max_chars else safe[: max_chars - 1] + "\u2026"


def percent(value: float | None) -> str:
    """A share in percent.

    Example:
        >>> percent(0.8125), percent(None) == NOTHING
        ('81.2 %', True)
    """
    return NOTHING if value is None else f"{100 * value:.1f} %"


def signed(value: float | None) -> str:
    """A difference in levels with its sign.

    Example:
        >>> signed(0.5), signed(-1.0)
        ('+0.50', '-1.00')
    """
    return NOTHING if value is None else f"{value:+.2f}"


# The templates of the HTML pages that the package writes.


def page_templates(folder: Path) -> Environment:
    """Templates of a folder, which escape what they show and may leave nothing undefined."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
