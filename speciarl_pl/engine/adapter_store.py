"""Adapter versions on their way to an engine, as files in memory where there is such a folder."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from peft import LoraConfig
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from speciarl_pl.errors import RolloutError
from speciarl_pl.policy.weights.finite import check_finite

_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class AdapterVersion:
    """One state of the policy's adapter, under a name that is never used again."""

    name: str
    """Unique over all runs, so that no cache of an engine can mistake it for another."""
    number: int
    """Counts from 1; the integer id of the adapter in an in-process engine."""
    path: Path
    """Directory with `adapter_model.safetensors` and `adapter_config.json`."""


class AdapterStore:
    """Writes adapter versions to a folder of its own and removes them.

    Args:
        parent: Where to make that folder; None: a memory-backed one if there is any, else the
            system's temporary folder.
    """

    def __init__(self, parent: str | Path | None = None) -> None:
        self._run = uuid4().hex[:8]
        self._count = 0
        chosen = Path(parent) if parent is not None else default_parent()
        try:
            chosen.mkdir(parents=True, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(prefix="speciarl-", dir=chosen)).absolute()
            self.folder.chmod(0o755)  # a server may run as another user
        except OSError as error:
            raise RolloutError(
                f"adapter_dir: {chosen}: cannot be written to ({error.strerror})"
            ) from error
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, state: Mapping[str, Tensor], config: LoraConfig) -> AdapterVersion:
        """Write a new version in PEFT format.

        Args:
            state: Adapter tensors on the CPU, under PEFT's names.
            config: Their rank and scale.

        Raises:
            RolloutError: If the folder is full or gone.
            ModelError: If a tensor is not finite; an engine would say that it lost the weights.
        """
        check_finite(state.items(), "adapter", "it is not pushed; go back to an earlier checkpoint")
        self._count += 1
        name = f"speciarl-{self._run}-v{self._count}"
        version = AdapterVersion(name, self._count, self.folder / name)
        try:
            version.path.mkdir()
            config.save_pretrained(str(version.path))
            save_file(dict(state), version.path / "adapter_model.safetensors")
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RolloutError(
                f"{version.path}: the adapter cannot be written ({reason}); choose a folder with "
                "more space as adapter_dir"
            ) from error
        return version

    def remove(self, version: AdapterVersion) -> None:
        """Delete the files of a version that no engine serves any more."""
        shutil.rmtree(version.path, ignore_errors=True)

    def close(self) -> None:
        """Delete all."""
        self._finalizer()


def default_parent() -> Path:
    """The memory-backed folder of the machine, or its temporary folder."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK | os.X_OK):
        return _MEMORY
    return Path(tempfile.gettempdir())
