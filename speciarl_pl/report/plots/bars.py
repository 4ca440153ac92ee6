"""Stacked bars of the categories, one plot a data set, its stages below each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from speciarl_pl.report.plots.palette import VERDICT_COLOURS
from speciarl_pl.report.plots.plot import Plot, plot, rows
from speciarl_pl.report.stages import Stage, datasets_of


def category_bars(stages: Sequence[Stage]) -> list[Plot]:
    """Draw the shares of the categories of each data set; the page has the legend."""
    return [
        _bars(
            name,
            {
                stage.name: stage.results.datasets[name]["counts"]
                for stage in stages
                if name in stage.results.datasets
            },
        )
        for name in datasets_of(stages)
    ]


def _bars(dataset: str, counts: Mapping[str, Mapping[str, int]]) -> Plot:
    shares = [
        {
            "stage": stage,
            "verdict": verdict,
            "order": place,
            "answers": own.get(verdict, 0),
            "share": own.get(verdict, 0) / max(1, sum(own.values())),
        }
        for stage, own in counts.items()
        for place, verdict in enumerate(VERDICT_COLOURS)
        if own.get(verdict, 0)
    ]
    names = list(VERDICT_COLOURS)
    chart = (
        alt.Chart(rows(shares))
        .mark_bar(stroke="#ffffff", strokeWidth=0.6, cornerRadius=1)
        .encode(
            x=alt.X("share:Q", title=None, scale=alt.Scale(domain=[0, 1])).axis(format="%"),
            y=alt.Y("stage:N", sort=list(counts), title=None).axis(labelLimit=110),
            color=alt.Color(
                "verdict:N",
                legend=None,
                scale=alt.Scale(domain=names, range=list(VERDICT_COLOURS.values())),
            ),
            order="order:Q",
            tooltip=["stage:N", "verdict:N", "answers:Q", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    return plot(dataset, _words(shares), chart, 40 * max(1, len(counts)))


def _words(shares: Sequence[Mapping[str, Any]]) -> str:
    by_stage: dict[str, list[str]] = {}
    for each in shares:
        by_stage.setdefault(each["stage"], []).append(f"{each['verdict']} {each['share']:.1%}")
    return "; ".join(f"{stage}: {', '.join(parts)}" for stage, parts in by_stage.items())
