"""Checkpoints that are written whole or not at all."""

from pathlib import Path
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO

from speciarl_pl.tensor_files import save_tensors


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place first, so that a full disk costs no older checkpoint."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` to the local file `path`.

        Raises:
            RunError: If the file cannot be written, naming it and the cause.
        """
        save_tensors(checkpoint, Path(path))
