"""A command of the command line that has commands of its own, such as `judge serve`."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jsonargparse import ArgumentParser, Namespace

from speciarl_pl.command_errors import run_command
from speciarl_pl.nearest import unknown_command


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
        options = _parser(program, description, commands, words).parse_args(words)
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
