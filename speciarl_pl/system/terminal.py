"""What a command prints: text, as it is.

Labels, answers, paths and the names of runs hold brackets and colons, which `rich` would read as
markup (`[red]`) and as emoji (`:dog:`), and now and then a character that steers a terminal or that
no encoding has. Nothing is cut: in a narrow terminal a cell takes
more lines. All that this package prints with `rich` goes through here.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.text import Text

from speciarl_pl.system.file_names import printable

_Item = TypeVar("_Item")
_KEPT = "\n\t"


class _PlainConsole(Console):
    """Prints every string as it is: lines, and the cells, titles and captions of tables."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a string a `Text` without marks that steer the terminal."""
        return super().render_str(visible(text), **options)

    def render_lines(
        self, renderable: RenderableType, options: ConsoleOptions | None = None, **more: Any
    ) -> list[list[Segment]]:
        """Break what is too long for a cell where `rich` would cut it."""
        options = options or self.options
        if options.overflow == "ellipsis" or options.no_wrap:
            options = options.update(overflow="fold", no_wrap=False)
        return super().render_lines(renderable, options, **more)


def console(stderr: bool = False, width: int | None = None, soft_wrap: bool = False) -> Console:
    """A console that prints strings as they are; a style is an argument, or that of a `Text`.

    Args:
        stderr: Print where errors go.
        width: Columns; None: those of the terminal.
        soft_wrap: Leave it to the terminal to break long lines.

    Example:
        >>> console().print("[red]dog[/red] :dog: [/]")
        [red]dog[/red] :dog: [/]
    """
    return _PlainConsole(stderr=stderr, width=width, soft_wrap=soft_wrap)


def say(text: str, stderr: bool = False) -> None:
    """Print lines as they are, however long.

    Args:
        text: What to print.
        stderr: Print it where errors go.

    Example:
        >>> say("runs/[a] :dog:/report.html")
        runs/[a] :dog:/report.html
    """
    console(stderr).out(visible(text), highlight=False)


def watched(items: Sequence[_Item], what: str) -> Iterable[_Item]:
    """Hand out `items` beside a bar on stderr that says how many are done, and then goes."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    )
    with bar:
        yield from bar.track(items, description=what)


def visible(text: str) -> str:
    r"""`text` with what steers a terminal, or cannot be encoded, written out.

    Example:
        >>> visible("a \x1b[31mred\x1b[0m lion"), visible("\udcff.jpg")
        ('a \\x1b[31mred\\x1b[0m lion', '\\xff.jpg')
    """
    return "".join(
        one if one.isprintable() or one in _KEPT else one.encode("unicode_escape").decode("ascii")
        for one in printable(text)
    )


def duration(seconds: float) -> str:
    """A time span for a human.

    Example:
        >>> duration(7.46), duration(205), duration(3600 * 5 + 62)
        ('7.5 s', '3 min 25 s', '5 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
