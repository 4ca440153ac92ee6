"""`python -m speciarl_pl doctor`: what is installed, what works, what to install."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing that a run may need."""

    name: str
    """The thing."""
    found: str
    """Its version or state."""
    works: bool
    """Whether it can be used."""
    advice: str = ""
    """What to do, if anything."""
    required: bool = False
    """Whether nothing runs without it."""


_REQUIRED: Final = (
    "torch",
    "lightning",
    "transformers",
    "peft",
    "torchmetrics",
    "datasets",
    "tensorboard",
    "jsonargparse",
)


def main() -> int:
    """Print the findings.

    Returns:
        1 if something that every run needs does not work, else 0.
    """
    findings = [_package(name) for name in _REQUIRED]
    findings += [check() for check in (_accelerator, _bitsandbytes, _torchvision, _world)]
    table = Table("", "found", "works", "advice", title="speciarl_pl doctor")
    for finding in findings:
        mark = "yes" if finding.works else "NO" if finding.required else "no"
        table.add_row(finding.name, finding.found, mark, finding.advice)
    Console().print(table)
    return int(any(finding.required and not finding.works for finding in findings))


def _package(name: str) -> Finding:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, "-", False, "run: pip install speciarl_pl", required=True)
    error = _import_error(name)
    return Finding(name, found, error is None, error or "", required=True)


def _import_error(name: str) -> str | None:
    """Last line of what importing `name` prints in a fresh process; None if it works."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {name}"], capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1]


def _accelerator() -> Finding:
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        gib = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Finding("GPU", f"{torch.cuda.get_device_name(0)}, {gib:.0f} GiB", True)
    return Finding("GPU", "none", False, "not needed for the quickstart; needed for real models")


def _bitsandbytes() -> Finding:
    return _optional("bitsandbytes", "needed for QLoRA; run: pip install 'speciarl_pl[qlora]'")


def _torchvision() -> Finding:
    absent = "not needed: images are processed with Pillow"
    broken = (
        "does not fit the installed torch, and breaks the import of other packages; "
        "run: pip uninstall torchvision"
    )
    return _optional("torchvision", absent, broken)


def _optional(name: str, absent: str, broken: str = "") -> Finding:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, "-", False, absent)
    error = _import_error(name)
    return Finding(name, found, error is None, "" if error is None else broken or error)


def _world() -> Finding:
    world = importlib.import_module("speciarl_pl.world")
    base_path: Callable[[], object] = world.base_path
    return Finding("built-in base", str(base_path()), True)
