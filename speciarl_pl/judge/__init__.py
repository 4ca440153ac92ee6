"""Judges: a truth and a prediction become a category."""

from typing import TYPE_CHECKING

from speciarl_pl.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.judge.base import Judge, JudgeUnavailableError
    from speciarl_pl.judge.cache import CachedJudge
    from speciarl_pl.judge.cascade import CascadeJudge
    from speciarl_pl.judge.early import EarlyJudge
    from speciarl_pl.judge.exact import ExactJudge
    from speciarl_pl.judge.http import HTTPJudge
    from speciarl_pl.judge.llm import LLMJudge
    from speciarl_pl.judge.patient import PatientJudge
    from speciarl_pl.judge.rollouts import judge_groups, judge_pairs
    from speciarl_pl.judge.taxonomy import TaxonomyJudge
    from speciarl_pl.judge.tree import Taxonomy

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
