import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from judge.fake_llm import FIELDS, allowed, completion, error, fake_llm, obeys, says

from speciarl_pl.category import Category
from speciarl_pl.judge.base import JudgeUnavailableError
from speciarl_pl.judge.llm.llm_judge import LLMJudge
from speciarl_pl.records import Pair, Unjudged, Verdict

PAIR = Pair("Samoyed", "husky")
SIX = [category.label for category in Category]


def numbered(count):
    return [Pair(f"truth {number}", SIX[number % 6]) for number in range(count)]


def echo(body, number):
    """Answers with the prediction, which the tests make a label."""
    user = body["messages"][1]["content"]
    if user.startswith("Truth"):
        return completion(json.loads(user.rpartition("Prediction: ")[2]))
    lines = [json.loads(line) for line in user.splitlines()]
    return completion(json.dumps({str(one["id"]): one["prediction"] for one in lines}))


def judged(answer, pairs=(PAIR,), **options):
    """Judgements of `pairs` by a judge whose server answers by `answer`, and that server."""
    with fake_llm(answer) as server, LLMJudge(server.url, "m", **options) as judge:
        return judge.judge(pairs), server, judge.stats


@pytest.mark.parametrize("mode", ["choice", "json_schema", "text"])
def test_the_mode_that_is_named_is_used(mode):
    judgements, server, _ = judged(obeys(mode, say="specific"), constraint=mode)
    assert [one.category for one in judgements] == [Category.SPECIFIC]
    assert [allowed(body)[0] for body in server.bodies] == [mode]


@pytest.mark.parametrize("mode", ["choice", "json_schema"])
def test_a_server_that_ignores_the_mode_in_silence_is_read_as_strictly(mode):
    pairs = numbered(4)
    _, server, _ = judged(echo, pairs, constraint=mode)
    assert {allowed(body)[0] for body in server.bodies} == {mode}
    judgements, _, stats = judged(obeys(say="It may be a dog"), constraint=mode)
    assert judgements == [
        Unjudged("llm: unreadable reply (not just one label a pair: 'It may be a dog')")
    ]
    assert stats.value("backend_errors", kind="unreadable") == 2
    judgements, _, _ = judged(obeys(say="Less specific."), constraint=mode)
    assert judgements == [Verdict(Category.LESS_SPECIFIC, "llm:single@1:m")]


@pytest.mark.parametrize("mode", ["choice", "json_schema"])
def test_a_server_that_refuses_the_mode_is_told_with_the_cure(mode):
    judgements, server, _ = judged(obeys(refuse=True), constraint=mode)
    told = f"400: Unknown parameter: {FIELDS[mode]}"
    cure = f"it may not take constraint: {mode}, name another"
    assert judgements == [Unjudged(f"llm: {server.url}: {told}; {cure}")]
    assert len(server.bodies) == 1


def test_auto_of_an_older_configuration_is_choice_and_said(caplog):
    judge = LLMJudge("http://127.0.0.1:9/v1", "m", constraint="auto")
    assert judge.fingerprint == LLMJudge("http://127.0.0.1:9/v1", "m").fingerprint
    assert "constraint: auto is no longer found out, choice is taken" in caplog.text
    assert json.loads(judge.fingerprint)["decoding"]["constraint"] == "choice"


def test_a_failure_that_is_over_is_forgotten():
    def answer(body, number):
        return error(503) if number < 2 else completion("wrong")

    with fake_llm(answer) as server, LLMJudge(server.url, "m", retries=0) as judge:
        first, second = judge.judge([PAIR] * 2), judge.judge([PAIR])
    assert first == [Unjudged(f"llm: {server.url}: 503: no", transient=True)] * 2
    assert second == [Verdict(Category.WRONG, "llm:single@1:m")]


def test_a_model_that_is_not_there():
    judgements, server, _ = judged(says(error(404, "no such model")))
    assert judgements == [Unjudged(f"llm: {server.url}: 404: no such model")]
    assert len(server.bodies) == 1


def test_what_is_sent():
    _, server, _ = judged(
        obeys("choice", say="wrong"),
        extra_body={"chat_template_kwargs": {"enable_thinking": False}},
        max_tokens=7,
    )
    body = server.bodies[-1]
    assert {name: body[name] for name in body if name != "messages"} == {
        "model": "m",
        "temperature": 0,
        "max_tokens": 7,
        "structured_outputs": {"choice": SIX},
        "chat_template_kwargs": {"enable_thinking": False},
    }
    assert body["messages"][1]["content"] == 'Truth: "Samoyed"\nPrediction: "husky"'


