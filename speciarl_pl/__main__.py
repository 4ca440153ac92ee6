"""`python -m speciarl_pl`."""

import sys

from speciarl_pl.start_up import run_program


def main(args: list[str]) -> int:
    """Run `doctor` by itself, without importing what it may find broken, and the rest."""
    from speciarl_pl.quiet import quieten  # all imports are here, where Ctrl-C is seen to

    quieten()  # some is said at the import of what the commands need
    if args[:1] == ["doctor"]:
        return _doctor(args[1:])
    if args[:1] == ["judge"]:
        from speciarl_pl.judge_cli import main as judge_cli

        return judge_cli(args[1:])
    if args[:1] == ["data"]:
        from speciarl_pl.data_cli import main as data_cli

        return data_cli(args[1:])
    if args[:1] == ["report"]:
        from speciarl_pl.report_cli import main as report_cli

        return report_cli(args[1:])
    from speciarl_pl.cli import main as cli

    return cli()


def _doctor(args: list[str]) -> int:
    from argparse import ArgumentParser

    from speciarl_pl import doctor
    from speciarl_pl.command_errors import run_command

    parser = ArgumentParser("python -m speciarl_pl doctor", description=doctor.__doc__)
    parser.add_argument(
        "--repair", action="store_true", help="make vLLM importable beside a torch for CPUs"
    )
    repair = parser.parse_args(args).repair
    return run_command(lambda: doctor.main(repair))


if __name__ == "__main__":
    sys.exit(run_program(lambda: main(sys.argv[1:])))
