"""`python -m speciarl_pl report RUN [RUN ...]`: one page about one run, or several compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jsonargparse import ArgumentParser, Namespace

from speciarl_pl.commands.running import run_command
from speciarl_pl.system.files import replacing
from speciarl_pl.system.terminal import console, say

_PROGRAM: Final = "python -m speciarl_pl report"
_NAME: Final = "report.html"


def main(args: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        args: Arguments after `report`; None: those of this process.

    Returns:
        Exit code: 0; 1 for an error that the user can act on; 2 for a wrong argument. The error is
        printed in a line.
    """
    return run_command(lambda: _report(_parser().parse_args(args)))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(_PROGRAM, description=__doc__, exit_on_error=False, allow_abbrev=False)
    parser.add_argument(
        "runs", nargs="+", help="run directories, or results.json files (numbers only)"
    )
    parser.add_argument(
        "--out",
        type=str | None,
        default=None,
        help=f"the page (default: {_NAME} in the run directory; of several runs, here)",
    )
    parser.add_argument(
        "--names", type=str | None, default=None, help="what to call the runs: a,b,..."
    )
    parser.add_argument("--gallery", type=int, default=200, help="images in the gallery at most")
    return parser


def _report(options: Namespace) -> int:
    if options.gallery < 0:
        raise ValueError(f"gallery: expected an int >= 0, got {options.gallery}")
    from speciarl_pl.report import html_report, read_runs  # seconds, after a wrong argument
    from speciarl_pl.report.console import console_report

    paths = [Path(path) for path in options.runs]
    runs = read_runs(paths, _names(options.names))
    out = Path(options.out) if options.out else _default(paths)
    page = html_report(runs, options.gallery)
    console().print(console_report(runs))
    with replacing(out) as part:
        part.write_text(page, encoding="utf-8")
    say(f"\nwrote {out}")
    return 0


def _names(names: str | None) -> list[str] | None:
    return None if names is None else [name.strip() for name in names.split(",")]


def _default(paths: Sequence[Path]) -> Path:
    return paths[0] / _NAME if len(paths) == 1 and paths[0].is_dir() else Path(_NAME)
