"""report.html: one file that needs no network."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from speciarl_pl.report.bars import category_bars
from speciarl_pl.report.best_of_k import SCORE_COLOURS, best_of_k_plots, stage_dashes
from speciarl_pl.report.compare import COMPARED, Comparison, compare_stages
from speciarl_pl.report.gallery import Card, gallery
from speciarl_pl.report.measures import measures
from speciarl_pl.report.palette import stage_colours
from speciarl_pl.report.plane import plane, scope_shapes
from speciarl_pl.report.plot import library
from speciarl_pl.report.published import NOTE, PUBLISHED
from speciarl_pl.report.read import Run
from speciarl_pl.report.remarks import remarks, skipped
from speciarl_pl.report.stages import Stage, base_pairs, datasets_of, stages_of
from speciarl_pl.report.table import (
    LABELS,
    Row,
    headline_rows,
    numbers_csv,
)
from speciarl_pl.report.templates import estimate_text, render, script
from speciarl_pl.report.thumbnails import pictures
from speciarl_pl.report.training import run_colours, training_plots

_GROUPS = {
    "fine_grained": "Fine-grained: mean of Flowers-102, Food-101 and Oxford Pets",
    "very_fine_grained": "Very fine-grained: mean of Stanford Cars and FGVC-Aircraft",
}


def html_report(runs: Sequence[Run], images: int = 200) -> str:
    """Write the page of some runs.

    Args:
        runs: As of `read_runs`.
        images: How many images the gallery shows at most.

    Returns:
        The HTML document.

    Raises:
        RunError: If the rollouts of a run cannot be read.
    """
    stages = stages_of(runs)
    rows = headline_rows(stages)
    comparisons = compare_stages(stages)
    cards = gallery(stages, pictures([run.thumbnails for run in runs]), images)
    return render(
        "page.html.jinja",
        [library(), script("plots.js.jinja"), script("gallery.js.jinja")],
        title=f"Report: {', '.join(run.name for run in runs)}",
        subtitle=_subtitle(stages),
        tiles=_tiles(rows, len(runs) == 1),
        **_numbers(stages, rows, comparisons),
        **_plots(runs, stages, rows),
        **_gallery(stages, cards),
        configs={run.name: run.config for run in runs if run.config},
    )


def _subtitle(stages: Sequence[Stage]) -> str:
    names = datasets_of(stages)
    models = f"{len(stages)} model{'s' if len(stages) > 1 else ''}"
    return f"{models} on {len(names)} data set{'s' if len(names) > 1 else ''}: {', '.join(names)}"


def _tiles(rows: Sequence[Row], one_run: bool) -> list[dict[str, str]]:
    """What counts most: of one run all rates, base to trained; of several the HM of each.

    It is the mean over all data sets, if there are several.
    """
    last = [row for row in rows if (row.kind, row.group) == (rows[-1].kind, rows[-1].group)]
    if rows[-1].kind == "dataset":
        last = [row for row in last if row.scope == rows[-1].scope]
    if not one_run:
        return [
            {"figure": estimate_text(row.values["hm"]), "words": f"HM of {row.stage}, {row.scope}"}
            for row in last
        ]
    return [
        {
            "figure": " \u2192 ".join(estimate_text(row.values[name]) for row in last),
            "words": f"{LABELS[name]}, {rows[-1].scope}",
        }
        for name in COMPARED
    ]


def _numbers(
    stages: Sequence[Stage], rows: Sequence[Row], comparisons: Sequence[Comparison]
) -> dict[str, Any]:
    scopes = list(dict.fromkeys(row.scope for row in rows))
    more = measures(stages)
    return {
        "labels": LABELS,
        "compared": COMPARED,
        "table": [(scope, [row for row in rows if row.scope == scope]) for scope in scopes],
        "remarks": remarks({stage.name: stage.results.datasets for stage in stages}),
        "unread": _unread(stages),
        "measures": more,
        "measured": [
            (name, stage.name)
            for name in datasets_of(stages)
            for stage in stages
            if any((name, stage.name) in values for values in more.values())
        ],
        "comparisons": comparisons,
        "paper": [(title, _beside_the_paper(name, rows)) for name, title in _GROUPS.items()],
        "published_note": NOTE,
        "numbers_json": json.dumps(_numbers_json(stages), indent=1, ensure_ascii=False),
        "numbers_csv": numbers_csv(rows),
    }


def _unread(stages: Sequence[Stage]) -> dict[str, list[str]]:
    """By stage and data set: the images that could not be read, as far as they are named."""
    found = {}
    for stage in stages:
        for name, summary in stage.results.datasets.items():
            named = [one["reason"] for one in summary.get("skipped", {}).get("samples", ())]
            if more := skipped(summary) - len(named):
                named.append(f"and {more} more")
            if named:
                found[f"{name}, {stage.name}"] = named
    return found


def _beside_the_paper(group: str, rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "measured": [row for row in rows if row.group == group],
        "published": [row for row in PUBLISHED if row.group == group],
    }


def _numbers_json(stages: Sequence[Stage]) -> Mapping[str, Any]:
    """The content of all results.json, by stage."""
    return {
        stage.name: {
            "datasets": stage.results.datasets,
            "macro": stage.results.macro,
            "groups": stage.results.groups,
        }
        for stage in stages
    }


def _plots(runs: Sequence[Run], stages: Sequence[Stage], rows: Sequence[Row]) -> dict[str, Any]:
    colours = stage_colours(stages)
    return {
        "colours": colours,
        "plane": plane(rows, colours, [(a.name, b.name) for a, b in base_pairs(stages)]),
        "bars": category_bars(stages),
        "shapes": scope_shapes(row.scope for row in rows),
        "best_of_k": best_of_k_plots(stages),
        "score_colours": SCORE_COLOURS,
        "dashes": stage_dashes(colours),
        "run_colours": run_colours(runs),
        "training": training_plots(runs),
    }


def _gallery(stages: Sequence[Stage], cards: Sequence[Card]) -> dict[str, Any]:
    seen = {stage.name: stage.rollouts.codes for stage in stages if stage.rollouts}
    total = len({key for codes in seen.values() for key in codes})
    return {
        "cards": cards,
        "sides": list(seen),
        "datasets": list(dict.fromkeys(card.dataset for card in cards)),
        "gallery_note": f"{len(cards):,} of {total:,} images.",
    }
