"""The plane of specificity and correctness, with the lines on which HM is the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt

from speciarl_pl.report.headline_table import Estimate, Row
from speciarl_pl.report.paper_rows import Published
from speciarl_pl.report.plots.plane_marks import (
    AXES,
    Look,
    iso_marks,
    link_marks,
    own_labels,
    point_marks,
    published_marks,
)
from speciarl_pl.report.plots.plot import Plot, number_text, plot

_MARGIN: Final = 0.04
_REACH: Final = 0.1
"""How far from one's own points a published row may widen the frame."""


@dataclass(frozen=True, slots=True)
class Plane:
    """The plot, and what a legend has to say of it."""

    plot: Plot
    """Its labels are moved by the page until none covers another."""
    published: Sequence[str]
    """Published rows that it shows."""
    outside: Sequence[str]
    """Published rows too far from all that was measured here."""


def plane(
    table: Sequence[Row],
    look: Look,
    links: Sequence[tuple[str, str]] = (),
    published: Sequence[Published] = (),
) -> Plane | None:
    """Draw all stages as points, their intervals as whiskers, published rows as hollow marks.

    Args:
        table: As of `headline_rows`; they set the axes.
        look: Of the stages.
        links: Pairs of stages that a line connects, such as a base and what was trained from it.
        published: Rows of the paper to show beside them.

    Returns:
        The plot; None if no row has both values.
    """
    points = [point for row in table if (point := _point(row))]
    if not points:
        return None
    beside = [_published(row) for row in published if row.specificity is not None]
    domains = {name: _domain(points, beside, name, table) for name in AXES}
    inside = [row for row in beside if all(_within(domains[name], row[name]) for name in AXES)]
    x, y = (
        alt.X("correctness:Q", scale=_scale(domains["correctness"]), title="correctness"),
        alt.Y("specificity:Q", scale=_scale(domains["specificity"]), title="specificity"),
    )
    x, y = x.axis(tickCount=8, format=".2f"), y.axis(tickCount=8, format=".2f")
    layers = [
        *iso_marks(x, y, domains),
        *published_marks(inside, x, y),
        *link_marks(points, x, y, links),
        *point_marks(points, x, y, look),
        own_labels(points, x, y, look),
    ]
    drawn = plot("Specificity and correctness", _words(points), alt.layer(*layers), 440)
    outside = [row["method"] for row in beside if row not in inside]
    return Plane(drawn, [row["method"] for row in inside], outside)


def _point(row: Row) -> dict[str, Any] | None:
    x, y = row.values["correctness"], row.values["specificity"]
    if x.value is None or y.value is None:
        return None
    return {
        "stage": row.stage,
        "scope": row.scope,
        "correctness": x.value,
        "specificity": y.value,
        "HM": number_text(row.values["hm"].value),
        **_ends("x", x),
        **_ends("y", y),
    }


def _ends(axis: str, estimate: Estimate) -> dict[str, float]:
    if estimate.low is None or estimate.high is None:
        return {}
    return {f"{axis}_low": estimate.low, f"{axis}_high": estimate.high}


def _published(row: Published) -> dict[str, Any]:
    return {
        "method": row.method,
        "note": "published, not measured here",
        "correctness": row.correctness,
        "specificity": row.specificity,
        "HM": number_text(row.hm),
    }


def _words(points: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(
        f"{point['stage']} on {point['scope']}: correctness {number_text(point['correctness'])}, "
        f"specificity {number_text(point['specificity'])}"
        for point in points
    )


def _domain(
    points: Sequence[Mapping[str, Any]],
    beside: Sequence[Mapping[str, Any]],
    name: str,
    table: Sequence[Row],
) -> tuple[float, float]:
    """The frame of what was measured, and of published rows that are not far from it."""
    ends = [end for row in table for end in (row.values[name].low, row.values[name].high)]
    own = [*(point[name] for point in points), *(end for end in ends if end is not None)]
    low, high = min(own), max(own)
    near = [row[name] for row in beside if low - _REACH <= row[name] <= high + _REACH]
    return max(0.0, min([low, *near]) - _MARGIN), min(1.0, max([high, *near]) + _MARGIN)


def _within(domain: tuple[float, float], value: float) -> bool:
    return domain[0] <= value <= domain[1]


def _scale(domain: tuple[float, float]) -> alt.Scale:
    return alt.Scale(domain=domain, nice=False)
