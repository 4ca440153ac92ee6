"""How far a judge can be trusted: agreement, asymmetry, stability under other words."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.judge.audit.console import console_report
    from speciarl_pl.judge.audit.findings import AuditReport, to_json
    from speciarl_pl.judge.audit.page import html_report
    from speciarl_pl.judge.audit.pairs import LabelledPair, PairFile, read_pairs
    from speciarl_pl.judge.audit.run import audit, check_out, write_report

__all__ = [
    "AuditReport",
    "LabelledPair",
    "PairFile",
    "audit",
    "check_out",
    "console_report",
    "html_report",
    "read_pairs",
    "to_json",
    "write_report",
]

__getattr__ = handed_out(__name__)
