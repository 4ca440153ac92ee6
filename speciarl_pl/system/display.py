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


def number_text(value: float | None) -> str:
    """A rate with three decimals; a number of things with none.

    Example:
        >>> number_text(0.51234), number_text(1200), number_text(None) == NOTHING
        ('0.512', '1,200', True)
    """
    if value is None:
        return NOTHING
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def signed(value: float | None, digits: int = 2) -> str:
    """A difference with its sign.

    Example:
        >>> signed(0.5), signed(-1.0, 3)
        ('+0.50', '-1.000')
    """
    return NOTHING if value is None else f"{value:+.{digits}f}"


def interval_text(low: float | None, high: float | None, sign: bool = False) -> str:
    """An interval; empty if there is none.

    Example:
        >>> interval_text(0.4, 0.6), interval_text(-0.1, 0.2, sign=True)
        ('[0.400, 0.600]', '[-0.100, +0.200]')
    """
    if low is None or high is None:
        return ""
    return f"[{low:+.3f}, {high:+.3f}]" if sign else f"[{low:.3f}, {high:.3f}]"


def p_text(value: float | None) -> str:
    """A p-value.

    Example:
        >>> p_text(0.0412), p_text(0.00001), p_text(None) == NOTHING
        ('0.041', '< 0.001', True)
    """
    return "< 0.001" if value is not None and value < 0.001 else number_text(value)


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
