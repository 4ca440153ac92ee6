"""An audit report as one HTML page that needs no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from speciarl_pl.category import Category
from speciarl_pl.judge.audit.agreement import LEVELS
from speciarl_pl.judge.audit.kappa import Estimate, estimate_text
from speciarl_pl.judge.audit.share import Share, share_text
from speciarl_pl.judge.audit.swap import EXPECTED
from speciarl_pl.system.display import NOTHING, page_templates, percent, shown, signed

MAX_LISTED: Final = 100
"""Pairs listed of each kind; the JSON file has them all."""

_TEMPLATE: Final = "page.html.jinja"
_SIGNS: Final = ("W", "A", "G", "S\u2212", "S", "S+", "?")


def html_report(values: Mapping[str, Any]) -> str:
    """Write the page.

    Everything that came from a file or a judge is escaped, and shown without control characters.
    The page runs no script and loads nothing; its own policy forbids both.

    Args:
        values: What `to_json` gives.

    Returns:
        The HTML document.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> from speciarl_pl.judge.audit import PairFile, audit, to_json
        >>> html_report(to_json(audit(ExactJudge(), PairFile("a.csv", 0, ()))))[:15]
        '<!doctype html>'
    """
    environment = page_templates(Path(__file__).parent)
    environment.filters |= {
        "shown": lambda text: shown(text, 300),
        "number": lambda number: f"{number:,}",
        "percent": percent,
        "share": lambda share: share_text(Share(share["count"], share["of"])),
        "estimate": lambda estimate: estimate_text(Estimate(**estimate)),
        "signed": signed,
    }
    return environment.get_template(_TEMPLATE).render(
        report=values,
        signs=_SIGNS,
        nothing=NOTHING,
        levels=LEVELS,
        same=[(level, level) for level in range(LEVELS)],
        fits=[(row, column) for row, columns in EXPECTED.items() for column in columns],
        asked=[int(row) for row in Category if row in EXPECTED],
        max_listed=MAX_LISTED,
    )
