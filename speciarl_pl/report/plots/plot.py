"""A plot of the page: an Altair chart that needs no network, with words for who cannot see it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import altair as alt
import vl_convert


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart of the page."""

    title: str
    """Heading."""
    description: str
    """What a screen reader says instead of the picture."""
    spec: dict[str, Any]
    """Vega-Lite specification with its data in it."""


def plot(title: str, description: str, chart: Any, height: int) -> Plot:
    """Make a plot that fills the width it is given.

    Args:
        title: Heading.
        description: What a screen reader says.
        chart: A single or layered chart.
        height: In pixels.
    """
    sized = chart.properties(width="container", height=height)
    spec = sized.to_dict()
    spec.pop("config", None)  # the page's own, for light and dark
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    return Plot(title, description, spec)


def rows(values: Sequence[dict[str, Any]]) -> alt.InlineData:
    """Data of a chart, written into its specification; numbers with six digits."""
    return alt.InlineData(
        values=[{name: _rounded(value) for name, value in row.items()} for row in values]
    )


def number_text(value: float | None) -> str:
    """A value as words and tooltips give it.

    Example:
        >>> number_text(0.12345), number_text(None)
        ('0.123', 'undefined')
    """
    return "undefined" if value is None else f"{value:.3f}"


def _rounded(value: Any) -> Any:
    """More than six digits are not seen, and make a page large."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


@lru_cache(maxsize=1)
def library() -> str:
    """JavaScript that draws the plots, for a `<script>` of the page.

    The program comes with vl-convert and sets `vegaEmbed`; nothing is loaded.
    """
    version = ".".join(re.findall(r"\d+", alt.SCHEMA_VERSION)[:2])
    return str(vl_convert.javascript_bundle(vl_version=version))  # type: ignore[call-arg]
