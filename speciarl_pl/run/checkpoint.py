"""Checkpoints: what they hold beside Lightning's own, how they are written, which a run has."""

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn

from speciarl_pl.errors import ModelError, RunError
from speciarl_pl.policy import Policy, check_adapter, check_base, differing
from speciarl_pl.system.random_states import every_rank, get_rng_state, set_rng_state
from speciarl_pl.system.tensor_files import save_tensors
from speciarl_pl.system.terminal import say

KEY = "speciarl"
"""Where in a checkpoint it is."""

NEWEST = "last"
"""What stands for the newest checkpoint, where a path is expected."""


def saved_state(policy: Policy, batches: int, learned: int) -> dict[str, Any]:
    """What to add to a checkpoint; all ranks come here together.

    Returns:
        `batches_trained`, `batches_learned`, `rng` (one state a rank) and `policy` (its identity),
        of plain types and tensors, so that it loads without running code.
    """
    return {
        "batches_trained": batches,
        "batches_learned": learned,
        "rng": every_rank(get_rng_state()),
        "policy": policy.identity,
    }


def loaded_state(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was added to a checkpoint.

    Raises:
        ModelError: If the checkpoint is not of such a run.
    """
    if KEY not in checkpoint:
        raise ModelError("the checkpoint was not written by a run of speciarl_pl")
    saved: Mapping[str, Any] = checkpoint[KEY]
    return saved


def fit_policy(policy: Policy, saved: Mapping[str, Any], name: str, training: bool) -> None:
    """Make sure that a checkpoint meets the policy it needs, or give it that policy.

    The form of the adapter is taken over where nothing is trained; training goes on with an equal
    one or not at all.

    Args:
        policy: The policy of this run.
        saved: As `loaded_state` gives it.
        name: Path of the checkpoint.
        training: Whether training goes on from it.

    Raises:
        ModelError: If base, number format or quantisation differ, or, to train on, the adapter.
    """
    needed = saved.get("policy")
    if needed is None:
        rank_zero_warn(
            f"{name}: written before checkpoints said what they need; make sure by hand that base, "
            "dtype, quantization and the numbers of the adapter (--model.lora) are those of its run"
        )
        return
    check_base(needed, policy.identity, name)
    if training:
        check_adapter(needed, policy.identity, name)
    elif names := differing(needed, policy.identity):
        said = ", ".join(f"{one} {needed['adapter'][one]}" for one in names)
        _print(f"The adapter takes over from the checkpoint: {said}")
        policy.take_adapter_of(needed)


@rank_zero_only
def _print(text: str) -> None:
    say(text, stderr=True)


def restore_random_state(saved: Mapping[str, Any], rank: int, ranks: int) -> None:
    """Give this rank the random states that it had; an older checkpoint has rank 0's alone."""
    states = saved["rng"] if isinstance(saved["rng"], list) else [saved["rng"]]
    if len(states) == ranks:
        set_rng_state(states[rank])
        return
    warnings.warn(
        f"the checkpoint holds the random states of {len(states)} process(es), this run has"
        f" {ranks}; rank {rank} goes on with fresh ones (rollouts and the order of training do not"
        " depend on them)",
        stacklevel=2,
    )


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


# Which checkpoints a run directory has.


def slurm_checkpoints(run: Path) -> list[Path]:
    """Those that are written for SLURM to start the job again, which Lightning finds by itself."""
    return sorted(run.glob("hpc_ckpt_*.ckpt"))


def checkpoints_of(run: Path, folder: Path | None = None) -> list[Path]:
    """All checkpoints of a run, the newest first.

    Args:
        run: Run directory.
        folder: Where else than in its `checkpoints` there are some.
    """
    folders = {run / "checkpoints", folder or run / "checkpoints"}
    paths = [path for one in folders for path in one.glob("*.ckpt")]
    found = [*paths, *slurm_checkpoints(run)]
    return sorted(found, key=lambda path: (-path.stat().st_mtime_ns, path.name))


def is_whole(path: Path) -> bool:
    """Whether a checkpoint was written to its end."""
    return zipfile.is_zipfile(path)


def batches_in(path: Path) -> int:
    """Training batches before a checkpoint; 0 if it does not say."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except UnpicklingError:  # it is refused where it is loaded
        return 0
    return int(saved.get(KEY, {}).get("batches_trained", 0))


def newest_checkpoint(run: Path, folder: Path | None = None) -> Path | None:
    """The checkpoint of a run that was written last; None if there is none."""
    return next(iter(checkpoints_of(run, folder)), None)


def find_checkpoint(asked: str, run: Path | None, folder: Path | None = None) -> Path:
    """The file that is meant by `--ckpt_path`.

    Args:
        asked: A path, or `last`.
        run: Run directory, if one is given.
        folder: Where its checkpoints are, if not in `checkpoints`.

    Raises:
        RunError: If there is no such file, naming those that there are.
    """
    known = checkpoints_of(run, folder) if run else []
    if asked == NEWEST:
        if run is None:
            raise RunError("ckpt_path: last: say of which run, with --run_dir")
        if not known:
            raise RunError(f"ckpt_path: last: no checkpoint in {run}; start the run without it")
        return known[0]
    path = Path(asked)
    if path.is_file():
        return path
    near = path if path.is_dir() else path.parent
    known = [*near.glob("*.ckpt"), *near.glob("checkpoints/*.ckpt")] or known
    what = "a directory" if path.is_dir() else "no such file"
    there = "; there are " + ", ".join(sorted(map(str, known))[:10]) if known else ""
    raise RunError(
        f"ckpt_path: {asked}: {what}; expected a .ckpt of a run's checkpoints/, or last{there}"
    )
