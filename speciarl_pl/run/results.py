"""results.json and results.base.json: what they hold, how they are written, read and checked."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from torch import Tensor

from speciarl_pl.errors import RunError
from speciarl_pl.metrics.functional import (
    OUTCOME_LABELS,
    Summary,
    counted,
    group_averages,
    macro_average,
    macro_intervals,
)
from speciarl_pl.system.files import read_json, write_json

NAME: Final = "results.json"
"""The file in a run directory: the last validation, of the trained model or by `validate`."""

BASE_NAME: Final = "results.base.json"
"""That of the base before training."""

SCHEMA: Final = 1
"""Version of their form."""

RATES: Final = ("specificity", "correctness", "hm", "abstain_rate", "wrong_rate")
"""The values of a data set that the tables show."""

COMPARED: Final = RATES[:3]
"""Those that are compared: in which more is better."""

HELP: Final = "make it anew: python -m speciarl_pl validate --config CONFIG --run_dir DIR"
"""What helps against a results.json that cannot be used."""


@dataclass(frozen=True, slots=True)
class Results:
    """The numbers of one stage of a run."""

    path: Path
    """The file."""
    datasets: Mapping[str, Mapping[str, Any]]
    """By name of the data set: what the metrics' `Summary` holds."""
    macro: Mapping[str, Any]
    """Means over the data sets; empty if the file has none."""
    groups: Mapping[str, Mapping[str, Any]]
    """Means over named groups of data sets, such as `fine_grained`; empty if there is none."""
    step: int | None = None
    """Training batches before it was validated; None where the file does not say."""
    last_step: int | None = None
    """Training batches when its training ended; None where the file does not say."""


def results_json(
    results: Mapping[str, Summary],
    groups: Mapping[str, str | None] = MappingProxyType({}),
    codes: Mapping[str, Tensor] | None = None,
    step: int | None = None,
) -> dict[str, Any]:
    """The content of results.json.

    Args:
        results: Counts, rates and intervals by data set.
        groups: Group of each data set; see `group_averages`.
        codes: Outcomes by data set and image, for the intervals of the means.
        step: Training batches before the validation; None where they are not known.
    """
    names = counted(results)
    left_out = [name for name in results if name not in names]
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "step": step,
        "datasets": {name: dict(summary) for name, summary in results.items()},
        "macro": {"datasets": names, **macro_average(results)},
    }
    if left_out:
        content["macro"]["left_out"] = left_out
    if codes:
        content["macro"]["ci95"] = macro_intervals({name: codes[name] for name in names})
    means = group_averages(results, groups, codes or None)
    return {**content, "groups": means} if means else content


def note_last_step(folder: Path, last: int) -> None:
    """Let results.json, if there is one, say after how many training batches the training ended."""
    if content := read_json(folder / NAME):
        write_json(folder / NAME, {**content, "last_step": last})


def read_results(path: Path) -> Results:
    """Read a results.json.

    Raises:
        RunError: If it is absent, unreadable, no JSON, of another schema or without data sets.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "results.json")
        ...     _ = path.write_text('{"schema": 2}')
        ...     try:
        ...         read_results(path)
        ...     except RunError as error:
        ...         print(str(error).partition(": ")[2].partition(";")[0])
        schema: expected 1, got 2
    """
    content = _content(path)
    if not isinstance(content, dict):
        raise _refused(path, f"expected a JSON object, got a {type(content).__name__}")
    if content.get("schema") != SCHEMA:
        raise _refused(path, f"schema: expected {SCHEMA}, got {content.get('schema')!r}")
    datasets = _objects(path, content, "datasets")
    if not datasets:
        raise _refused(path, "datasets: expected at least one data set, got none")
    for name, result in datasets.items():
        _check_dataset(path, f"datasets.{name}", result)
    groups = _objects(path, content, "groups")
    macro = content.get("macro") or {}
    for name, means in {"macro": macro, **{f"groups.{n}": g for n, g in groups.items()}}.items():
        _check_rates(path, name, means)
    steps = [_step(path, content, name) for name in ("step", "last_step")]
    return Results(path, datasets, macro, groups, *steps)


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:  # no JSON, or no UTF-8
        raise _refused(path, f"not JSON ({error})") from error


def _step(path: Path, content: Mapping[str, Any], name: str) -> int | None:
    value = content.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise _refused(path, f"{name}: expected an int >= 0 or null, got {value!r}")
    return value


def _objects(path: Path, content: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
    value = content.get(key) or {}
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise _refused(path, f"{key}: expected an object of objects")
    return value


def _check_dataset(path: Path, place: str, result: Mapping[str, Any]) -> None:
    counts = result.get("counts")
    if not isinstance(counts, dict) or not all(
        isinstance(n, int) and n >= 0 for n in counts.values()
    ):
        raise _refused(path, f"{place}.counts: expected a number of answers by category")
    if unknown := counts.keys() - set(OUTCOME_LABELS):
        raise _refused(path, f"{place}.counts: unknown category {sorted(unknown)[0]!r}")
    _check_rates(path, place, result)
    if "best_of_k" in result:
        _check_curves(path, f"{place}.best_of_k", result["best_of_k"])


def _check_rates(path: Path, place: str, rates: Any) -> None:
    if not isinstance(rates, dict):
        raise _refused(path, f"{place}: expected an object, got a {type(rates).__name__}")
    for name in RATES:
        if not _is_number(value := rates.get(name)):
            raise _refused(path, f"{place}.{name}: expected a number or null, got {value!r}")
    intervals = rates.get("ci95") or {}
    if not isinstance(intervals, dict) or not all(map(_is_interval, intervals.values())):
        raise _refused(path, f"{place}.ci95: expected [low, high] or null by value")


def _check_curves(path: Path, place: str, curves: Any) -> None:
    ks = curves.get("k") if isinstance(curves, dict) else None
    if not isinstance(ks, list) or not isinstance(curves.get("reached"), dict):
        raise _refused(path, f"{place}: expected the lists k and reached")
    lists = [*curves["reached"].values(), *(curves[n] for n in RATES[:3] if n in curves)]
    if not all(isinstance(each, list) and len(each) == len(ks) for each in lists):
        raise _refused(path, f"{place}: expected lists of {len(ks)} values, one for each k")


def _is_number(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_interval(value: Any) -> bool:
    return value is None or (
        isinstance(value, list)
        and len(value) == 2
        and all(each is not None and _is_number(each) for each in value)
    )


def _refused(path: Path, found: str) -> RunError:
    return RunError(f"{path}: {found}; {HELP}")
