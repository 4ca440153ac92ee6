"""The templates of the pages, and how they show figures and foreign text."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from speciarl_pl.report.plots.palette import VERDICT_COLOURS, ink_on
from speciarl_pl.run.thumbnails import Thumbnail
from speciarl_pl.system.display import (
    NOTHING,
    interval_text,
    number_text,
    p_text,
    page_templates,
    shown,
    signed,
)


def render(template: str, scripts: list[str], **values: Any) -> str:
    """Write a page.

    Everything foreign is escaped and shown without control characters. The page loads nothing and
    runs no script but its own; its own policy forbids both.

    Args:
        template: Name of a template in this folder.
        scripts: The programs of the page; its policy names their hashes.
        values: What the template shows.

    Returns:
        The HTML document.
    """
    environment = page_templates(Path(__file__).parent)
    environment.filters |= {
        "shown": lambda text: shown(text, 300),
        "whole": lambda text: shown(text, 2000),
        "lower_first": lambda text: text[:1].lower() + text[1:],
        "lines": text_lines,
        "json": embedded_json,
        "number": lambda number: f"{number:,}",
        "estimate": lambda estimate: number_text(estimate.value),
        "interval": interval_text,
        "p_value": p_text,
        "signed": lambda value: signed(value, 3),
        "data_uri": data_uri,
        "picture": picture_uri,
    }
    return environment.get_template(template).render(
        values,
        scripts=[Markup(script) for script in scripts],
        hashes=[_hash(script) for script in scripts],
        verdicts={name: (colour, ink_on(colour)) for name, colour in VERDICT_COLOURS.items()},
        nothing=NOTHING,
    )


def script(name: str) -> str:
    """Text of one of this folder's programs.

    Raises:
        AssertionError: If it could end its own `<script>`.
    """
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    assert "</" not in text
    return text


def text_lines(text: str) -> str:
    r"""Text of several lines without marks that steer a page.

    Example:
        >>> text_lines("a\nb\x1b[31m")
        'a\nb\\x1b[31m'
    """
    return "\n".join(shown(line, len(line) * 10 + 1) for line in text.splitlines())


def embedded_json(value: Any) -> Markup:
    r"""JSON that can stand in a `<script>` and does not end it.

    Example:
        >>> print(embedded_json({"a": "</script><!--"}))
        {"a":"\u003c/script\u003e\u003c!--"}
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(text)


def data_uri(text: str, kind: str) -> str:
    """A link that holds a file.

    Example:
        >>> data_uri("a,b", "text/csv")
        'data:text/csv;base64,YSxi'
    """
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode('ascii')}"


def picture_uri(picture: Thumbnail) -> str:
    """A link that holds a picture."""
    return f"data:image/jpeg;base64,{base64.b64encode(picture.jpeg).decode('ascii')}"


def _hash(text: str) -> str:
    """How a content security policy names an inline script."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
