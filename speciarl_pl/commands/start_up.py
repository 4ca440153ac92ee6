"""The first moments of a command, in which packages are imported: Ctrl-C ends it without a word.

Nothing is half-done then, and what an import makes of a `KeyboardInterrupt` in its midst is up to
each package.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final

from speciarl_pl.commands.lasting_output import lost_output, make_output_last
from speciarl_pl.system.file_names import print_all_names

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as of a shell."""


def run_program(program: Callable[[], int]) -> int:
    """Run what `python -m speciarl_pl` does, from its first import on.

    Returns:
        Its exit code; 130 after Ctrl-C; 1 in place of 0 where some of the output was lost.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else nohup's, or a script's
        signal.signal(signal.SIGINT, _end)
    make_output_last()
    print_all_names()
    try:
        code = program()
    except SystemExit as stop:  # after --help
        if not isinstance(stop.code, int | None):
            raise
        code = stop.code or 0
    except KeyboardInterrupt:
        return INTERRUPTED
    if said := lost_output():
        with suppress(OSError):
            os.write(2, f"error: {said}\n".encode())
    return code or int(bool(said))


def end_start_up() -> None:
    """From here on Ctrl-C raises `KeyboardInterrupt`, as it does in any program."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error, such as that of an import that was cut short."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _end(signum: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
