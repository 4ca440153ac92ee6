"""`python -m speciarl_pl judge serve | ask | audit`: a judge on its own.

What a command needs is imported when it runs: `ask` is to answer at once.
"""

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from jsonargparse import ArgumentParser, Namespace

from speciarl_pl.judge import Judge
from speciarl_pl.judge.service_options import TOKEN_VARIABLE, ServiceOptions
from speciarl_pl.subcommands import Subcommand, run_subcommands
from speciarl_pl.terminal import console, say

_PROGRAM: Final = "python -m speciarl_pl judge"
_OFFLINE: Final = "the offline judge of the benchmarks"
_CONFIG: Final = f"YAML file of a judge, or offline, remote or vllm (default: {_OFFLINE})"


def main(args: Sequence[str] | None = None) -> int:
    """Run one of the commands.

    Args:
        args: Arguments after `judge`; None: those of this process.

    Returns:
        Exit code: 0; 1 for an error that the user can act on, and from `ask` where there is no
        verdict; 2 for a wrong argument. The error is printed in a line.
    """
    return run_subcommands(_PROGRAM, __doc__, _COMMANDS, args)


# ----------------------------------------------------------------------- serve


def _add_serve(parser: ArgumentParser) -> None:
    """Serve a judge over HTTP, for all runs and ranks that name its URL."""
    parser.add_argument("--config", required=True, help="YAML file of the judge")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on; 0: a free one")
    parser.add_argument("--workers", type=int, default=1, help="processes that answer")
    parser.add_class_arguments(ServiceOptions, "limits", skip={"token"})


def _serve(options: Namespace) -> int:
    from speciarl_pl.judge.serve import serve

    limits = ServiceOptions(token=os.environ.get(TOKEN_VARIABLE), **options.limits)
    logging.getLogger("speciarl_pl").setLevel(logging.INFO)
    serve(options.config, options.host, options.port, limits, options.workers)
    return 0


# ------------------------------------------------------------------------- ask


def _add_ask(parser: ArgumentParser) -> None:
    """Judge one pair."""
    parser.add_argument("truth", help="the label of the data set")
    parser.add_argument("prediction", help="the answer of the model")
    parser.add_argument(
        "--dataset", default="", help="tree or data set of the truth, such as flowers102"
    )
    parser.add_argument("--config", type=str | None, default=None, help=_CONFIG)


def _ask(options: Namespace) -> int:
    from speciarl_pl.judge.ask import ask

    with _judge(options.config) as judge:
        reply = ask(judge, options.truth, options.prediction, options.dataset)
    say(reply.text)
    return reply.exit_code


# ----------------------------------------------------------------------- audit


def _add_audit(parser: ArgumentParser) -> None:
    """Compare a judge with labels or with another judge, and with itself in other words."""
    parser.add_argument(
        "--pairs", required=True, help="CSV, TSV or JSONL: truth,prediction,category,dataset"
    )
    parser.add_argument("--config", type=str | None, default=None, help=_CONFIG)
    parser.add_argument("--against", type=str | None, default=None, help="YAML of another judge")
    parser.add_argument("--limit", type=int | None, default=None, help="rows, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the draw and of the bootstrap")
    parser.add_argument(
        "--out", type=str | None, default=None, help="folder for audit.json and audit.html"
    )


def _audit(options: Namespace) -> int:
    from speciarl_pl.judge.audit import audit, check_out, console_report, read_pairs, write_report

    pairs = read_pairs(Path(options.pairs))
    out = Path(options.out) if options.out else None
    if out:
        check_out(out)
    with ExitStack() as stack:
        judge = stack.enter_context(_judge(options.config))
        against = stack.enter_context(_judge(options.against)) if options.against else None
        for each in filter(None, (judge, against)):
            each.check()
        names = (options.config or _OFFLINE, options.against or "")
        report = audit(judge, pairs, against, names, options.limit, options.seed, sys.stderr)
    console().print(console_report(report))
    if out:
        for path in write_report(report, out):
            say(f"wrote {path}")
    return 0


# --------------------------------------------------------------------- helpers


def _judge(config: str | None) -> Judge:
    if config:
        from speciarl_pl.judge.config import load_judge

        return load_judge(config)
    from speciarl_pl.judge.offline import offline_judge

    return offline_judge()


_COMMANDS: Final = {
    "serve": Subcommand(_add_serve, _serve),
    "ask": Subcommand(_add_ask, _ask),
    "audit": Subcommand(_add_audit, _audit),
}
