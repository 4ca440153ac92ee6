"""`python -m speciarl_pl`."""

import sys

from speciarl_pl.commands.start_up import run_program


def main(args: list[str]) -> int:
    """Run a command; only what it needs is imported, and `doctor` not what it may find broken."""
    # All imports are here, where Ctrl-C is seen to.
    from speciarl_pl.commands.front_door import COMMANDS, help_text, version_text
    from speciarl_pl.nearest import unknown_command
    from speciarl_pl.system.quiet import quieten

    quieten()  # some is said at the import of what the commands need
    name, rest = (args[0], args[1:]) if args else ("", [])
    if name in ("-h", "--help", "--version"):
        print(version_text() if name == "--version" else help_text())
        return 0
    if name == "doctor":
        from speciarl_pl.commands.doctor import command

        return command(rest)
    if name == "judge":
        from speciarl_pl.commands.judge import main as judge_cli

        return judge_cli(rest)
    if name == "data":
        from speciarl_pl.commands.data import main as data_cli

        return data_cli(rest)
    if name == "report":
        from speciarl_pl.commands.report import main as report_cli

        return report_cli(rest)
    if name not in COMMANDS and not name.startswith("-"):
        from speciarl_pl.system.terminal import say

        say(f"error: {unknown_command(name, COMMANDS)}", stderr=True)
        return 2
    from speciarl_pl.commands.cli import main as cli

    return cli()


if __name__ == "__main__":
    sys.exit(run_program(lambda: main(sys.argv[1:])))
