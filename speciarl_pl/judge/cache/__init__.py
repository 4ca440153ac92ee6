"""Verdicts that are kept: the judge that looks them up, and where they are."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.judge.cache.cached_judge import CachedJudge

__all__ = ["CachedJudge"]

__getattr__ = handed_out(__name__)
