"""An audit from beginning to end, and its files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from speciarl_pl.category import Category
from speciarl_pl.errors import RunError
from speciarl_pl.judge.audit.agreement import Agreement, compare
from speciarl_pl.judge.audit.findings import AuditReport, to_json
from speciarl_pl.judge.audit.page import html_report
from speciarl_pl.judge.audit.pairs import PairFile
from speciarl_pl.judge.audit.paraphrase import reword_pairs
from speciarl_pl.judge.audit.summary import summarise
from speciarl_pl.judge.audit.swap import swap_pairs
from speciarl_pl.judge.audit.verdicts import Progress, categories, judge_all
from speciarl_pl.judge.base import Judge
from speciarl_pl.system.files import check_writable, replacing

JSON_NAME: Final = "audit.json"
HTML_NAME: Final = "audit.html"


def audit(
    judge: Judge,
    pairs: PairFile,
    against: Judge | None = None,
    names: tuple[str, str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: TextIO | None = None,
) -> AuditReport:
    """Ask `judge` about `pairs`, about them swapped and about them in other words.

    That is up to ten questions a pair to `judge`, and one to `against`. A service that fails leaves
    pairs unjudged, which are counted and left out of all figures.

    Args:
        judge: The judge to audit, opened.
        pairs: What to ask.
        against: Another judge to compare it with, opened.
        names: What to call the two; their classes if None.
        limit: Ask about this many rows only, drawn at random; about all if None.
        seed: Seed of the draw and of the bootstrap.
        progress: Where to show how far it is, if that is a terminal.

    Raises:
        JudgeError: If a judge breaks its contract; see `judge_all`.
        ValueError: If `limit` is not positive.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> from speciarl_pl.judge.audit.pairs import LabelledPair
        >>> from speciarl_pl.records import Pair
        >>> rows = (LabelledPair(Pair("lion", "Lion"), 2, "", Category.SPECIFIC),)
        >>> report = audit(ExactJudge(), PairFile("pairs.csv", 1, rows))
        >>> report.agreements[0].accuracy
        Share(count=1, of=1)
    """
    sample = pairs.sample(limit, seed)
    line = Progress(progress)
    asked = [row.pair for row in sample.pairs]
    judges = [judge] if against is None else [judge, against]
    titles = _names(judges, names)
    judgements = [
        judge_all(each, asked, f"judging with {title}", line)
        for each, title in zip(judges, titles, strict=True)
    ]
    verdicts = [categories(each) for each in judgements]
    return AuditReport(
        file=sample.name,
        rows=sample.rows,
        asked=len(sample.pairs),
        seed=seed,
        duplicates=sample.duplicates,
        labelled=sample.labelled,
        judges=tuple(
            summarise(title, each.fingerprint, sample.pairs, said)
            for title, each, said in zip(titles, judges, judgements, strict=True)
        ),
        agreements=_agreements(sample, titles, verdicts, seed),
        asymmetry=swap_pairs(judge, sample.pairs, verdicts[0], line),
        stability=reword_pairs(judge, sample.pairs, verdicts[0], progress=line),
    )


def check_out(directory: Path) -> None:
    """Make `directory` and try to write to it, before a judge is asked anything.

    Raises:
        RunError: If that fails.
    """
    try:
        check_writable(directory)
    except RunError as error:
        raise _not_written(directory, error) from error


def write_report(report: AuditReport, directory: Path) -> tuple[Path, Path]:
    """Write `audit.json` and `audit.html`, each whole or not at all.

    Returns:
        Their paths.

    Raises:
        RunError: If one cannot be written.
    """
    values = to_json(report)
    texts = {
        JSON_NAME: json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        HTML_NAME: html_report(values),
    }
    try:
        for name, text in texts.items():
            with replacing(directory / name) as part:
                # A judge may put half a character into a reason; a report must not fail over it.
                part.write_text(text, encoding="utf-8", errors="backslashreplace")
    except RunError as error:
        raise _not_written(directory, error) from error
    return directory / JSON_NAME, directory / HTML_NAME


def _not_written(directory: Path, error: RunError) -> RunError:
    return RunError(
        f"{directory}: the report cannot be written ({error.__cause__}); choose another --out"
    )


def _names(judges: Sequence[Judge], names: tuple[str, str] | None) -> list[str]:
    titles = list(names or ())[: len(judges)] or [type(judge).__name__ for judge in judges]
    if len(titles) == 2 and titles[0] == titles[1]:
        titles[1] += " (2)"
    return titles


def _agreements(
    sample: PairFile,
    titles: Sequence[str],
    verdicts: Sequence[Sequence[Category | None]],
    seed: int,
) -> tuple[Agreement, ...]:
    """Each judge with the labels, and the first judge with the second as its reference."""
    found = []
    places = [place for place, row in enumerate(sample.pairs) if row.category is not None]
    rows = [sample.pairs[place] for place in places]
    labels = [row.category for row in rows]
    for title, said in zip(titles, verdicts, strict=True):
        if rows:
            said_of_rows = [said[place] for place in places]
            found.append(compare(rows, labels, said_of_rows, ("labels", title), seed))
    if len(titles) == 2:
        names = titles[1], titles[0]
        found.append(compare(sample.pairs, verdicts[1], verdicts[0], names, seed))
    return tuple(found)
