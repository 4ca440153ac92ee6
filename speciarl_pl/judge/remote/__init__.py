"""The client of a judge service."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.judge.remote.http_judge import HTTPJudge

__all__ = ["HTTPJudge"]

__getattr__ = handed_out(__name__)
