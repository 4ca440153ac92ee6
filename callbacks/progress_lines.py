"""A line now and then of how far a run is, where no progress bar can say it."""

import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import lightning as L

from speciarl_pl.records import Batch
from speciarl_pl.system.terminal import duration, say

_SHOWN: Final = ("reward", "specificity", "correctness")
"""Numbers of a training line: means over the steps since the line before."""

_CLOCK: Callable[[], float] = time.monotonic


class ProgressLines(L.Callback):
    """Prints how far a run is, of its first batch and then at most every so many seconds.

    Only where no progress bar is to be seen: in a job, under nohup, behind a pipe, or where
    `trainer.enable_progress_bar` is false.

    Args:
        every_s: Seconds between two lines; 0: a line each batch; null: no lines.

    Raises:
        ValueError: If the argument is out of range.
    """

    def __init__(self, every_s: float | None = 30.0) -> None:
        if every_s is not None and not every_s >= 0:
            raise ValueError(f"every_s: expected a number >= 0 or null, got {every_s}")
        self.every_s = every_s
        self._sums: dict[str, list[float]] = {}
        self._batches = 0
        """Batches since the last line."""
        self._begun = 0.0
        """When the first of them began."""
        self._last_line = -math.inf

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Take the time before rollouts are drawn; this callback comes before their engine."""
        if not self._batches:
            self._begun = _CLOCK()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Count the batch, and print a line if it is time to."""
        if not self._speaks(trainer):
            return
        for name in _SHOWN:
            if (value := trainer.callback_metrics.get(name)) is not None:
                self._sums.setdefault(name, []).append(float(value))
        total = trainer.estimated_stepping_batches
        if self._due(pl_module.batches_trained >= total):
            means = {name: sum(values) / len(values) for name, values in self._sums.items()}
            say(training_line(pl_module.batches_trained, total, means, self._pace()), stderr=True)
            self._end_line()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to count anew: training and validation have a pace of their own."""
        self._end_line()
        self._begun = _CLOCK()

    on_predict_start = on_validation_start

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave what was counted of the validation."""
        self._end_line()
        self._last_line = -math.inf  # the next line need not wait

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count the batch, and print a line if it is time to."""
        if not self._speaks(trainer):
            return
        total = _batches_of_evaluation(trainer)
        if self._due(batch_idx + 1 >= total):
            what = "predicting" if trainer.predicting else "validating"
            say(evaluation_line(what, batch_idx + 1, total, self._pace()), stderr=True)
            self._end_line()
            self._begun = _CLOCK()

    on_predict_batch_end = on_validation_batch_end

    def _speaks(self, trainer: L.Trainer) -> bool:
        """Whether there is nothing else that shows how far the run is."""
        if self.every_s is None or not trainer.is_global_zero:
            return False
        return trainer.progress_bar_callback is None or not sys.stdout.isatty()

    def _due(self, last: bool) -> bool:
        self._batches += 1
        return last or _CLOCK() - self._last_line >= (self.every_s or 0.0)

    def _pace(self) -> float:
        """Seconds a batch."""
        return (_CLOCK() - self._begun) / self._batches

    def _end_line(self) -> None:
        self._sums, self._batches, self._last_line = {}, 0, _CLOCK()


def training_line(step: int, total: float, means: Mapping[str, float], pace_s: float) -> str:
    """How far a training is.

    Args:
        step: Training batches done.
        total: Of how many; infinite where nobody knows.
        means: Numbers by name; one that is not defined is left out.
        pace_s: Seconds a batch.

    Example:
        >>> training_line(40, 80, {"reward": 0.5, "correctness": 0.875}, 1.2)
        'step 40 of 80: reward 0.500, specificity -, correctness 0.875; 1.2 s a step, 48.0 s left'
        >>> training_line(80, 80, {"reward": 0.5}, 1.2)
        'step 80 of 80: reward 0.500, specificity -, correctness -; 1.2 s a step'
    """
    numbers = ", ".join(f"{name} {_number(means.get(name))}" for name in _SHOWN)
    known = f" of {total:.0f}" if math.isfinite(total) else ""
    return f"step {step}{known}: {numbers}; {_time(pace_s, total - step, 'step')}"


def evaluation_line(what: str, batch: int, total: float, pace_s: float) -> str:
    """How far a validation or prediction is.

    Example:
        >>> evaluation_line("validating", 3, 250, 30.0)
        'validating: batch 3 of 250; 30.0 s a batch, 2 h 3 min left'
    """
    known = f" of {total:.0f}" if math.isfinite(total) else ""
    return f"{what}: batch {batch}{known}; {_time(pace_s, total - batch, 'batch')}"


def _time(pace_s: float, left: float, unit: str) -> str:
    pace = f"{pace_s:.1f} s a {unit}" if pace_s >= 0.1 else f"{pace_s:.3f} s a {unit}"
    return f"{pace}, {duration(pace_s * left)} left" if 0 < left < math.inf else pace


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def _batches_of_evaluation(trainer: Any) -> float:
    if trainer.predicting:
        return float(sum(trainer.num_predict_batches))
    if trainer.sanity_checking:
        return float(sum(trainer.num_sanity_val_batches))
    return float(sum(trainer.num_val_batches))
