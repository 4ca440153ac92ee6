"""Leaves the trained adapter in the run directory, ready for PEFT, transformers and vLLM."""

from pathlib import Path

import lightning as L

from speciarl_pl.module import SpeciaRLModule


class AdapterExport(L.Callback):
    """Writes `adapter/` in PEFT format when training ends or breaks off.

    Args:
        directory: Where to; null: `adapter` in the run directory.
    """

    def __init__(self, directory: str | None = None) -> None:
        self.directory = directory

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the adapter."""
        self._write(trainer, pl_module)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Write what was trained so far."""
        if trainer.training:
            self._write(trainer, pl_module)

    def _write(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, SpeciaRLModule)
        if trainer.is_global_zero:
            directory = Path(self.directory or Path(trainer.default_root_dir, "adapter"))
            pl_module.loaded_policy.save_adapter(directory)
