"""The real vLLM as a judge: random weights, so that only the constraint can make sense of it."""

import pytest
from judge.injections import ATTACKS
from judge.vllm_judge import MODEL
from vllm_tools import needs_vllm

from speciarl_pl.category import Category
from speciarl_pl.judge.base import JudgeUnavailableError
from speciarl_pl.judge.llm.llm_judge import LLMJudge
from speciarl_pl.records import Pair, Unjudged, Verdict

pytestmark = [needs_vllm, pytest.mark.slow]

LABELS = {category.label for category in Category}
ODD = [
    "F/A-18",
    "Citroe\u0308n",
    "犬",
    "🐕\u200d🦺",
    "?",
    " ",
    "x" * 512,
    "{}",
    "robin or cardinal",
]
PAIRS = [
    *(Pair("Samoyed", attack) for attack in ATTACKS.values()),
    *(Pair(attack, "dog") for attack in ATTACKS.values()),
    *(Pair("Boeing 707-320", odd) for odd in ODD),
    *(Pair(f"truth {number}", f"prediction {number}") for number in range(30)),
]


@pytest.fixture
def judge(vllm_judge_url):
    judges = []

    def made(**options):
        judges.append(LLMJudge(vllm_judge_url, MODEL, **{"concurrency": 16} | options))
        return judges[-1]

    yield made
    for one in judges:
        one.close()


def test_every_verdict_is_a_category_by_construction(judge):
    one = judge()
    judgements = one.judge(PAIRS)
    assert len(judgements) == len(PAIRS) > 100
    assert {type(judgement) for judgement in judgements} == {Verdict}
    assert {judgement.source for judgement in judgements} == {f"llm:single@1:{MODEL}"}
    assert one.judge(PAIRS[:5]) == judgements[:5]  # at temperature 0
    prompt = one.stats.value("backend_tokens", kind="prompt")
    completion = one.stats.value("backend_tokens", kind="completion")
    assert prompt > 100 * len(PAIRS)
    assert len(PAIRS) < completion < 25 * len(PAIRS)
    assert one.stats.value("backend_errors", kind="unreadable") == 0


def test_a_binary_judge_answers_in_its_own_words(judge):
    judgements = judge(prompt="binary").judge(PAIRS[:20])
    allowed = {Category.SPECIFIC, Category.WRONG, Category.ABSTAIN}
    assert {judgement.category for judgement in judgements} <= allowed


def test_json_schema(judge):
    judgements = judge(constraint="json_schema").judge(PAIRS[:30])
    assert all(isinstance(judgement, Verdict) for judgement in judgements)


def test_batches(judge):
    """JSON allows any white space, so random weights may write blanks until they are cut."""
    one = judge(prompt="batch", batch_size=8)
    judgements = one.judge(PAIRS)
    unjudged = [judgement for judgement in judgements if isinstance(judgement, Unjudged)]
    assert len(unjudged) < 0.2 * len(PAIRS)
    for judgement in unjudged:
        assert judgement.reason.startswith("llm: unreadable reply (ended by length: ")
    calls = one.stats.registry.get_sample_value("speciarl_judge_backend_seconds_count")
    assert calls < len(PAIRS) / 2


@pytest.mark.parametrize("ignored", [None, {"guided_choice": ["wrong", "generic"]}])
def test_nothing_is_made_of_what_is_not_constrained(judge, ignored):
    """This vLLM ignores the field of older ones, so both give random letters."""
    one = judge(constraint="text", extra_body=ignored, max_tokens=8)
    for judgement in one.judge(PAIRS[:10]):
        assert isinstance(judgement, Unjudged)
        assert judgement.reason.startswith("llm: unreadable reply (")
    assert one.stats.value("backend_errors", kind="unreadable") == 20


def test_a_model_that_is_not_served(vllm_judge_url):
    with LLMJudge(vllm_judge_url, "other") as judge:
        (judgement,) = judge.judge(PAIRS[:1])
        assert not judgement.transient
        assert "404" in judgement.reason
        with pytest.raises(JudgeUnavailableError, match="404"):
            judge.check()


def test_check(judge):
    judge().check()
