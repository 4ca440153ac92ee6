"""Checkpoints that are written whole or not at all."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO

from speciarl_pl.errors import RunError
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

    def load_checkpoint(self, path: str | Path, *args: Any, **options: Any) -> dict[str, Any]:
        """Read a checkpoint; unless told so, nothing but tensors and plain values.

        Raises:
            RunError: If it holds anything else, which could run code of its own.
        """
        if options.get("weights_only") is None:
            options["weights_only"] = True
        try:
            return super().load_checkpoint(path, *args, **options)
        except UnpicklingError as error:
            raise RunError(
                f"ckpt_path: {path}: holds more than tensors and plain values, which a run of "
                "speciarl_pl never writes and which could run code; if you trust it and have to "
                "read it, pass --weights_only false"
            ) from error
