"""Judges: a truth and a prediction become a category."""

from speciarl_pl.judge.base import Judge, JudgeUnavailableError
from speciarl_pl.judge.exact import ExactJudge
from speciarl_pl.judge.rollouts import judge_groups, judge_pairs
from speciarl_pl.judge.taxonomy import TaxonomyJudge
from speciarl_pl.judge.tree import Taxonomy

__all__ = [
    "ExactJudge",
    "Judge",
    "JudgeUnavailableError",
    "Taxonomy",
    "TaxonomyJudge",
    "judge_groups",
    "judge_pairs",
]
