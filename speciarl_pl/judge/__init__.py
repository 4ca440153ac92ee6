"""Judges: a truth and a prediction become a category."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.judge.around.cascade import CascadeJudge
    from speciarl_pl.judge.around.early import EarlyJudge
    from speciarl_pl.judge.around.patient import PatientJudge
    from speciarl_pl.judge.base import Judge, JudgeUnavailableError
    from speciarl_pl.judge.cache.cached_judge import CachedJudge
    from speciarl_pl.judge.grouping import judge_groups, judge_pairs
    from speciarl_pl.judge.llm.llm_judge import LLMJudge
    from speciarl_pl.judge.remote.http_judge import HTTPJudge
    from speciarl_pl.judge.rules.exact import ExactJudge
    from speciarl_pl.judge.rules.taxonomy import TaxonomyJudge
    from speciarl_pl.judge.rules.tree import Taxonomy

__all__ = [
    "CachedJudge",
    "CascadeJudge",
    "EarlyJudge",
    "ExactJudge",
    "HTTPJudge",
    "Judge",
    "JudgeUnavailableError",
    "LLMJudge",
    "PatientJudge",
    "Taxonomy",
    "TaxonomyJudge",
    "judge_groups",
    "judge_pairs",
]

__getattr__ = handed_out(__name__)
