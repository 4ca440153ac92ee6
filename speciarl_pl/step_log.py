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

    def add(self, module: L.LightningModule, values: Mapping[str, float]) -> None:
        """Add values to the row; the progress bar and callbacks that monitor see them at once."""
        self._row |= values
        for name, value in values.items():
            module.log(name, value, prog_bar=name in _LIVE, logger=False)

    def write(self, module: L.LightningModule, step: int, every: int) -> None:
        """End the row, and hand it to the loggers if `step`, from 0, ends a span of `every`."""
        row, self._row = {**self._row, "epoch": module.current_epoch}, {}
        if (step + 1) % max(every, 1) == 0:
            for logger in module.loggers:
                logger.log_metrics(row, step=step)
