"""The checkpoints that a run directory holds."""

import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch

from speciarl_pl.errors import RunError

NEWEST = "last"
"""What stands for the newest checkpoint, where a path is expected."""


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
    return int(saved.get("speciarl", {}).get("batches_trained", 0))


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
