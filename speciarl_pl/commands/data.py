"""`python -m speciarl_pl data list | show | check | splits`: data sets, before a run.

What a command needs is imported when it runs: `list` is to answer at once.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from jsonargparse import ArgumentParser, Namespace
from rich.box import SIMPLE_HEAD
from rich.table import Table

from speciarl_pl.commands.option_words import one_is_a_list
from speciarl_pl.commands.running import Subcommand, run_subcommands
from speciarl_pl.data.datasets.published import PUBLISHED, Published
from speciarl_pl.errors import DataError
from speciarl_pl.system.terminal import console, say, watched

_PROGRAM: Final = "python -m speciarl_pl data"

if TYPE_CHECKING:
    from speciarl_pl.data.checks.benchmark_check import CheckReport
    from speciarl_pl.data.checks.own_check import OwnReport

T = TypeVar("T")


def main(args: Sequence[str] | None = None) -> int:
    """Run one of the commands.

    Args:
        args: Arguments after `data`; None: those of this process.

    Returns:
        Exit code: 0; 1 for an error that the user can act on, and from `check` where something
        does not agree; 2 for a wrong argument. The error is printed in a line.
    """
    words = sys.argv[1:] if args is None else args
    return run_subcommands(_PROGRAM, __doc__, _COMMANDS, one_is_a_list(words))


# ------------------------------------------------------------------------ list


def _add_list(parser: ArgumentParser) -> None:
    """List the benchmarks: classes, images, where to get them."""


def _list(_: Namespace) -> int:
    names = ("name", "classes", "train / test", "group", "taxonomy")
    table = Table(*names, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    for published in PUBLISHED.values():
        table.add_row(*_row(published))
    out = console()
    out = out if out.is_terminal else console(width=100)
    out.print(table)
    say("Images are those of the paper's splits (CoOp's where there is one).")
    say("\nClass, official page, licence in short:")
    for published in PUBLISHED.values():  # no cells: an address is of use only if it is whole
        say(f"  {published.source:<13} {published.page}\n{'':16}{published.licence}")
    say(f"\nNext: {_PROGRAM} check NAME --root DIR")
    return 0


def _row(published: Published) -> list[str]:
    return [
        published.key,
        " / ".join(f"{count}" for count in published.levels.values()) or str(published.classes),
        f"{published.train:,} / {published.test:,}",
        published.group or "-",
        published.taxonomy or "-",
    ]


# ------------------------------------------------------------------------ show


def _add_show(parser: ArgumentParser) -> None:
    """Show what data sets hold: counts, labels, a few images, and what the judge knows."""
    from speciarl_pl.data.checks.source_options import add_source_options

    parser.add_argument(
        "path", nargs="?", type=str | None, default=None, help="folder of classes, or table"
    )
    add_source_options(parser)
    parser.add_argument(
        "--judge", type=str | None, default=None, help="YAML of a judge (default: the offline one)"
    )
    parser.add_argument("--images", type=int, default=5, help="images to open of each")
    parser.add_argument("--labels", type=int, default=10, help="labels to name of each")


def _show(options: Namespace) -> int:
    from speciarl_pl.data.checks.preview import preview, preview_lines
    from speciarl_pl.data.checks.source_options import judge_of, sources_of
    from speciarl_pl.data.labels.known_labels import known_lines

    sources = sources_of(options, options.path)
    judge = judge_of(options, options.judge)
    failed = False
    for role, source in sources:
        try:
            found = preview(source, options.images)
        except DataError as error:  # the others may be in order
            say(f"{role}: data set {source.name!r}: error: {error}")
            failed = True
            continue
        lines = preview_lines(
            found, known_lines(judge, found.labels, found.datasets), options.labels
        )
        say("\n".join([f"{role}: {lines[0]}", *lines[1:]]))
    return int(failed)


# ----------------------------------------------------------------------- check


def _add_check(parser: ArgumentParser) -> None:
    """Count a benchmark on disk against the published figures, or look for faults of your own."""
    from speciarl_pl.data.checks.source_options import add_source_options

    parser.add_argument(
        "name",
        nargs="?",
        type=str | None,
        default=None,
        help=f"one of {', '.join(PUBLISHED)}; or a folder of classes or a table of your own",
    )
    parser.add_argument(
        "--root", type=str | None, default=None, help="folder of the benchmark's archive, unpacked"
    )
    add_source_options(parser)
    parser.add_argument(
        "--split-file", type=str | None, default=None, help="list of another split, such as CoOp's"
    )
    parser.add_argument("--split", type=str | None, default=None, help="one split alone")
    parser.add_argument(
        "--level", type=str | None, default=None, help="variant, family, manufacturer"
    )
    parser.add_argument(
        "--read", action="store_true", help="decode every image and look for identical files"
    )


def _check(options: Namespace) -> int:
    from speciarl_pl.data.checks.benchmark_check import check
    from speciarl_pl.data.checks.own_check import check_own
    from speciarl_pl.data.checks.source_options import sources_of

    if options.name not in PUBLISHED and options.root is None:
        sources = sources_of(options, options.name)
        return _print_own(check_own(sources, options.read, _watch))
    if options.name is None or options.root is None:
        raise ValueError("root: expected the folder of the benchmark's archive, got none")
    report = check(
        options.name,
        options.root,
        options.split_file,
        options.split,
        options.read,
        options.level,
        _watch,
    )
    _print_report(report)
    return 0 if report.ok else 1


def _print_report(report: "CheckReport") -> None:
    table = Table()
    for column in ("", "listed", "there", "published"):
        table.add_column(column, justify="right" if column else "left")
    for count in report.counts:
        numbers = (f"{number:,}" for number in (count.listed, count.there, count.published))
        table.add_row(count.what, *numbers, style=None if count.agrees else "red")
    say(f"{report.title} in {report.root}")
    console().print(table)
    for word, lines in (("problem", report.problems), ("note", report.notes)):
        for line in lines:
            say(f"{word}: {line}")
    if report.ok:
        say("all agrees with what is published")
    else:
        say("to repair it: unpack the archive again over this folder")


def _print_own(report: "OwnReport") -> int:
    say("\n".join(report.counts))
    for word, lines in (("problem", report.problems), ("note", report.notes)):
        for line in lines:
            say(f"{word}: {line}")
    if not report.problems:
        say("nothing wrong was found")
    return 1 if report.problems else 0


def _watch(files: Sequence[T]) -> Iterable[T]:
    return watched(files, "reading")


# ---------------------------------------------------------------------- splits


def _add_splits(parser: ArgumentParser) -> None:
    """Make the CSV of a CoOp split, from CoOp's JSON on disk or fetched."""
    names = [one.key for one in PUBLISHED.values() if one.coop]
    parser.add_argument("name", help=f"one of {', '.join(names)}")
    parser.add_argument("--out", required=True, help="CSV to write: split,filename")
    parser.add_argument(
        "--from", dest="file", type=str | None, default=None, help="CoOp's split_zhou_*.json"
    )
    parser.add_argument(
        "--url", type=str | None, default=None, help="where to fetch it (default: CoOp's own place)"
    )


def _splits(options: Namespace) -> int:
    if options.file and options.url:
        raise ValueError("url: expected either --url or --from, got both")
    from speciarl_pl.data.checks.splits_build import build_split
    from speciarl_pl.data.reading.splits import count_splits, write_split

    splits = build_split(options.name, options.file, options.url)
    write_split(Path(options.out), splits)
    counts = ", ".join(f"{count:,} {split}" for split, count in count_splits(splits).items())
    say(f"wrote {options.out}: {counts}, as published")
    return 0


_COMMANDS: Final = {
    "list": Subcommand(_add_list, _list),
    "show": Subcommand(_add_show, _show),
    "check": Subcommand(_add_check, _check),
    "splits": Subcommand(_add_splits, _splits),
}
