"""A run as its directory holds it."""

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml

from speciarl_pl.errors import RunError
from speciarl_pl.run.config_yaml import NAME as CONFIG
from speciarl_pl.run.config_yaml import config_text, cut
from speciarl_pl.run.metrics_csv import NAME as METRICS
from speciarl_pl.run.metrics_csv import Curve, read_curves
from speciarl_pl.run.record import Session, read_record
from speciarl_pl.run.results import BASE_NAME, HELP, Results, read_results
from speciarl_pl.run.results import NAME as RESULTS
from speciarl_pl.run.rollouts import NAME as ROLLOUTS
from speciarl_pl.run.rollouts import ImageKey
from speciarl_pl.run.stage_rollouts import Rollouts, StageName, read_rollouts
from speciarl_pl.run.thumbnails import NAME as THUMBNAILS
from speciarl_pl.run.thumbnails import read_thumbnails
from speciarl_pl.system.file_names import printable

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[_T-].*")


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left; what it did not leave is empty."""

    name: str
    """What the report calls it."""
    path: Path
    """Its directory, or its results.json where only that is known."""
    results: Results
    """Of the trained model, or of the model that was validated."""
    base: Results | None
    """Of the base before training."""
    curves: Mapping[str, Curve]
    """By name as logged: values by step."""
    rollouts: Mapping[StageName, Rollouts]
    """Outcomes image by image."""
    thumbnails: Mapping[ImageKey, bytes]
    """JPEG files of some images."""
    config: str | None
    """Text of config.yaml, secrets hidden, as a page shows it."""
    config_text: str | None = None
    """The same, whole however long."""
    sessions: Sequence[Session] = ()
    """What run.json says of each start of the command; empty for older runs."""


def read_run(path: Path, name: str | None = None) -> Run:
    """Read a run.

    Args:
        path: A run directory; or a results.json, of which only the numbers are used.
        name: What to call it; None: the name of its directory.

    Raises:
        RunError: If there is no such run, or one of its files cannot be used.
    """
    if path.is_file():
        results = read_results(path)
        return Run(name or printable(path.stem), path, results, None, {}, {}, {}, None)
    if not path.is_dir():
        raise RunError(
            f"{path}: no such run; expected a run directory or a results.json, such as those under "
            "runs/ after python -m speciarl_pl fit or validate"
        )
    if not (path / RESULTS).exists():
        raise RunError(
            f"{path}: no {RESULTS} in it, which a run writes after its validation; {_help(path)}"
        )
    text = config_text(path / CONFIG)
    base, curves = path / BASE_NAME, path / METRICS
    rollouts, thumbnails = path / ROLLOUTS, path / THUMBNAILS
    return Run(
        name or _name(path),
        path,
        read_results(path / RESULTS),
        read_results(base) if base.exists() else None,
        read_curves(curves) if curves.exists() else {},
        read_rollouts(rollouts) if rollouts.exists() else {},
        read_thumbnails(thumbnails) if thumbnails.exists() else {},
        None if text is None else cut(text),
        text,
        read_record(path),
    )


def _help(path: Path) -> str:
    """What to do about a run without results: the command with which it goes on."""
    try:
        config = yaml.safe_load((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return HELP
    command = "validate" if "verbose" in config else "fit"
    words = ["python", "-m", "speciarl_pl", command, "--config", str(path / CONFIG)]
    words += ["--run_dir", str(path), *(("--ckpt_path", "last") if command == "fit" else ())]
    return f"if it was stopped, it goes on with: {shlex.join(words)}"


def read_runs(paths: Sequence[Path], names: Sequence[str] | None = None) -> list[Run]:
    """Read several runs and give each a name of its own.

    Args:
        paths: As of `read_run`.
        names: What to call them, in the same order; None: the names of their directories.

    Raises:
        ValueError: If there is no path, or `names` are not as many, or two are the same.
        RunError: If a run cannot be read, or one is named twice.
    """
    if not paths:
        raise ValueError("runs: expected at least one run directory, got none")
    if names is not None and (len(names) != len(paths) or len(set(names)) != len(names)):
        raise ValueError(
            f"names: expected {len(paths)} different names, one for each run, got "
            f"{', '.join(names)}"
        )
    twice = [path for path, n in Counter(path.resolve() for path in paths).items() if n > 1]
    if twice:
        raise RunError(f"{twice[0]}: named twice; name each run once")
    given: Sequence[str | None] = names or [None] * len(paths)
    runs = [read_run(path, name) for path, name in zip(paths, given, strict=True)]
    return [
        replace(run, name=name)
        for run, name in zip(runs, _distinct([run.name for run in runs]), strict=True)
    ]


def _name(path: Path) -> str:
    """Name of a directory; of `runs/quickstart/<time>` also that of the one above it."""
    path = path.resolve()
    name = f"{path.parent.name} {path.name}" if _TIME.fullmatch(path.name) else path.name
    return printable(name)


def _distinct(names: Sequence[str]) -> list[str]:
    """Number the names that occur more than once."""
    total, seen = Counter(names), Counter[str]()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(f"{name} ({seen[name]})" if total[name] > 1 else name)
    return distinct
