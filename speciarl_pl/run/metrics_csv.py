"""metrics.csv: one row a step, also after a resume."""

import csv
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeAlias

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from speciarl_pl.errors import RunError
from speciarl_pl.system.files import replacing

NAME: Final = "metrics.csv"
"""The file in a run directory."""


class MetricsCSV(Logger):
    """Logs to one CSV file in which a step has one row, whoever logs to it.

    Lightning's own `CSVLogger` gives training and validation values of a step a row each, and
    deletes the rows of the run that is resumed.

    Args:
        directory: Run directory.
        flush_every: Steps between writes; the file is also written when the run ends.

    Raises:
        RunError: If the directory holds a metrics.csv of something else.
    """

    def __init__(self, directory: str | Path, flush_every: int = 10) -> None:
        super().__init__()
        self._path = Path(directory, NAME)
        self._flush_every = flush_every
        self._rows = _read(self._path) if self._path.exists() else {}
        self._unwritten = 0

    @property
    def name(self) -> str:
        """Empty: the file lies in the run directory itself."""
        return ""

    @property
    def version(self) -> str:
        """Empty: the file lies in the run directory itself."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run directory."""
        return str(self._path.parent)

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: config.yaml has them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Put `metrics` into the row of `step`."""
        assert step is not None
        self._rows.setdefault(step, {"step": step}).update(metrics)
        self._unwritten += 1
        if self._unwritten >= self._flush_every:
            self.save()

    @rank_zero_only
    def drop_from(self, step: int) -> None:
        """Forget the rows of `step` and later, which a resumed run does anew."""
        kept = {one: row for one, row in self._rows.items() if one < step}
        self._unwritten += len(self._rows) - len(kept)
        self._rows = kept
        self.save()

    @rank_zero_only
    def save(self) -> None:
        """Write the file."""
        if not self._unwritten:
            return
        names = {name: None for row in self._rows.values() for name in row}
        with replacing(self._path) as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["step", *sorted(n for n in names if n != "step")])
            writer.writeheader()
            writer.writerows(self._rows[step] for step in sorted(self._rows))
        self._unwritten = 0

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is not written yet."""
        self.save()


def _read(path: Path) -> dict[int, dict[str, Any]]:
    """Rows by step."""
    with path.open(newline="", encoding="utf-8") as file:
        try:
            return {int(row["step"]): row for row in csv.DictReader(file)}
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{path}: not a table of metrics by step ({type(error).__name__}: {error}); move "
                "it away or choose another --run_dir"
            ) from error


# Training curves out of metrics.csv.


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
