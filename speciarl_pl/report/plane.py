"""The plane of specificity and correctness, with the lines on which HM is the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import altair as alt

from speciarl_pl.report.plot import Plot, number_text, plot, rows
from speciarl_pl.report.published import PUBLISHED, Published
from speciarl_pl.report.table import Estimate, Row

_LEVELS: Final = tuple(level / 20 for level in range(2, 20))
_SHAPES: Final = (
    ("circle", "\u25cf"),
    ("square", "\u25a0"),
    ("triangle-up", "\u25b2"),
    ("triangle-down", "\u25bc"),
    ("triangle-left", "\u25c0"),
    ("triangle-right", "\u25b6"),
    ("cross", "\u271a"),
)
_MARGIN: Final = 0.04
_STEPS: Final = 60


def plane(
    table: Sequence[Row], colours: Mapping[str, str], links: Sequence[tuple[str, str]] = ()
) -> Plot | None:
    """Draw all stages as points, their intervals as whiskers, published rows as hollow marks.

    Args:
        table: As of `headline_rows`.
        colours: By name of the stage.
        links: Pairs of stages that a line connects, such as a base and what was trained from it.

    Returns:
        The plot; None if no row has both values.
    """
    points = [point for row in table if (point := _point(row))]
    if not points:
        return None
    published = [_published(row) for row in PUBLISHED if row.specificity is not None]
    x_domain = _domain(points + published, "correctness", table)
    y_domain = _domain(points + published, "specificity", table)
    x = alt.X(
        "correctness:Q", scale=alt.Scale(domain=x_domain, nice=False), title="correctness"
    ).axis(tickCount=8, format=".2f")
    y = alt.Y(
        "specificity:Q", scale=alt.Scale(domain=y_domain, nice=False), title="specificity"
    ).axis(tickCount=8, format=".2f")
    layers = [
        *_iso_lines(x, y, x_domain, y_domain),
        *_published_marks(published, x, y),
        *_link_marks(points, x, y, links),
        *_point_marks(points, x, y, colours),
    ]
    words = "; ".join(
        f"{point['stage']} on {point['scope']}: correctness {number_text(point['correctness'])}, "
        f"specificity {number_text(point['specificity'])}"
        for point in points
    )
    return plot("Specificity and correctness", words, alt.layer(*layers), 440)


def iso_hm(hm: float, x_domain: Sequence[float], y_domain: Sequence[float]) -> list[dict[str, Any]]:
    """Points of the line on which the harmonic mean is `hm`, inside a frame.

    Example:
        >>> line = iso_hm(0.5, [0, 1], [0, 1])
        >>> {round(2 / (1 / p["correctness"] + 1 / p["specificity"]), 6) for p in line}
        {0.5}
    """
    line = []
    for step in range(_STEPS + 1):
        x = x_domain[0] + (x_domain[1] - x_domain[0]) * step / _STEPS
        y = hm * x / (2 * x - hm) if 2 * x > hm else -1.0
        if y_domain[0] <= y <= y_domain[1]:
            line.append({"correctness": x, "specificity": y, "hm": f"HM {hm:.2f}"})
    return line


def scope_shapes(scopes: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Mark of each data set or mean: its name in Vega and a sign that looks like it.

    Example:
        >>> scope_shapes(["a", "b", "a"])["b"][0]
        'square'
    """
    return {
        scope: _SHAPES[place % len(_SHAPES)] for place, scope in enumerate(dict.fromkeys(scopes))
    }


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


def _domain(
    points: Sequence[Mapping[str, Any]], name: str, table: Sequence[Row]
) -> tuple[float, float]:
    ends = [end for row in table for end in (row.values[name].low, row.values[name].high) if end]
    values = [*(point[name] for point in points), *ends]
    return max(0.0, min(values) - _MARGIN), min(1.0, max(values) + _MARGIN)


