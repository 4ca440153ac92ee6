"""One command starts a run and goes on with it: what lies in the run directory says which."""

import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

from speciarl_pl.errors import RunError
from speciarl_pl.run.checkpoint import (
    NEWEST,
    checkpoints_of,
    find_checkpoint,
    is_whole,
    slurm_checkpoints,
)
from speciarl_pl.system.files import new_directory

_LEFT: Final = (
    "adapter",
    "config.yaml",
    "metrics.csv",
    "nonfinite.*.pt",
    "report.html",
    "results.base.json",
    "rollouts.parquet",
    "rollouts.parts",
    "run.json",
    "tensorboard",
    "thumbnails.parquet",
)
"""What a fit leaves that was killed before its first checkpoint, and more."""

_HELD: Final = (
    "adapter",
    "checkpoints/*.ckpt",
    "hpc_ckpt_*.ckpt",
    "metrics.csv",
    "predictions.csv",
    "results.json",
    "results.base.json",
    "rollouts.parquet",
    "rollouts.parts/*",
)
"""What a directory may not have in which a fit begins; a run that failed at once has none of it."""

_RESULTS: Final = ("results.json", "predictions.csv")
"""What only a run has that came to its end."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a fit begins."""

    checkpoint: Path | None = None
    """Where it goes on; None: it begins."""
    left: Sequence[Path] = ()
    """What an earlier run left that came to nothing, which is moved aside."""
    said: str = ""
    """What to tell the user."""


def decide(
    run: Path | None,
    asked: str | None,
    folder: Path | None,
    command: Sequence[str],
    first_rank: bool = True,
) -> Start:
    """Decide whether a fit begins or goes on; nothing is changed.

    With `last` it goes on from the newest checkpoint, or begins where there is none. Under SLURM a
    job that is started again needs not say so. Without, it begins, in a directory without a run.

    Args:
        run: Run directory; None: a new one.
        asked: The checkpoint that was asked for: a path, `last` or none.
        folder: Where checkpoints are, if not in `checkpoints` of the run directory.
        command: Command line of the run, for the advice.
        first_rank: Whether this is the process that may begin in a directory; the others come when
            it has.

    Raises:
        RunError: If the directory holds what would be lost or mixed up.
    """
    if run is None:
        return Start() if asked is None else Start(find_checkpoint(asked, run, folder))
    if asked == NEWEST or (asked is None and _started_again(run)):
        return _newest(run, folder) or _anew(run)
    if asked is not None:
        return _from(find_checkpoint(asked, run, folder), run, folder)
    if first_rank:
        _check_free(run, folder, command)
    return Start()


def _from(path: Path, run: Path, folder: Path | None) -> Start:
    """From a checkpoint that was named."""
    known = checkpoints_of(run, folder)
    inside = path.resolve().is_relative_to(run.resolve())
    if not inside and path.resolve() not in [one.resolve() for one in known]:
        if found(run, _HELD):
            raise RunError(
                f"run directory {run}: already holds a run, of which {path} is no checkpoint; "
                "choose another --run_dir"
            )
        return Start(path)
    later = known and known[0].stat().st_mtime_ns > path.stat().st_mtime_ns
    return Start(path, said=f"Going back to {path}: what came after it is dropped" if later else "")


def _newest(run: Path, folder: Path | None) -> Start | None:
    """From the newest checkpoint that can be read; None if there is none."""
    cut: list[Path] = []
    for path in checkpoints_of(run, folder):
        if is_whole(path):
            left_out = f" ({', '.join(map(str, cut))}: cut short, left out)" if cut else ""
            return Start(path, said=f"Going on from {path}{left_out}")
        cut.append(path)
    if cut:
        raise RunError(f"ckpt_path: {cut[0]}: not a checkpoint, or one cut short; take another")
    return None


def _anew(run: Path) -> Start:
    """In a directory without a checkpoint."""
    if results := found(run, _RESULTS):
        raise RunError(
            f"run directory {run}: holds {results[0].name} but no checkpoint to go on from; choose "
            "another --run_dir"
        )
    left = found(run, _LEFT)
    if not found(run, _HELD):
        return Start(left=(), said=f"No run in {run} yet: it begins")
    return Start(left=left, said=f"The run in {run} has no checkpoint yet: it begins again")


def _check_free(run: Path, folder: Path | None, command: Sequence[str]) -> None:
    if not (found(run, _HELD) or checkpoints_of(run, folder)):
        return
    words = [*command, "--run_dir", str(run), "--ckpt_path", NEWEST]
    can = not found(run, _RESULTS) or checkpoints_of(run, folder)
    advice = f"; to go on with it: {shlex.join(words)}" if can else ""
    raise RunError(f"run directory {run}: already holds a run; choose another --run_dir{advice}")


def found(run: Path, patterns: Sequence[str]) -> list[Path]:
    """The files and folders of a run directory that match."""
    return sorted(path for pattern in patterns for path in run.glob(pattern))


def set_aside(start: Start, run: Path) -> str:
    """Move what an earlier run left into a folder of its own.

    Returns:
        What to tell the user.
    """
    if not start.left:
        return start.said
    folder = new_directory(run, "before")
    for path in start.left:
        if path.name == "config.yaml":  # other ranks may still have to read it
            shutil.copy2(path, folder)
        else:
            os.replace(path, folder / path.name)
    return f"{start.said}; what it left was moved to {folder}"


def _started_again(run: Path) -> bool:
    """Whether SLURM has started a job again, after it was requeued or its node had failed."""
    if not SLURMEnvironment.detect():
        return False
    return bool(slurm_checkpoints(run)) or os.environ.get("SLURM_RESTART_COUNT", "0") != "0"
