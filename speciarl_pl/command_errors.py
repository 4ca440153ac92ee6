"""What a command says when it fails: one line, and an exit code."""

import re
from argparse import ArgumentError
from collections.abc import Callable

from speciarl_pl.errors import SpeciaRLError, TrainingError
from speciarl_pl.file_names import print_all_names
from speciarl_pl.quiet import quieten
from speciarl_pl.start_up import INTERRUPTED, end_start_up, was_interrupted
from speciarl_pl.storage import storage_message
from speciarl_pl.terminal import say


def run_command(command: Callable[[], int]) -> int:
    """Run a command of the command line.

    Returns:
        Its exit code; 1 for an error that the user can act on, 2 for a wrong argument, 130 after
        Ctrl-C. The error is printed in a line; a bug is raised.
    """
    end_start_up()
    try:
        return _run(command)
    except (KeyboardInterrupt, Exception) as error:
        if was_interrupted(error):
            return INTERRUPTED
        raise


def _run(command: Callable[[], int]) -> int:
    print_all_names()
    quieten()
    try:
        return command()
    except TrainingError as error:
        return _fail(str(error), 1) if _is_first_rank() else 1  # all ranks raise it: one message
    except SpeciaRLError as error:
        return _fail(str(error), 1)
    except ArgumentError as error:
        return _fail(f"{error}\n--help lists all options", 2)
    except OSError as error:
        if message := storage_message(error):
            return _fail(message, 1)
        raise
    except ValueError as error:
        if message := _argument_message(error):
            return _fail(message, 2)
        raise


def _fail(message: str, code: int) -> int:
    say(f"error: {message}", stderr=True)
    return code


def _is_first_rank() -> bool:
    from lightning.pytorch.utilities import rank_zero_only  # seconds; only a training comes here

    return not getattr(rank_zero_only, "rank", 0)


def _argument_message(error: BaseException | None) -> str | None:
    """Message of the `ValueError` about an argument that this package raised; None for a bug.

    jsonargparse wraps what a constructor raises in a description of all types that were tried.
    """
    while error is not None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        module = trace.tb_frame.f_globals["__name__"] if trace else ""
        if module.startswith("speciarl_pl.") and re.match(r"[a-z_][\w.]*: ", str(error)):
            return str(error)
        error = error.__cause__ or error.__context__
    return None
