"""Writing the files of a run so that a failure never costs what was there before."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from speciarl_pl.errors import RunError
from speciarl_pl.system.file_names import is_printable
from speciarl_pl.system.storage import reason_and_advice


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, and put what was written in the place of `path`.

    If writing fails, what was at `path` stays and the unfinished file is removed.

    Raises:
        RunError: If the file cannot be written, naming it and the cause.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replacing(Path(folder, "a.txt")) as part:
        ...         _ = part.write_text("whole")
        ...     Path(folder, "a.txt").read_text()
        'whole'
    """
    if not path.name:
        raise RunError(f"{path}: cannot be written: a folder; name a file in it")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def replacing_files(directory: Path) -> Iterator[Path]:
    """Give a new directory to write to, and move its files into `directory` when all are written.

    Raises:
        RunError: If a file cannot be written, naming `directory` and the cause.
    """
    part = directory.with_name(f".{directory.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        yield part
        directory.mkdir(exist_ok=True)
        for file in part.iterdir():
            os.replace(file, directory / file.name)
    except (OSError, SafetensorError) as error:
        raise _not_written(directory, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _not_written(path: Path, error: Exception) -> RunError:
    reason, advice = reason_and_advice(error)
    kept = "; what was there before is kept" if os.path.exists(path) else ""
    return RunError(f"{path}: cannot be written ({reason}){kept}: {advice}")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all.

    Raises:
        RunError: If the file cannot be written.
    """
    with replacing(path) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """What a run has written as JSON; None if it is not there, or cannot be read as an object.

    Example:
        >>> read_json(Path("nowhere.json")) is None
        True
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def new_directory(parent: Path, name: str) -> Path:
    """Make a directory that nobody else has, also if many are begun in the same second.

    Raises:
        RunError: If it cannot be made.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     [new_directory(Path(folder), "run").name for _ in range(3)]
        ['run', 'run-2', 'run-3']
    """
    for number in count(1):
        directory = parent / (name if number == 1 else f"{name}-{number}")
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            if not directory.is_dir():
                raise _no_directory(directory, "there is a file of that name") from None
            continue
        except OSError as error:
            raise _no_directory(directory, error.strerror) from error
        break
    return directory


def take(directory: Path) -> int:
    """Make sure that no other process writes into a run directory as long as this one lives.

    Returns:
        An open file descriptor; the directory is free once it is closed or the process has ended.

    Raises:
        RunError: If another process has taken it.
    """
    lock = os.open(Path(directory, ".lock"), os.O_WRONLY | os.O_CREAT)
    try:
        # A lock of this process alone: workers that outlive it for a moment do not inherit it.
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        os.close(lock)
        raise RunError(
            f"run directory {directory}: another process is writing into it; wait for its end, or "
            "choose another --run_dir (if there is none, as after a crash of a node that shares "
            f"the disk, remove {Path(directory, '.lock')})"
        ) from None
    except OSError:
        pass  # a file system without locks, as some network shares are
    return lock


def remove_unfinished(directory: Path) -> list[Path]:
    """Remove the temporary files that killed processes left in a run directory that is `take`n.

    A file of a process that lives stays: a `report` may be writing its page.

    Returns:
        What was removed.
    """
    removed = []
    for folder in (directory, directory / "checkpoints", directory / "rollouts.parts"):
        for path in (*folder.glob(".*.part"), *folder.glob(".writable.*")):
            if not _lives(path.name.removesuffix(".part").rpartition(".")[2]):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                removed.append(path)
    return removed


def _lives(pid: str) -> bool:
    """Whether there is a process of that number, other than this one, which has just begun."""
    try:
        if int(pid) == os.getpid():
            return False
        os.kill(int(pid), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        pass  # of another user
    return True


def check_writable(directory: Path) -> None:
    """Make `directory` and try to write to it, before anything expensive is done.

    Raises:
        RunError: If that fails.
    """
    if not is_printable(str(directory)):
        raise RunError(
            f"run directory {directory}: its name is not UTF-8, which TensorBoard cannot write to; "
            "choose another with --run_dir"
        )
    probe = directory / f".writable.{os.getpid()}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _no_directory(directory, error.strerror) from error


def _no_directory(directory: Path, reason: str | None) -> RunError:
    return RunError(
        f"run directory {directory}: cannot be written to ({reason}); choose another with --run_dir"
    )
