"""`python -m speciarl_pl`."""

import sys

from speciarl_pl.doctor import main as doctor


def main(args: list[str]) -> int:
    """Run `doctor` by itself, without importing what it may find broken, and the rest."""
    if args[:1] == ["doctor"]:
        return doctor()
    from speciarl_pl.cli import main as cli

    return cli()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
