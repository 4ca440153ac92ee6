"""What an LLM judge makes of an endpoint that fails."""

import pytest
from counting import free_port
from judge.fake_llm import Reply, completion, error, fake_llm, says

from speciarl_pl.category import Category
from speciarl_pl.judge.base import JudgeUnavailableError
from speciarl_pl.judge.llm.llm_judge import LLMJudge
from speciarl_pl.records import Pair, Unjudged, Verdict

PAIR = Pair("Samoyed", "husky")
WRONG = Verdict(Category.WRONG, "llm:single@1:m")


def ask(answer, pairs=(PAIR,), **options):
    options = {"constraint": "choice", "retries": 2} | options
    with fake_llm(answer) as server, LLMJudge(server.url, "m", **options) as judge:
        return judge.judge(pairs), server, judge.stats


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_tried_again(status):
    judgements, server, stats = ask(says(error(status, retry_after_ms="10"), "wrong"))
    assert judgements == [WRONG]
    assert len(server.bodies) == 2
    assert stats.value("backend_errors", kind=f"status_{status}") == 0


def test_without_a_word_from_the_server_too():
    assert ask(says(error(503), "wrong"))[0] == [WRONG]


def test_retry_after_is_waited_for():
    judgements, server, _ = ask(says(error(429, retry_after="1"), "wrong"))
    assert judgements == [WRONG]
    judgements, server, _ = ask(says(error(429, retry_after="100000"), "wrong"))
    assert judgements == [Unjudged(f"llm: {server.url}: 429: no", transient=True)]
    assert len(server.bodies) == 1  # nobody waits that long


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503, 529])
def test_what_does_not_pass_is_left_for_later(status):
    judgements, server, stats = ask(says(error(status, "busy", retry_after_ms="1")))
    assert judgements == [Unjudged(f"llm: {server.url}: {status}: busy", transient=True)]
    assert len(server.bodies) == 3
    assert stats.value("backend_errors", kind=f"status_{status}") == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_not_tried_again(status):
    judgements, server, stats = ask(says(error(status, "invalid\n key")))
    assert judgements == [Unjudged(f"llm: {server.url}: {status}: invalid key")]
    assert len(server.bodies) == 1
    assert stats.value("backend_errors", kind=f"status_{status}") == 1


def picky(*refused, message="Unsupported parameter: '{0}' is not supported with this model."):
    """A server that refuses requests with one of these fields, in OpenAI's words or others'."""

    def answer(body, number):
        for name in refused:
            if name in body:
                return error(400, message.format(name))
        return completion("wrong")

    return answer


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported parameter: '{0}' is not supported with this model.",
        "Unsupported value: '{0}' does not support 0 with this model. Only the default (1) is.",
        "Unrecognized request argument supplied: {0}",
        "`{0}` is deprecated for this model.",
    ],
)
@pytest.mark.parametrize(
    "refused", [["max_tokens"], ["temperature"], ["max_tokens", "temperature"]]
)
def test_an_endpoint_that_refuses_a_field_is_asked_without_it_from_then_on(refused, message):
    judgements, server, stats = ask(picky(*refused, message=message), [PAIR] * 2, concurrency=1)
    assert judgements == [WRONG] * 2
    assert len(server.bodies) == len(refused) + 2
    last = server.bodies[-1]
    assert last.get("max_completion_tokens", last.get("max_tokens")) > 0
    assert not set(refused) & set(last)
    assert stats.value("backend_errors", kind="status_400") == 0


def test_many_questions_at_once_learn_together_what_is_refused():
    pairs = [Pair("Samoyed", str(number)) for number in range(40)]
    judgements, server, _ = ask(picky("max_tokens", "temperature"), pairs, concurrency=8)
    assert judgements == [WRONG] * 40
    assert len(server.bodies) <= 40 + 2 * 8


def test_a_value_that_is_refused_is_no_refused_field():
    message = "'max_tokens' or 'max_completion_tokens' is too large: 45, the context holds 10"
    judgements, server, _ = ask(says(error(400, message)))
    assert judgements == [Unjudged(f"llm: {server.url}: 400: {message}")]
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error": "boom"}', "boom"),
        (b'{"detail": [{"msg": "x"}]}', "[{'msg': 'x'}]"),
        (b'{"message": "boom"}', "boom"),
        (b"<html>boom</html>", "<html>boom</html>"),
        (b"", "Bad Request"),
        (b"null", "Bad Request"),
        (b'{"error": {"message": null}}', "{'message': None}"),
        (b"\xff\xfe\x00", "\ufffd\ufffd"),
        (b"[" * 100_000, "[" * 180),
        (b"a\x1b[31m\r\nb", "a [31m b"),
    ],
    ids=lambda value: repr(value[:25]),
)
def test_reasons_are_one_short_line(body, told):
    judgements, _, _ = ask(says(Reply(400, body)))
    reason = judgements[0].reason
    assert told in reason
    assert reason.isprintable()
    assert len(reason) < 280


