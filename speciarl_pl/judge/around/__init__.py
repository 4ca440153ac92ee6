"""Judges around other judges: one after the other, ahead of time, with patience."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.judge.around.cascade import CascadeJudge
    from speciarl_pl.judge.around.early import EarlyJudge
    from speciarl_pl.judge.around.patient import PatientJudge

__all__ = ["CascadeJudge", "EarlyJudge", "PatientJudge"]

__getattr__ = handed_out(__name__)
