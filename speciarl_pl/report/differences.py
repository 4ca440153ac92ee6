"""In which settings runs differ, and which of those make their numbers no like for like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from speciarl_pl.report.facts import PROMPT_TEXT, facts
from speciarl_pl.report.stages import Stage
from speciarl_pl.run.config_yaml import about, is_aside, parse_settings
from speciarl_pl.run.read import Run
from speciarl_pl.system.display import NOTHING

_FROM_RECORD: Final = ("checkpoint", PROMPT_TEXT, "machine", "versions")
_UNKNOWN: Final = "settings not known"
_OTHER: Final = {"judge": "other judges", "prompt": "other prompts", "data": "other data"}
_SAY_ALONE: Final = ("data.judge", "data.prompt")
_MOST: Final = 4
_Rows: TypeAlias = Mapping[str, Mapping[str, str]]
"""By name of the setting: by name of the run its value."""

Cautions: TypeAlias = Mapping[tuple[str, str], Sequence[str]]
"""By names of two stages: in what they differ that has to be alike."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What several runs do not share."""

    values: _Rows
    """By name of the setting: by name of the run its value, `NOTHING` where there is none."""
    warnings: Sequence[str]
    """What keeps the numbers of the runs from being compared; one line each."""
    topics: _Rows
    """By topic that has to be alike: by name of the run something that is equal where it is."""

    def cautions(self, a: Stage, b: Stage) -> list[str]:
        """Topics in which two stages differ; none if a run has both.

        Args:
            a: A stage.
            b: Another.
        """
        if set(a.runs) & set(b.runs):
            return []
        pairs = [(x, y) for x in a.runs for y in b.runs]
        return [
            topic
            for topic, values in self.topics.items()
            if any(values.get(x) != values.get(y) for x, y in pairs)
        ]

    def by_pair(self, stages: Sequence[Stage]) -> Cautions:
        """`cautions` of any two stages."""
        return {(a.name, b.name): self.cautions(a, b) for a in stages for b in stages}


def differences(runs: Sequence[Run]) -> Differences:
    """Compare the settings of several runs.

    Args:
        runs: As of `read_runs`.
    """
    found = {run.name: _all_settings(run) for run in runs}
    unknown = [run.name for run in runs if not parse_settings(run.config_text or "")]
    known = {name: settings for name, settings in found.items() if name not in unknown}
    names = dict.fromkeys(name for settings in known.values() for name in settings)
    values = {
        name: {run: settings.get(name, NOTHING) for run, settings in known.items()}
        for name in names
        if not is_aside(name)
    }
    differing = {name: row for name, row in values.items() if len(set(row.values())) > 1}
    topics = _topics(differing)
    warnings = [_warning(topic, own, list(known)) for topic, own in topics.items()]
    as_one = {topic: _joined(own) for topic, own in topics.items()}
    if unknown and len(runs) > 1:
        warnings += [_unknown(name) for name in unknown]
        as_one[_UNKNOWN] = {run.name: run.name if run.name in unknown else "" for run in runs}
    return Differences(differing, warnings, as_one)


def _all_settings(run: Run) -> dict[str, str]:
    settings = parse_settings(run.config_text or "")
    noted = facts(run)
    if run.sessions and run.sessions[-1].checkpoint:
        noted["checkpoint"] = run.sessions[-1].checkpoint
    return settings | {name: noted[name] for name in _FROM_RECORD if name in noted}


def _topics(differing: _Rows) -> dict[str, dict[str, Mapping[str, str]]]:
    """The differing settings of each topic, by their name.

    Those of a data set that not all have are left out: numbers are compared on shared ones.
    """
    alone = [
        name
        for name, row in differing.items()
        if about(name) == "data" and ".init_args" not in name and NOTHING in row.values()
    ]
    topics: dict[str, dict[str, Mapping[str, str]]] = {}
    for name, row in differing.items():
        topic = about(name)
        if topic and not any(name == one or name.startswith(f"{one}.") for one in alone):
            topics.setdefault(topic, {})[name] = row
    return topics


def _joined(rows: _Rows) -> dict[str, str]:
    """All values of a run in one string."""
    runs = next(iter(rows.values()))
    return {run: "\n".join(row[run] for row in rows.values()) for run in runs}


def _warning(topic: str, rows: _Rows, runs: Sequence[str]) -> str:
    named = "; ".join(f"{run}: {_few(rows, run)}" for run in runs)
    return (
        f"Not like for like: {_OTHER.get(topic, topic)} ({named}). What differs may be due to "
        "that, not to the models."
    )


def _few(rows: _Rows, run: str) -> str:
    """The values of a run, the name of a class or prompt without that of the setting."""
    parts = [
        row[run] if name in _SAY_ALONE else f"{name.rpartition('.')[2]} {row[run]}"
        for name, row in rows.items()
        if row[run] != NOTHING and name != PROMPT_TEXT
    ]
    if not parts:
        return "another text" if PROMPT_TEXT in rows else NOTHING
    more = f" and {len(parts) - _MOST} more" if len(parts) > _MOST else ""
    return ", ".join(parts[:_MOST]) + more


def _unknown(name: str) -> str:
    return (
        f"The settings of {name} are not known (no config.yaml that can be read): judge, prompt "
        "and data may differ from those of the others."
    )
