"""Tensors in a file: written whole or not at all."""

from pathlib import Path
from typing import Any

import torch

from speciarl_pl.system.files import replacing
from speciarl_pl.system.storage import os_error_behind


def save_tensors(value: Any, path: Path) -> None:
    """Write what `torch.load` reads.

    What torch itself says of a full disk is `unexpected pos 466752 vs 466644`.

    Args:
        value: Tensors and plain values.
        path: A local file.

    Raises:
        RunError: If the file cannot be written, naming it and the cause.
    """
    with replacing(path) as part, part.open("wb") as file:
        try:
            torch.save(value, file)
        except RuntimeError as error:
            if (cause := os_error_behind(error)) is None:
                raise
            raise cause from error
