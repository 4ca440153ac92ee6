"""Training curves: a small plot for each value that a run logged."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from speciarl_pl.report.plots.palette import VERDICT_COLOURS, run_colour
from speciarl_pl.report.plots.plot import Plot, plot, rows
from speciarl_pl.run.metrics_csv import Curve, column_values
from speciarl_pl.run.read import Run

_PANELS: Final = {
    "reward": "Reward (mean of a step)",
    "hm": "HM of the rollouts",
    "specificity": "Specificity of the rollouts",
    "correctness": "Correctness of the rollouts",
    "length/mean": "Length (tokens)",
    "length/cut_share": "Share cut at the longest length",
    "entropy": "Entropy (nats a token)",
    "kl": "KL to the base (nats a token)",
    "sync/gap_mean": "Parity gap of engine and trainer (nats a token)",
    "judge/cached_share": "Judge: verdicts from the store",
    "judge/llm_share": "Judge: verdicts of an LLM",
    "categories/unjudged": "Share left unjudged",
    "signal_share": "Groups with signal",
    "grad_norm": "Norm of the gradient",
}
_NONE_BUT_ZERO: Final = (
    "length/cut_share",
    "categories/unjudged",
    "judge/cached_share",
    "judge/llm_share",
)
_SMOOTHED: Final = 40  # points from which a moving mean helps
_HEIGHT: Final = 150


def training_plots(runs: Sequence[Run]) -> list[Plot]:
    """Draw the category shares of each run, then one plot a value with a line a run."""
    trained = [run for run in runs if run.curves.get("reward")]
    shares = [_categories(run, len(trained) > 1) for run in trained]
    colours = run_colours(runs)
    panels = [_panel(name, title, trained, colours) for name, title in _PANELS.items()]
    return [each for each in (*panels[:1], *shares, *panels[1:]) if each]


def run_colours(runs: Sequence[Run]) -> dict[str, str]:
    """Colour of the line of each run that was trained: the same that its model has elsewhere."""
    return {
        run.name: run_colour(place) for place, run in enumerate(runs) if run.curves.get("reward")
    }


def _panel(name: str, title: str, runs: Sequence[Run], colours: Mapping[str, str]) -> Plot | None:
    curves = {run.name: column_values(run.curves, name) for run in runs}
    points = [
        {"run": run, "step": step, "value": value}
        for run, curve in curves.items()
        for step, value in curve
    ]
    if not points or (name in _NONE_BUT_ZERO and not any(point["value"] for point in points)):
        return None
    chart = alt.Chart(rows(points)).encode(
        x=alt.X("step:Q", title="step").axis(tickMinStep=1, tickCount=6),
        color=alt.Color(
            "run:N",
            scale=alt.Scale(domain=list(colours), range=list(colours.values())),
            legend=None,
        ),
    )
    return plot(title, _words(curves), _lined(chart, max(map(len, curves.values()))), _HEIGHT)


def _lined(chart: alt.Chart, points: int) -> Any:
    """A line; of many points pale, with its moving mean on top."""
    tooltip = ["run:N", "step:Q", alt.Tooltip("value:Q", format=".4g")]
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))
    line = chart.mark_line(strokeWidth=1.5, point=points < _SMOOTHED).encode(y, tooltip=tooltip)
    if points < _SMOOTHED:
        return line
    reach = points // 20
    smooth = (
        chart.mark_line(strokeWidth=2)
        .encode(alt.Y("smooth:Q", title=None))
        .transform_window(
            smooth="mean(value)",
            frame=[-reach, reach],
            groupby=["run"],
            sort=[alt.SortField("step")],
        )
    )
    return alt.layer(line.mark_line(strokeWidth=1, opacity=0.35), smooth)


def _categories(run: Run, named: bool) -> Plot | None:
    shares = {
        verdict: column_values(run.curves, f"categories/{verdict.replace(' ', '_')}")
        for verdict in VERDICT_COLOURS
    }
    points: list[dict[str, Any]] = [
        {"verdict": verdict, "order": place, "step": step, "share": share}
        for place, (verdict, curve) in enumerate(shares.items())
        for step, share in curve
    ]
    if not points:
        return None
    chart = (
        alt.Chart(rows(points))
        .mark_area()
        .encode(
            x=alt.X("step:Q", title="step").axis(tickMinStep=1, tickCount=6),
            y=alt.Y("share:Q", title=None, stack="zero", scale=alt.Scale(domain=[0, 1])).axis(
                format="%"
            ),
            color=alt.Color(
                "verdict:N",
                legend=None,
                scale=alt.Scale(domain=list(VERDICT_COLOURS), range=list(VERDICT_COLOURS.values())),
            ),
            order="order:Q",
            tooltip=["verdict:N", "step:Q", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    title = f"Categories of the rollouts: {run.name}" if named else "Categories of the rollouts"
    return plot(title, _words(shares), chart, _HEIGHT)


def _words(curves: Mapping[str, Curve]) -> str:
    """First and last value of each curve."""
    return "; ".join(
        f"{name}: from {curve[0][1]:.3g} at step {curve[0][0]:g} to {curve[-1][1]:.3g} at step "
        f"{curve[-1][0]:g}"
        for name, curve in curves.items()
        if curve
    )
