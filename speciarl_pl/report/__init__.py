"""What a run has to show: report.html, comparisons, and pages of a user's own photos."""

from speciarl_pl.report.compare import Comparison, compare, compare_stages
from speciarl_pl.report.page import html_report, write_report
from speciarl_pl.report.paper_rows import PUBLISHED, Published
from speciarl_pl.report.photo_page import write_photos_page
from speciarl_pl.report.stages import Stage, stages_of
from speciarl_pl.run.predictions import PhotoPrediction
from speciarl_pl.run.read import Run, read_run, read_runs

__all__ = [
    "PUBLISHED",
    "Comparison",
    "PhotoPrediction",
    "Published",
    "Run",
    "Stage",
    "compare",
    "compare_stages",
    "html_report",
    "read_run",
    "read_runs",
    "stages_of",
    "write_photos_page",
    "write_report",
]
