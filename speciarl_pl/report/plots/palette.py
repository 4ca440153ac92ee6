"""Colours that people with any colour vision tell apart, on light and on dark ground."""

from collections.abc import Sequence
from typing import Final

from speciarl_pl.report.stages import Stage

VERDICT_COLOURS: Final = {
    "wrong": "#d55e00",
    "unparsed": "#8f3f08",
    "abstain": "#9aa0a6",
    "generic": "#b3dbe6",
    "less specific": "#5fb0d4",
    "specific": "#2b79bd",
    "more specific": "#6a4fb3",
    "unjudged": "#d9d4c5",
}
"""By verdict, in the order of stacked bars: orange for wrong, grey for nothing said, and the more
exact, the deeper the blue. No page tells a verdict by its colour alone."""

BASE_COLOUR: Final = "#7f8790"
"""Of a base before training that all runs share; each of several has the colour of its run."""

RUN_COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Of the runs, in their order; after the last it begins anew (Okabe and Ito, 2008)."""


def stage_colours(stages: Sequence[Stage]) -> dict[str, str]:
    """Colour of each stage, by its name; marks and keys of bases are hollow beside."""
    bases = [stage for stage in stages if stage.is_base]
    finals = [stage for stage in stages if not stage.is_base]
    by_run = {stage.runs: run_colour(place) for place, stage in enumerate(finals)}
    return {
        stage.name: BASE_COLOUR if bases == [stage] else by_run.get(stage.runs, BASE_COLOUR)
        for stage in stages
    }


def run_colour(place: int) -> str:
    """Colour of the run at a place.

    Example:
        >>> run_colour(0) == run_colour(len(RUN_COLOURS))
        True
    """
    return RUN_COLOURS[place % len(RUN_COLOURS)]


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on `colour` (WCAG relative luminance).

    Example:
        >>> ink_on("#b3dbe6"), ink_on("#2b79bd")
        ('#000', '#fff')
    """
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000" if luminance > 0.25 else "#fff"
