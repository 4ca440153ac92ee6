"""Curves of best-of-k: what the best of k rollouts of an image reaches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import altair as alt

from speciarl_pl.category import Category
from speciarl_pl.report.plots.palette import VERDICT_COLOURS
from speciarl_pl.report.plots.plot import Plot, number_text, plot, rows
from speciarl_pl.report.stages import Stage, datasets_of

SCORE_COLOURS: Final = {"specificity": "#e69f00", "correctness": "#009e73", "hm": "#0072b2"}
"""By rate."""

_DASHES: Final = ([1, 0], [6, 4], [2, 2], [10, 3, 2, 3], [2, 6], [12, 5])
_Dashes: TypeAlias = Mapping[str, Sequence[int]]


def best_of_k_plots(stages: Sequence[Stage]) -> list[Plot]:
    """Draw, for each data set with several rollouts an image, the rates and the levels reached."""
    dashes = stage_dashes(stage.name for stage in stages)
    plots = []
    for name in datasets_of(stages):
        curves = {
            stage.name: found
            for stage in stages
            if (found := stage.results.datasets.get(name, {}).get("best_of_k"))
        }
        if curves:
            plots += [_rates(name, curves, dashes), _levels(name, curves, dashes)]
    return plots


def stage_dashes(stages: Iterable[str]) -> dict[str, list[int]]:
    """Dashes and gaps of the line of each stage, in pixels; the last stage's is solid.

    Example:
        >>> stage_dashes(["base", "trained"])
        {'trained': [1, 0], 'base': [6, 4]}
    """
    names = reversed(list(stages))
    return {name: _DASHES[place % len(_DASHES)] for place, name in enumerate(names)}


def _rates(dataset: str, curves: Mapping[str, Mapping[str, Any]], dashes: _Dashes) -> Plot:
    points = list(_rate_points(curves))
    colour = _colour(list(SCORE_COLOURS), list(SCORE_COLOURS.values()))
    chart = alt.Chart(rows(points))
    band = chart.mark_area(opacity=0.15).encode(
        x=_k_axis(), y=alt.Y("low:Q"), y2="high:Q", color=colour, detail="stage:N"
    )
    return plot(
        f"{dataset}: rates of the best of k",
        _words(points),
        alt.layer(band, *_lines(chart, colour, dashes)),
        220,
    )


def _levels(dataset: str, curves: Mapping[str, Mapping[str, Any]], dashes: _Dashes) -> Plot:
    names = [category.label for category in Category if category is not Category.WRONG]
    points = [
        {"stage": stage, "curve": name, "k": k, "share": share}
        for stage, own in curves.items()
        for name in names
        for k, share in zip(own["k"], own["reached"].get(name, ()), strict=False)
    ]
    colour = _colour(names, [VERDICT_COLOURS[name] for name in names])
    lines = alt.layer(*_lines(alt.Chart(rows(points)), colour, dashes))
    return plot(f"{dataset}: best of k is at least", _words(points), lines, 220)


def _rate_points(curves: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for stage, own in curves.items():
        for name in SCORE_COLOURS:
            intervals = (own.get("ci95") or {}).get(name) or [None] * len(own["k"])
            for k, share, ends in zip(own["k"], own.get(name, ()), intervals, strict=False):
                low, high = ends or (share, share)
                yield {
                    "stage": stage,
                    "curve": name,
                    "k": k,
                    "share": share,
                    "low": low,
                    "high": high,
                }


def _lines(chart: alt.Chart, colour: alt.Color, dashes: _Dashes) -> Iterator[alt.Chart]:
    """Lines, one kind of dash a stage."""
    dash = alt.StrokeDash(
        "stage:N",
        scale=alt.Scale(domain=list(dashes), range=list(dashes.values())),
        legend=None,
    )
    tooltip = ["stage:N", "curve:N", "k:Q", alt.Tooltip("share:Q", format=".3f")]
    encoded = chart.encode(x=_k_axis(), y=alt.Y("share:Q", title=None), color=colour)
    yield encoded.mark_line(strokeWidth=2).encode(strokeDash=dash)
    yield encoded.mark_point(filled=True, size=28, opacity=1).encode(tooltip=tooltip)


def _k_axis() -> alt.X:
    return alt.X("k:Q", scale=alt.Scale(type="log", base=2), title="k").axis(format="d")


def _colour(names: Sequence[str], colours: Sequence[str]) -> alt.Color:
    return alt.Color(
        "curve:N",
        scale=alt.Scale(domain=list(names), range=list(colours)),
        legend=None,
    )


def _words(points: Sequence[Mapping[str, Any]]) -> str:
    """The ends of each curve."""
    last = {(point["stage"], point["curve"]): point for point in points}
    return "; ".join(
        f"{stage}, {curve}: {number_text(point['share'])} at k {point['k']}"
        for (stage, curve), point in last.items()
    )
