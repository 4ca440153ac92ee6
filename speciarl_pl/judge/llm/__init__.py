"""A language model as judge: what it is asked, how, and what is read from its reply."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.judge.llm.llm_judge import LLMJudge

__all__ = ["LLMJudge"]

__getattr__ = handed_out(__name__)
