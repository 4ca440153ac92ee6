"""Judges: a truth and a prediction become a category."""

from speciarl_pl.judge.base import Judge, JudgeUnavailableError
from speciarl_pl.judge.cache import CachedJudge
from speciarl_pl.judge.exact import ExactJudge
from speciarl_pl.judge.rollouts import judge_groups, judge_pairs
from speciarl_pl.judge.taxonomy import TaxonomyJudge
from speciarl_pl.judge.tree import Taxonomy

__all__ = [
    "CachedJudge",
    "ExactJudge",
    "Judge",
    "JudgeUnavailableError",
    "Taxonomy",
    "TaxonomyJudge",
    "judge_groups",
    "judge_pairs",
]
