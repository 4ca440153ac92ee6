"""The layers of the plane: lines of equal HM, published rows, one's own points, their names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import altair as alt

from speciarl_pl.report.plots.plot import rows

AXES: Final = ("correctness", "specificity")
"""Names of the two axes."""

Points: TypeAlias = Sequence[dict[str, Any]]
"""Of each stage on each scope, or of each published row: its values and what a tooltip says."""

_SHAPES: Final = (
    ("circle", "\u25cf"),
    ("square", "\u25a0"),
    ("triangle-up", "\u25b2"),
    ("triangle-down", "\u25bc"),
    ("triangle-left", "\u25c0"),
    ("triangle-right", "\u25b6"),
    ("cross", "\u271a"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """How the models are told apart."""

    colours: Mapping[str, str]
    """By name of the stage."""
    hollow: Sequence[str] = ()
    """Names of the stages with hollow marks: the bases."""


def scope_shapes(scopes: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Mark of each data set or mean: its name in Vega and a sign that looks like it.

    Example:
        >>> scope_shapes(["a", "b", "a"])["b"][0]
        'square'
    """
    return {
        scope: _SHAPES[place % len(_SHAPES)] for place, scope in enumerate(dict.fromkeys(scopes))
    }


def iso_marks(x: alt.X, y: alt.Y, domains: Mapping[str, tuple[float, float]]) -> Iterator[Any]:
    """Draw the lines, each with its value at its right end."""
    lines = iso_lines(domains["correctness"], domains["specificity"])
    points = [point for line in lines for point in line]
    yield (
        alt.Chart(rows(points))
        .mark_line(strokeDash=[2, 3], strokeWidth=1, color="#8a929b", opacity=0.8)
        .encode(x, y, detail="hm:N")
    )
    ends = alt.Chart(rows([line[-1] for line in lines]), name="hm_labels")
    yield ends.mark_text(align="right", dx=-3, dy=-6, fontSize=10, clip=True).encode(
        x, y, text="hm:N"
    )


def published_marks(published: Points, x: alt.X, y: alt.Y) -> Iterator[Any]:
    """Draw hollow diamonds with the names of the methods."""
    if not published:
        return
    tooltip = ["method:N", "note:N", "correctness:Q", "specificity:Q", "HM:N"]
    marks = alt.Chart(rows(published)).encode(x, y)
    yield marks.mark_point(
        shape="diamond", size=70, filled=False, strokeWidth=1.5, color="#8a929b"
    ).encode(tooltip=tooltip)
    names = alt.Chart(rows(published), name="published_labels")
    yield names.mark_text(align="left", fontSize=10, clip=True).encode(x, y, text="method:N")


def link_marks(
    points: Points, x: alt.X, y: alt.Y, links: Sequence[tuple[str, str]]
) -> Iterator[Any]:
    """Draw a line between the points of each pair of stages on each scope."""
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


def point_marks(points: Points, x: alt.X, y: alt.Y, look: Look) -> Iterator[Any]:
    """Draw whiskers and marks: colour and filling tell the model, shape the data set."""
    names = list(look.colours)
    colour = alt.Color(
        "stage:N",
        scale=alt.Scale(domain=names, range=[look.colours[name] for name in names]),
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
    tooltip = ["stage:N", "scope:N", *(f"{n}:Q" for n in AXES), "HM:N"]
    for hollow in (True, False):
        own = [point for point in points if (point["stage"] in look.hollow) == hollow]
        if own:
            marks = alt.Chart(rows(own)).mark_point(
                filled=not hollow, size=90, opacity=1, strokeWidth=2.5
            )
            yield marks.encode(x, y, colour, shape, tooltip=tooltip)


def own_labels(points: Points, x: alt.X, y: alt.Y, look: Look) -> Any:
    """Write the name of each data set at the first model that was trained or validated on its own.

    Where all are on one data set, the names of the models.
    """
    if len({point["scope"] for point in points}) == 1:
        named = [{**point, "label": point["stage"]} for point in points]
    else:
        first: dict[str, dict[str, Any]] = {}
        for point in sorted(points, key=lambda point: point["stage"] in look.hollow):
            first.setdefault(point["scope"], {**point, "label": point["scope"]})
        named = list(first.values())
    marks = alt.Chart(rows(named), name="own_labels")
    return marks.mark_text(align="left", fontSize=11, clip=True).encode(x, y, text="label:N")


# The lines of the plane on which HM is the same.


_STEPS: Final = 60
_DISTANCES: Final = (0.1, 0.05, 0.02, 0.01)
_FEWEST: Final = 3


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


def iso_lines(x_domain: Sequence[float], y_domain: Sequence[float]) -> list[list[dict[str, Any]]]:
    """Lines at round values, so near to each other that a frame of any size has some.

    Example:
        >>> [line[0]["hm"] for line in iso_lines([0.80, 0.84], [0.80, 0.84])]
        ['HM 0.81', 'HM 0.82', 'HM 0.83']
    """
    for distance in _DISTANCES:
        levels = [place * distance for place in range(1, round(1 / distance))]
        lines = [line for hm in levels if len(line := iso_hm(hm, x_domain, y_domain)) > 1]
        if len(lines) >= _FEWEST:
            break
    return lines
