"""The result of an audit, and the same as plain values for JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

from speciarl_pl.category import Category
from speciarl_pl.judge.audit.agreement import LEVELS, Agreement
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.paraphrase import Stability
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.judge.audit.summary import JudgeSummary
from speciarl_pl.judge.audit.swap import Asymmetry

SCHEMA: Final = 1
"""Version of what `to_json` gives; a change of meaning raises it."""

LABELS: Final = (*(category.label for category in Category), "unjudged")
"""Names of the columns of all tables of counts, `unjudged` last."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found."""

    file: str
    """Name of the pair file."""
    rows: int
    """Rows of the file."""
    asked: int
    """Rows that were asked about: all, or a random sample."""
    seed: int
    """Seed of the sample and of the bootstrap."""
    duplicates: int
    """Rows asked about that repeat an earlier one's truth and prediction as written."""
    labelled: int
    """Rows asked about that have a human label."""
    judges: tuple[JudgeSummary, ...]
    """The judge audited, then the one it was compared with, if any."""
    agreements: tuple[Agreement, ...]
    """Each judge with the labels, if there are any, and the first judge with the second."""
    asymmetry: Asymmetry
    """Of the judge audited."""
    stability: Stability
    """Of the judge audited."""


def to_json(report: AuditReport) -> dict[str, Any]:
    """The whole report as JSON values, keys always in the same order.

    Figures that do not exist are None. Pairs hold `line`, `dataset`, `truth`, `prediction`; shares
    `count`, `of`, `value`, `low` and `high` (Wilson, 95 %); estimates `value`, `low` and `high`
    (bootstrap, 95 %).
    """
    return {
        "schema": SCHEMA,
        "categories": list(LABELS),
        "pairs": {
            "file": report.file,
            "rows": report.rows,
            "asked": report.asked,
            "seed": report.seed,
            "duplicates": report.duplicates,
            "labelled": report.labelled,
        },
        "judges": [_summary(summary) for summary in report.judges],
        "agreements": [_agreement(agreement) for agreement in report.agreements],
        "asymmetry": _plain(report.asymmetry),
        "stability": _plain(report.stability),
    }


def _summary(summary: JudgeSummary) -> dict[str, Any]:
    first = _named(summary, ("name", "fingerprint", "verdicts"))
    return (
        first
        | _fields(summary)
        | {
            "verdicts": _counts(summary.verdicts),
            "datasets": {name: _counts(line) for name, line in summary.datasets.items()},
            "reasons": [{"reason": reason, "n": n} for reason, n in summary.reasons.items()],
        }
    )


def _agreement(agreement: Agreement) -> dict[str, Any]:
    disagreements = [
        _plain(each) | {"levels": abs(each.judged - each.reference)}
        for each in agreement.disagreements
    ]
    first = _named(agreement, ("reference", "judge", "judged", "unjudged"))
    return first | _fields(agreement) | {"disagreements": disagreements}


def _plain(value: Any) -> Any:
    """A record of an audit as JSON values, by the names of its fields; `row` as what it holds."""
    if isinstance(value, Category):
        return value.label
    if isinstance(value, Share):
        low, high = value.interval or (None, None)
        return {**_fields(value), "value": value.value, "low": low, "high": high}
    if isinstance(value, LabelledPair):
        texts = {"truth": value.pair.truth, "prediction": value.pair.prediction}
        return {"line": value.line, "dataset": value.dataset, **texts}
    if is_dataclass(value):
        found = _fields(value)
        return found.pop("row", {}) | found
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _fields(record: Any) -> dict[str, Any]:
    return _named(record, [field.name for field in fields(record)])


def _named(record: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: _plain(getattr(record, name)) for name in names}


def _counts(line: tuple[int, ...]) -> dict[str, int]:
    assert len(line) == LEVELS + 1
    return dict(zip(LABELS, line, strict=True))
