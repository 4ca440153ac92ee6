"""The result of an audit, and the same as plain values for JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from speciarl_pl.category import Category
from speciarl_pl.judge.audit.agreement import LEVELS, Agreement, Disagreement
from speciarl_pl.judge.audit.kappa import Estimate
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.paraphrase import RewordingResult, Stability, UnstablePair
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.judge.audit.summary import JudgeSummary
from speciarl_pl.judge.audit.swap import Asymmetry, SwappedPair

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
        "asymmetry": _asymmetry(report.asymmetry),
        "stability": _stability(report.stability),
    }


def _summary(summary: JudgeSummary) -> dict[str, Any]:
    return {
        "name": summary.name,
        "fingerprint": summary.fingerprint,
        "verdicts": _counts(summary.verdicts),
        "datasets": {name: _counts(line) for name, line in summary.datasets.items()},
        "sources": dict(summary.sources),
        "cached": _share(summary.cached),
        "without_llm": _share(summary.without_llm),
        "unjudged": summary.unjudged,
        "reasons": [{"reason": reason, "n": n} for reason, n in summary.reasons.items()],
    }


def _agreement(agreement: Agreement) -> dict[str, Any]:
    return {
        "reference": agreement.reference,
        "judge": agreement.judge,
        "judged": agreement.judged,
        "unjudged": agreement.unjudged,
        "confusion": [list(line) for line in agreement.confusion],
        "accuracy": _share(agreement.accuracy),
        "kappa": _estimate(agreement.kappa),
        "kappa_linear": _estimate(agreement.kappa_linear),
        "kappa_quadratic": _estimate(agreement.kappa_quadratic),
        "wrong_judged_right": _share(agreement.wrong_judged_right),
        "right_judged_wrong": _share(agreement.right_judged_wrong),
        "mean_difference": agreement.mean_difference,
        "disagreements": [_disagreement(each) for each in agreement.disagreements],
    }


def _asymmetry(asymmetry: Asymmetry) -> dict[str, Any]:
    return {
        "consistent": _share(asymmetry.consistent),
        "left_out": dict(asymmetry.left_out),
        "table": [list(line) for line in asymmetry.table],
        "inconsistent": [_swapped(each) for each in asymmetry.inconsistent],
    }


def _stability(stability: Stability) -> dict[str, Any]:
    return {
        "stable": _share(stability.stable),
        "incomplete": stability.incomplete,
        "left_out": dict(stability.left_out),
        "rewordings": [_rewording(each) for each in stability.rewordings],
        "unstable": [_unstable(each) for each in stability.unstable],
    }


def _disagreement(each: Disagreement) -> dict[str, Any]:
    labels = {"reference": each.reference.label, "judged": each.judged.label}
    return _pair(each.row) | labels | {"levels": abs(each.judged - each.reference)}


def _swapped(each: SwappedPair) -> dict[str, Any]:
    return _pair(each.row) | {"verdict": each.verdict.label, "swapped": each.swapped.label}


def _rewording(each: RewordingResult) -> dict[str, Any]:
    return {
        "name": each.name,
        "same": _share(each.same),
        "unjudged": each.unjudged,
        "unsuited": each.unsuited,
    }


def _unstable(each: UnstablePair) -> dict[str, Any]:
    changed = [
        {"rewording": change.rewording, "text": change.text, "verdict": change.verdict.label}
        for change in each.changed
    ]
    return _pair(each.row) | {"verdict": each.verdict.label, "changed": changed}


def _pair(row: LabelledPair) -> dict[str, Any]:
    return {
        "line": row.line,
        "dataset": row.dataset,
        "truth": row.pair.truth,
        "prediction": row.pair.prediction,
    }


def _counts(line: tuple[int, ...]) -> dict[str, int]:
    assert len(line) == LEVELS + 1
    return dict(zip(LABELS, line, strict=True))


def _share(share: Share) -> dict[str, float | None]:
    low, high = share.interval or (None, None)
    return {
        "count": share.count,
        "of": share.of,
        "value": share.value,
        "low": low,
        "high": high,
    }


def _estimate(estimate: Estimate) -> Mapping[str, float | None]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
