"""Training curves out of metrics.csv."""

import csv
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

from speciarl_pl.errors import RunError

Curve: TypeAlias = Sequence[tuple[float, float]]
"""Step and value, in order of steps."""

MAX_POINTS: Final = 300
"""A longer curve is shown by the means of as many equal parts."""


def read_curves(path: Path) -> dict[str, list[tuple[float, float]]]:
    r"""Read all columns that hold numbers.

    Raises:
        RunError: If the file is not a table of metrics by step.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "metrics.csv")
        ...     _ = path.write_text("step,kl,reward\n0,,0.5\n1,0.1,nan\n")
        ...     read_curves(path)
        {'reward': [(0.0, 0.5)], 'kl': [(1.0, 0.1)]}
    """
    curves: dict[str, list[tuple[float, float]]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                step = float(row.pop("step"))
                for name, value in row.items():
                    if value and math.isfinite(number := float(value)):
                        curves.setdefault(name, []).append((step, number))
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise RunError(
            f"{path}: not a table of metrics by step ({type(error).__name__}: {error}); move it "
            "away for a report without training curves"
        ) from error
    return {name: sorted(curve) for name, curve in curves.items()}


def thinned(curve: Curve, points: int = MAX_POINTS) -> Curve:
    """A curve of at most `points` points, each the mean of a part.

    Example:
        >>> thinned([(0, 1.0), (1, 3.0), (2, 5.0), (3, 7.0)], 2)
        [(0.5, 2.0), (2.5, 6.0)]
    """
    if len(curve) <= points:
        return curve
    edges = [len(curve) * part // points for part in range(points + 1)]
    parts = [curve[low:high] for low, high in pairwise(edges)]
    return [(_mean([x for x, _ in part]), _mean([y for _, y in part])) for part in parts]


def column_values(curves: Mapping[str, Curve], name: str) -> Curve:
    """One curve, thinned; empty if it was not logged."""
    return thinned(curves.get(name, ()))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
