"""Write the report of some runs into a file."""

from collections.abc import Sequence
from pathlib import Path

from speciarl_pl.report.page import html_report
from speciarl_pl.report.read import read_runs
from speciarl_pl.run_files import replacing


def write_report(
    runs: Sequence[Path], out: Path, names: Sequence[str] | None = None, images: int = 200
) -> None:
    """Write one self-contained page about one run, or about several side by side.

    Args:
        runs: Run directories, or results.json files, of which only the numbers are shown.
        out: Where to.
        names: What to call the runs; None: the names of their directories.
        images: How many images the gallery shows at most.

    Raises:
        ValueError: If `runs` is empty, or `names` do not fit.
        RunError: If a run cannot be read or the page cannot be written.
    """
    page = html_report(read_runs(runs, names), images)
    with replacing(out) as part:
        part.write_text(page, encoding="utf-8")
