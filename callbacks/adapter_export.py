"""Leaves the trained adapter in the run directory, ready for PEFT, transformers and vLLM."""

from contextlib import suppress
from pathlib import Path

import lightning as L

from speciarl_pl.errors import RunError, SpeciaRLError, TrainingError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.run_files import replacing_files
from speciarl_pl.terminal import say
from speciarl_pl.together import together


class AdapterExport(L.Callback):
    """Writes `adapter/` in PEFT format when training ends or breaks off.

    An adapter that has learned from no batch, neither in this run nor in the ones that it resumes,
    is not written: what lies there passes for a trained one.

    Args:
        directory: Where to; null: `adapter` in the run directory.
    """

    def __init__(self, directory: str | None = None) -> None:
        self.directory = directory
        self._written = False

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the adapter."""
        with together(trainer, RunError):
            self._write(trainer, pl_module)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write it, if a run was killed after its last batch and before it could."""
        if not self._written:
            self.on_train_end(trainer, pl_module)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Write what was trained so far; a second failure must not hide the first."""
        assert isinstance(pl_module, SpeciaRLModule)
        untrained = isinstance(exception, TrainingError) and exception.untrained
        if pl_module.batches_trained:
            with suppress(SpeciaRLError):
                self._write(trainer, pl_module, untrained)

    def _write(
        self, trainer: L.Trainer, pl_module: L.LightningModule, untrained: bool = False
    ) -> None:
        assert isinstance(pl_module, SpeciaRLModule)
        self._written = True
        if not trainer.is_global_zero:
            return
        directory = Path(self.directory or Path(trainer.default_root_dir, "adapter"))
        if untrained or not pl_module.batches_learned:
            said = f"{directory} was not written: {_batches(pl_module)} taught nothing to keep"
            say(said, stderr=True)
            return
        with replacing_files(directory) as part:
            pl_module.loaded_policy.save_adapter(part)


def _batches(module: SpeciaRLModule) -> str:
    return f"{module.batches_trained} batch{'es' if module.batches_trained != 1 else ''}"
