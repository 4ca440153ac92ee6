"""A checkpoint where a run stops because its judge is gone."""

from pathlib import Path
from typing import Final

import lightning as L

from speciarl_pl.errors import UnjudgedError

STOPPED: Final = "stopped.ckpt"
"""Name of the file among the run's checkpoints."""


class StopCheckpoint(L.Callback):
    """Saves a run that stops since too much of a batch was left unjudged.

    The batch was not learned from and comes first when the run goes on. All ranks stop together,
    so all of them can save; after any other failure a checkpoint might wait for a rank for ever.
    """

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Save, and add to the message how to go on."""
        if not isinstance(exception, UnjudgedError) or not trainer.training:
            return
        run = Path(trainer.default_root_dir)
        path = run / "checkpoints" / STOPPED
        trainer.save_checkpoint(path)
        exception.args = (
            f"{exception}. The run was saved and goes on, once that is mended, with: "
            f"fit --ckpt_path {path} --run_dir {run}",
        )
