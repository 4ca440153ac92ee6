"""What is logged of a training step: one row, of what this step computed alone."""

from collections.abc import Mapping
from typing import Final

import lightning as L

_LIVE: Final = ("reward", "specificity", "correctness")
"""What the progress bar shows."""


class StepLog:
    """Gathers the values of a step and hands them to the loggers as one row.

    Lightning's own `log` gives a value again at every later step that has none, so that a step
    without an update would seem to have had the gradient of the one before.
    """

    def __init__(self) -> None:
        self._row: dict[str, float] = {}
        self._step: int | None = None

    def add(self, module: L.LightningModule, values: Mapping[str, float]) -> None:
        """Add values to the row; the progress bar and callbacks that monitor see them at once."""
        self._row |= values
        for name, value in values.items():
            module.log(name, value, prog_bar=name in _LIVE, logger=False)

    def end(self, step: int) -> None:
        """Say that the row is whole.

        Args:
            step: Training batches before this one.
        """
        self._step = step

    def write(self, module: L.LightningModule, every: int) -> None:
        """Hand a whole row to the loggers, once, if its step ends a span of `every`."""
        if self._step is None:
            return
        row, self._row = {**self._row, "epoch": module.current_epoch}, {}
        step, self._step = self._step, None
        if (step + 1) % max(every, 1) == 0:
            for logger in module.loggers:
                logger.log_metrics(row, step=step)
