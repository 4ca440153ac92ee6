"""What a command says when it fails: one line, and an exit code."""

import re
import sys
from argparse import ArgumentError
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jsonargparse import ArgumentParser, Namespace

from speciarl_pl.class_paths import parse_older
from speciarl_pl.commands.start_up import INTERRUPTED, end_start_up, was_interrupted
from speciarl_pl.errors import SpeciaRLError, TrainingError
from speciarl_pl.nearest import unknown_command
from speciarl_pl.system.file_names import print_all_names
from speciarl_pl.system.quiet import quieten
from speciarl_pl.system.storage import storage_message
from speciarl_pl.system.terminal import say


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


# A command of the command line that has commands of its own, such as `judge serve`.


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One of them."""

    add: Callable[[ArgumentParser], None]
    """Adds its options to a parser; its docstring is what `--help` says."""
    run: Callable[[Namespace], int]
    """Runs it with these options and gives its exit code."""


def run_subcommands(
    program: str,
    description: str | None,
    commands: Mapping[str, Subcommand],
    args: Sequence[str] | None,
) -> int:
    """Run the one that the arguments name.

    Args:
        program: What a user types before its name.
        description: What `--help` says of all.
        commands: By name.
        args: Arguments after `program`; None: those of this process.

    Returns:
        Its exit code; 1 for an error that the user can act on, 2 for a wrong argument. The error is
        printed in a line.
    """
    words = list(sys.argv[1:] if args is None else args)

    def command() -> int:
        if words and not words[0].startswith("-") and words[0] not in commands:
            raise ValueError(unknown_command(words[0], commands))
        parser = _parser(program, description, commands, words)
        options = parse_older(lambda: parser.parse_args(words))
        name = str(options.subcommand)
        return commands[name].run(options[name])

    return run_command(command)


def _parser(
    program: str,
    description: str | None,
    commands: Mapping[str, Subcommand],
    words: Sequence[str],
) -> ArgumentParser:
    parser = ArgumentParser(
        program, description=description, exit_on_error=False, allow_abbrev=False
    )
    subcommands = parser.add_subcommands()
    for name, command in commands.items():
        said = command.add.__doc__
        own = ArgumentParser(description=said, exit_on_error=False, allow_abbrev=False)
        if name in words:  # the options of another may need what takes seconds to import
            command.add(own)
        subcommands.add_subcommand(name, own, help=said)
    return parser
