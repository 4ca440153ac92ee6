"""report.html: one file that needs no network."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from speciarl_pl.report.compare import Comparison, compare_stages
from speciarl_pl.report.differences import differences
from speciarl_pl.report.facts import PROMPT_TEXT, facts
from speciarl_pl.report.gallery import Card, gallery
from speciarl_pl.report.headline_table import (
    LABELS,
    Row,
    headline_rows,
    measured_groups,
    measures,
    numbers_csv,
)
from speciarl_pl.report.paper_rows import NOTE, PUBLISHED, Published
from speciarl_pl.report.plots.bars import category_bars
from speciarl_pl.report.plots.best_of_k_curves import SCORE_COLOURS, best_of_k_plots, stage_dashes
from speciarl_pl.report.plots.palette import stage_colours
from speciarl_pl.report.plots.plane import plane
from speciarl_pl.report.plots.plane_marks import Look, scope_shapes
from speciarl_pl.report.plots.plot import library
from speciarl_pl.report.plots.training import run_colours, training_plots
from speciarl_pl.report.remarks import remarks, skipped
from speciarl_pl.report.stages import Stage, base_pairs, datasets_of, stages_of
from speciarl_pl.report.templates import render, script
from speciarl_pl.run.config_yaml import about
from speciarl_pl.run.read import Run, read_runs
from speciarl_pl.run.results import COMPARED
from speciarl_pl.run.thumbnails import pictures
from speciarl_pl.system.display import number_text
from speciarl_pl.system.files import replacing

_SCRIPTS = ("plots.js.jinja", "tables.js.jinja", "gallery.js.jinja")
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
        [library(), *map(script, _SCRIPTS)],
        title=f"Report: {', '.join(run.name for run in runs)}",
        subtitle=_subtitle(runs, stages),
        **_ran(runs, stages),
        tiles=_tiles(rows, len(runs) == 1),
        **_numbers(stages, rows, comparisons),
        **_plots(runs, stages, rows),
        **_gallery(stages, cards),
        configs={run.name: run.config for run in runs if run.config},
    )


def _subtitle(runs: Sequence[Run], stages: Sequence[Stage]) -> str:
    """Model and prompt, where all runs have the same, and what was validated on what."""
    names = datasets_of(stages)
    models = f"{len(stages)} model{'s' if len(stages) > 1 else ''}"
    on = f"{models} on {len(names)} data set{'s' if len(names) > 1 else ''}: {', '.join(names)}"
    known = [facts(run) for run in runs]
    alike = [
        f"{label} {known[0][label]}"
        for label in ("base", "prompt")
        if label in known[0] and all(own.get(label) == known[0][label] for own in known)
    ]
    words = ", ".join(alike)
    return f"{words[0].upper()}{words[1:]}. {on}" if words else on


def _ran(runs: Sequence[Run], stages: Sequence[Stage]) -> dict[str, Any]:
    """What ran, and of several runs in what they differ."""
    found = {run.name: facts(run) for run in runs}
    labels = dict.fromkeys(label for own in found.values() for label in own)
    prompts: dict[str, list[str]] = {}
    for name, own in found.items():
        if PROMPT_TEXT in own:
            prompts.setdefault(own[PROMPT_TEXT], []).append(name)
    differing = differences(runs)
    return {
        "facts": found,
        "fact_labels": [label for label in _settings_first(labels) if label != PROMPT_TEXT],
        "fact_rows": {k: v for k, v in found[runs[0].name].items() if k != PROMPT_TEXT},
        "prompts": {", ".join(names): text for text, names in prompts.items()},
        "warnings": differing.warnings,
        "differing": differing.values,
        "unfair": [name for name in differing.values if about(name)],
        "cautions": differing.by_pair(stages),
    }


def _settings_first(labels: Iterable[str]) -> list[str]:
    """That nothing is known of a run stands above what is known of others."""
    return sorted(labels, key=lambda label: label != "settings")


def _tiles(rows: Sequence[Row], one_run: bool) -> list[dict[str, str]]:
    """What counts most: of one run all rates, base to trained; of several the HM of each.

    It is the mean over all data sets, if there are several.
    """
    last = [row for row in rows if (row.kind, row.group) == (rows[-1].kind, rows[-1].group)]
    if rows[-1].kind == "dataset":
        last = [row for row in last if row.scope == rows[-1].scope]
    if not one_run:
        return [
            {
                "figure": number_text(row.values["hm"].value),
                "words": f"HM of {row.stage}, {row.scope}",
            }
            for row in last
        ]
    return [
        {
            "figure": " \u2192 ".join(number_text(row.values[name].value) for row in last),
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
        "paper": [
            (title, _beside_the_paper(name, rows))
            for name, title in _GROUPS.items()
            if name in measured_groups(rows)
        ],
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


def _published(rows: Sequence[Row]) -> list[Published]:
    return [row for row in PUBLISHED if row.group in measured_groups(rows)]


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
    look = Look(colours, [stage.name for stage in stages if stage.is_base])
    links = [(a.name, b.name) for a, b in base_pairs(stages)]
    return {
        "colours": colours,
        "hollow": look.hollow,
        "plane": plane(rows, look, links, _published(rows)),
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


def write_report(
    runs: Sequence[Path], out: Path, names: Sequence[str] | None = None, images: int = 200
) -> None:
    """Write one self-contained page about one run, or about several side by side.

    Args:
        runs: Run directories, or results.json files, of which only the numbers are shown.
        out: Where to.
        names: What to call the runs; None: the names of their directories.
        images: How many images the gallery shows at most.

    Raises:
        ValueError: If `runs` is empty, or `names` do not fit.
        RunError: If a run cannot be read or the page cannot be written.
    """
    page = html_report(read_runs(runs, names), images)
    with replacing(out) as part:
        part.write_text(page, encoding="utf-8")
