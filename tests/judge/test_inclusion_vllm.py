"""LLM inclusion by the real vLLM, whose random weights the constraint holds to yes and no."""

import pytest
from judge.vllm_judge import MODEL
from vllm_tools import needs_vllm

from speciarl_pl.judge.llm.llm_judge import LLMJudge
from speciarl_pl.older_protocol.protocol import ask_inclusion

pytestmark = [needs_vllm, pytest.mark.slow]

PAIRS = [("cat", None), *(("cat", f"prediction {number}") for number in range(30))]


def test_every_answer_is_a_yes_or_a_no(vllm_judge_url):
    with LLMJudge(vllm_judge_url, MODEL, prompt="inclusion") as judge:
        answers = ask_inclusion(judge, PAIRS)
        assert {type(answer) for answer in answers} == {bool}
        assert answers[0] is False
        assert ask_inclusion(judge, PAIRS) == answers  # at temperature 0
        assert judge.stats.value("backend_errors", kind="unreadable") == 0