def test_a_reason_never_holds_the_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-geheim")
    answer = says(error(401, "Incorrect key sk-geheim given"))
    with fake_llm(answer) as server:
        url = server.url.replace("//", "//me:geheim@")
        with LLMJudge(url, "m", constraint="text") as judge:
            (judgement,) = judge.judge([PAIR])
    assert judgement.reason == f"llm: {server.url}: 401: Incorrect key *** given"


@pytest.mark.parametrize("reply", [{"delay": 0.5}, {"drip": 0.02}], ids=["silent", "dripping"])
def test_an_answer_that_does_not_come_in_time(reply):
    body = completion("wrong").body
    judgements, server, stats = ask(says(Reply(200, body, **reply)), retries=0, timeout_s=0.2)
    assert judgements == [Unjudged(f"llm: {server.url}: no answer in time", transient=True)]
    assert stats.value("backend_errors", kind="timeout") == 1


def test_nobody_there_and_back_again():
    port = free_port()
    with LLMJudge(f"http://127.0.0.1:{port}/v1", "m", retries=0) as judge:
        (down,) = judge.judge([PAIR])
        assert down.transient
        assert down.reason.startswith(f"llm: http://127.0.0.1:{port}/v1: ConnectError: ")
        with pytest.raises(JudgeUnavailableError, match="ConnectError"):
            judge.check()
        assert judge.stats.value("backend_errors", kind="connection") == 1
        for _ in range(2):  # connections of the first server are of no use to the second
            with fake_llm(says("wrong"), port):
                judge.check()
                assert judge.judge([PAIR]) == [WRONG]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_endpoint_that_is_gone_is_not_asked_for_each_of_many_pairs(status):
    judgements, server, _ = ask(says("wrong", error(status)), [PAIR] * 50, retries=0, concurrency=1)
    gone = Unjudged(f"llm: {server.url}: {status}: no", transient=True)
    assert judgements == [WRONG] + [gone] * 49
    assert len(server.bodies) == 4


@pytest.mark.parametrize("status", [500, 503])
def test_failures_now_and_then_are_no_outage(status):
    def answer(body, number):
        return error(status) if status == 500 or number % 3 else completion("wrong")

    judgements, server, _ = ask(answer, [PAIR] * 15, retries=0, concurrency=1)
    assert len(server.bodies) == len(judgements) == 15


def test_one_bad_pair_does_not_spoil_the_others():
    def answer(body, number):
        user = body["messages"][1]["content"]
        return error(400, "bad") if "poison" in user else completion("wrong")

    pairs = [PAIR, Pair("a", "poison"), Pair("a\ud800", "b"), Pair("a", "b" * 513), PAIR]
    judgements, server, _ = ask(answer, pairs)
    assert judgements == [
        WRONG,
        Unjudged(f"llm: {server.url}: 400: bad"),
        Unjudged("llm: truth is no valid text: it holds a lone surrogate"),
        Unjudged("llm: prediction too long: 513 characters, at most 512 are asked about"),
        WRONG,
    ]


def test_a_batch_that_is_refused_is_asked_one_by_one():
    def answer(body, number):
        lines = body["messages"][1]["content"].splitlines()
        if any("poison" in line for line in lines):
            return error(400, "bad")
        return completion('{"1": "wrong"}')

    pairs = [PAIR, Pair("a", "poison"), PAIR]
    judgements, server, _ = ask(answer, pairs, prompt="batch", batch_size=3)
    wrong = Verdict(Category.WRONG, "llm:batch@1:m")
    assert judgements == [wrong, Unjudged(f"llm: {server.url}: 400: bad"), wrong]
    assert len(server.bodies) == 4


@pytest.mark.parametrize(("status", "transient"), [(401, False), (503, True)])
def test_a_batch_is_not_split_over_what_is_not_its_fault(status, transient):
    answer = says(error(status))
    judgements, server, _ = ask(answer, [PAIR] * 3, prompt="batch", batch_size=3, retries=0)
    assert judgements == [Unjudged(f"llm: {server.url}: {status}: no", transient)] * 3
    assert len(server.bodies) == 1
