"""The commands by name, with what each does: the front door, which needs none of them."""

from collections.abc import Mapping
from typing import Final

from speciarl_pl import __version__

PROGRAM: Final = "python -m speciarl_pl"

PURPOSE: Final = "Teach a vision-language model to name what it sees as exactly as it can."

COMMANDS: Final[Mapping[str, str]] = {
    "fit": "train an adapter by SpeciaRL; validates the base before and the result after",
    "validate": "measure a base, an adapter or a checkpoint on data sets with labels",
    "predict": "name your own photos, and say how sure the model is",
    "report": "make a page of one run, or compare several",
    "judge": "ask, audit or serve a judge on its own",
    "data": "list the benchmarks; show, check and split data sets before a run",
    "doctor": "say what is installed, what works and what to install",
}
"""Name -> what it does."""


def help_text() -> str:
    """What `--help` says.

    Example:
        >>> [name for name in COMMANDS if f" {name} " not in help_text()]
        []
    """
    lines = "\n".join(f"  {name:<9} {said}" for name, said in COMMANDS.items())
    return f"""usage: {PROGRAM} COMMAND [options]
       {PROGRAM} --help | --version

{PURPOSE}

commands:
{lines}

{PROGRAM} COMMAND --help lists the options of a command.
--config takes a file or the name of one that comes with the package: quickstart, eval/cub, ...
--data.train.help ImageTable after fit lists the arguments of a class, of data, judge or engine."""


def version_text() -> str:
    """What `--version` says."""
    return f"speciarl_pl {__version__}"
