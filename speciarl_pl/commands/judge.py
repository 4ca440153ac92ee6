"""`python -m speciarl_pl judge serve | ask | audit`: a judge on its own.

What a command needs is imported when it runs: `ask` is to answer at once.
"""

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jsonargparse import ArgumentParser, Namespace

from speciarl_pl.category import Category
from speciarl_pl.commands.running import Subcommand, run_subcommands
from speciarl_pl.judge import Judge
from speciarl_pl.judge.grouping import judge_pairs
from speciarl_pl.judge.service.options import ServiceOptions
from speciarl_pl.judge.wire import TOKEN_VARIABLE
from speciarl_pl.records import Pair, Verdict
from speciarl_pl.system.display import shown
from speciarl_pl.system.terminal import console, say

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
    parser.add_class_arguments(ServiceOptions, "limits", skip={"token"})


def _serve(options: Namespace) -> int:
    from speciarl_pl.judge.service.serving import serve_judge

    limits = ServiceOptions(token=os.environ.get(TOKEN_VARIABLE), **options.limits)
    logging.basicConfig(format="%(levelname)s: %(message)s")
    logging.getLogger("speciarl_pl").setLevel(logging.INFO)
    serve_judge(_judge(options.config), options.host, options.port, limits)
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
    from speciarl_pl.judge.config import offline_judge

    return offline_judge()


_COMMANDS: Final = {
    "serve": Subcommand(_add_serve, _serve),
    "ask": Subcommand(_add_ask, _ask),
    "audit": Subcommand(_add_audit, _audit),
}


# One pair for a human at the keyboard.


_MEANINGS: Final = {
    Category.WRONG: "false, unrelated, malformed, or several options at once",
    Category.ABSTAIN: "declines to name anything",
    Category.GENERIC: "right, but much broader than the truth",
    Category.LESS_SPECIFIC: "right, one step broader than the truth",
    Category.SPECIFIC: "the same thing as the truth",
    Category.MORE_SPECIFIC: "right, and finer than the truth",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What to tell the human."""

    text: str
    """Lines to print."""
    exit_code: int
    """0 with a verdict, 1 without."""


def ask(judge: Judge, truth: str, prediction: str, dataset: str = "") -> Reply:
    """Ask `judge` about one pair.

    Args:
        judge: An opened judge.
        truth: The label of the data set.
        prediction: The answer of the model.
        dataset: Its tree or data set, where the judge has trees of several.

    Returns:
        The category, its meaning and where it came from, or the reason why there is no verdict.

    Raises:
        JudgeError: If the judge breaks its contract; see `judge_pairs`.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> print(ask(ExactJudge(), "lion", "The Lion.").text)
        specific: the same thing as the truth
        source: exact:same
    """
    judgement = judge_pairs(judge, [Pair(truth, prediction, dataset)])[0]
    if not isinstance(judgement, Verdict):
        again = "\nasking again later may help" if judgement.transient else ""
        return Reply(f"unjudged: {shown(judgement.reason, 500)}{again}", 1)
    category = judgement.category
    stored = " (from a store)" if judgement.cached else ""
    return Reply(
        f"{category.label}: {_MEANINGS[category]}\nsource: {shown(judgement.source)}{stored}", 0
    )