def test_labels_of_a_prompt_become_categories():
    def answer(body, number):
        return completion(["correct", "incorrect", "declined"][number])

    judgements, server, _ = judged(
        answer, numbered(3), prompt="binary", constraint="choice", concurrency=1
    )
    assert [one.category.label for one in judgements] == ["specific", "wrong", "abstain"]
    assert judgements[0].source == "llm:binary@1:m"
    choices = [body["structured_outputs"]["choice"] for body in server.bodies]
    assert choices == [["correct", "incorrect", "declined"]] * 3


@pytest.mark.parametrize(
    ("prompt", "mode"),
    [("single", mode) for mode in ("choice", "text")]
    + [("batch", mode) for mode in ("choice", "json_schema", "text")],
)
def test_every_judgement_belongs_to_its_pair(prompt, mode):
    pairs = numbered(50)
    size = 8 if prompt == "batch" else 1
    judgements, server, _ = judged(
        echo, pairs, prompt=prompt, constraint=mode, batch_size=size, concurrency=5
    )
    assert [one.category.label for one in judgements] == [pair.prediction for pair in pairs]
    assert len(server.users()) == -(-50 // size)
    assert server.most_at_once <= 5


def test_judgements_come_as_they_are_there():
    gate = threading.Event()

    def answer(body, number):
        if "slow" in body["messages"][1]["content"]:
            gate.wait(20)
        return completion("generic")

    with fake_llm(answer) as server, LLMJudge(server.url, "m", constraint="text") as judge:
        stream = judge.judge_each([Pair("a", "slow"), Pair("a", "b"), Pair("a", "x" * 999)])
        assert {next(stream)[0], next(stream)[0]} == {1, 2}
        gate.set()
        assert next(stream) == (0, Verdict(Category.GENERIC, "llm:single@1:m"))
        assert next(stream, None) is None


def test_the_bound_holds_for_all_threads_together():
    first = threading.Barrier(7)

    def answer(body, number):
        if number < 7:
            first.wait(20)
        return completion("wrong", delay=0.001)

    with fake_llm(answer) as server:
        with (
            LLMJudge(server.url, "m", constraint="choice", concurrency=7) as judge,
            ThreadPoolExecutor(8) as pool,
        ):
            found = list(pool.map(judge.judge, [numbered(25)] * 8))
        assert all(isinstance(one, Verdict) for some in found for one in some)
        assert (len(server.bodies), server.most_at_once) == (200, 7)


def test_who_stops_listening_ends_the_calls():
    def answer(body, number):
        return completion("wrong", delay=0.0 if number == 0 else 0.2)

    with (
        fake_llm(answer) as server,
        LLMJudge(server.url, "m", constraint="choice", concurrency=2) as judge,
    ):
        stream = judge.judge_each(numbered(50))
        next(stream)
        stream.close()
        assert judge.judge([PAIR])[0].category is Category.WRONG  # the slots are free again
        assert len(server.bodies) < 6


def test_closing_leaves_the_rest_unjudged():
    gate = threading.Event()

    def answer(body, number):
        gate.wait(20)
        return completion("wrong")

    with fake_llm(answer) as server, ThreadPoolExecutor(1) as pool:
        judge = LLMJudge(server.url, "m", constraint="choice", concurrency=2)
        asking = pool.submit(judge.judge, numbered(5))
        while len(server.bodies) < 2:
            time.sleep(0.01)
        judge.close()
        assert asking.result() == [Unjudged("llm: closed while it was asked", transient=True)] * 5
        gate.set()


def test_a_closed_judge_opens_itself_again():
    with fake_llm(says("wrong")) as server:
        judge = LLMJudge(server.url, "m", constraint="text")
        for _ in range(2):
            assert judge.judge([PAIR])[0].category is Category.WRONG
            judge.close()
            judge.close()


def test_no_pairs_ask_nothing():
    judge = LLMJudge("http://127.0.0.1:9/v1", "m")
    assert judge.judge([]) == []
    assert "llm-judge" not in [thread.name for thread in threading.enumerate()]


def test_usage_is_counted():
    def answer(body, number):
        return completion("wrong", usage=(100, 3) if number else None)

    _, _, stats = judged(answer, numbered(4), constraint="text", concurrency=1)
    assert stats.value("backend_tokens", kind="prompt") == 300
    assert stats.value("backend_tokens", kind="completion") == 9
    count = stats.registry.get_sample_value("speciarl_judge_backend_seconds_count")
    assert count == 4


def test_check_asks_for_one_token():
    with fake_llm(says("H")) as server, LLMJudge(server.url, "m") as judge:
        judge.check()
    assert [(body["max_tokens"], body["model"]) for body in server.bodies] == [(1, "m")]


def test_check_says_why_there_is_no_answer_and_sees_it_return():
    with fake_llm(says(error(503, "loading"), "H")) as server, LLMJudge(server.url, "m") as judge:
        with pytest.raises(JudgeUnavailableError, match=r"^llm: http://127.*: 503: loading$"):
            judge.check()
        judge.check()
        assert len(server.bodies) == 2
