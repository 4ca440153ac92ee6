"""Leaves the trained adapter in the run directory, ready for PEFT, transformers and vLLM."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning as L

from speciarl_pl.errors import RunError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.run_files import replacing_files


class AdapterExport(L.Callback):
    """Writes `adapter/` in PEFT format when training ends or breaks off.

    Args:
        directory: Where to; null: `adapter` in the run directory.
    """

    def __init__(self, directory: str | None = None) -> None:
        self.directory = directory
        self._trained = False

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        """Note that there is something to write."""
        self._trained = True

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the adapter."""
        self._write(trainer, pl_module)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Write what was trained so far; a second failure must not hide the first."""
        if self._trained:
            with suppress(RunError):
                self._write(trainer, pl_module)

    def _write(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, SpeciaRLModule)
        if trainer.is_global_zero:
            directory = Path(self.directory or Path(trainer.default_root_dir, "adapter"))
            with replacing_files(directory) as part:
                pl_module.loaded_policy.save_adapter(part)