def _iso_lines(
    x: alt.X, y: alt.Y, x_domain: Sequence[float], y_domain: Sequence[float]
) -> Iterator[alt.Chart]:
    lines = [line for hm in _LEVELS if len(line := iso_hm(hm, x_domain, y_domain)) > 1]
    points = [point for line in lines for point in line]
    left = x_domain[0] + (x_domain[1] - x_domain[0]) / 5  # a label needs room
    yield (
        alt.Chart(rows(points))
        .mark_line(strokeDash=[2, 3], strokeWidth=1, color="#8a929b", opacity=0.8)
        .encode(x, y, detail="hm:N")
    )
    yield (
        alt.Chart(rows([line[-1] for line in lines if line[-1]["correctness"] > left]))
        .mark_text(align="right", dx=-3, dy=-6, fontSize=10, color="#7a828b")
        .encode(x, y, text="hm:N")
    )


def _published_marks(published: Sequence[dict[str, Any]], x: alt.X, y: alt.Y) -> Iterator[Any]:
    chart = alt.Chart(rows(published)).encode(x, y)
    tooltip = ["method:N", "note:N", "correctness:Q", "specificity:Q", "HM:N"]
    yield chart.mark_point(
        shape="diamond", size=70, filled=False, strokeWidth=1.5, color="#8a929b"
    ).encode(tooltip=tooltip)
    middle = sum(point["correctness"] for point in published) / len(published)
    sides: tuple[tuple[Literal["left", "right"], bool], ...] = (("left", True), ("right", False))
    for align, is_left in sides:  # a label stays in the frame, away from its nearer edge
        named = [point for point in published if (point["correctness"] < middle) == is_left]
        yield (
            alt.Chart(rows(named))
            .mark_text(align=align, dx=8 if is_left else -8, dy=3, fontSize=10, color="#7a828b")
            .encode(x, y, text="method:N")
        )


def _link_marks(
    points: Sequence[dict[str, Any]], x: alt.X, y: alt.Y, links: Sequence[tuple[str, str]]
) -> Iterator[Any]:
    by_place = {(point["stage"], point["scope"]): point for point in points}
    scopes = dict.fromkeys(scope for _, scope in by_place)
    pairs = [
        (by_place[a, scope], by_place[b, scope])
        for a, b in links
        for scope in scopes
        if (a, scope) in by_place and (b, scope) in by_place
    ]
    ends = [
        {"link": place, "correctness": end["correctness"], "specificity": end["specificity"]}
        for place, pair in enumerate(pairs)
        for end in pair
    ]
    if ends:
        mark = alt.Chart(rows(ends)).mark_line(strokeWidth=1, opacity=0.5, color="#8a929b")
        yield mark.encode(x, y, detail="link:N")


def _point_marks(
    points: Sequence[dict[str, Any]], x: alt.X, y: alt.Y, colours: Mapping[str, str]
) -> Iterator[Any]:
    names = list(colours)
    colour = alt.Color(
        "stage:N",
        scale=alt.Scale(domain=names, range=[colours[name] for name in names]),
        legend=None,
    )
    shapes = scope_shapes([point["scope"] for point in points])
    shape = alt.Shape(
        "scope:N",
        scale=alt.Scale(domain=list(shapes), range=[name for name, _ in shapes.values()]),
        legend=None,
    )
    chart = alt.Chart(rows(points))
    whisker = chart.mark_rule(strokeWidth=1.5, opacity=0.7)
    yield whisker.encode(x=alt.X("x_low:Q", title="correctness"), x2="x_high:Q", y=y, color=colour)
    yield whisker.encode(x=x, y=alt.Y("y_low:Q", title="specificity"), y2="y_high:Q", color=colour)
    tooltip = ["stage:N", "scope:N", *(f"{n}:Q" for n in ("correctness", "specificity")), "HM:N"]
    yield chart.mark_point(filled=True, size=90, opacity=1).encode(
        x, y, colour, shape, tooltip=tooltip
    )
