import contextlib
import json
import socket
import threading

import pytest
from jsonargparse import ArgumentParser
from service_tools import WAIT_S, BackEnd, Echo, Stream, is_ready, scripted, until

from speciarl_pl.category import Category
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge import ExactJudge, Judge, JudgeUnavailableError
from speciarl_pl.judge.calls import retry_after
from speciarl_pl.judge.remote.http_judge import HTTPJudge
from speciarl_pl.judge.service.options import ServiceOptions
from speciarl_pl.judge.service.serving import BackgroundService
from speciarl_pl.judge.wire import encode_done, encode_line
from speciarl_pl.records import Pair, Unjudged, Verdict

PAIRS = [Pair("a", "wrong"), Pair("b", "generic"), Pair("c", "specific")]


def client(url, retries=3, **arguments):
    return HTTPJudge(url, retries=retries, wait_s=0.001, **arguments)


def echoed(pairs):
    return [Verdict(Category.parse(pair.prediction), f"echo:{pair.truth}") for pair in pairs]


def answer(body, *places, done=True, twist=lambda line: line):
    """Lines of verdicts on some of the pairs that a request is about."""
    pairs = [Pair(**pair) for pair in json.loads(body)["pairs"]]
    given = echoed(pairs)
    chosen = places or range(len(pairs))
    lines = b"".join(twist(encode_line(place, given[place])) for place in chosen)
    return lines + encode_done(len(pairs)) * done


def whole(reply, body):
    reply.whole(answer(body))


def asked(bodies):
    return ["".join(pair["truth"] for pair in json.loads(body)["pairs"]) for body in bodies]


def test_verdicts_are_as_the_service_has_them():
    verdicts = [
        Verdict(Category.MORE_SPECIFIC, "llm:single:12ab", cached=True),
        Verdict(Category.LESS_SPECIFIC, "taxonomy:ancestor \u00eb"),
        Unjudged("LLMJudge: timeout", transient=True),
        Unjudged("llm: two categories in one reply"),
    ]

    class Fixed(Judge):
        def judge(self, pairs):
            return [verdicts[int(pair.prediction)] for pair in pairs]

    with BackgroundService(Fixed()) as service, client(service.url) as judge:
        assert judge.judge([Pair("x", str(n)) for n in range(4)]) == verdicts
        assert judge.waits
        assert judge.fingerprint is None


def test_many_batches_keep_their_order():
    labels = [category.label for category in Category]
    pairs = [Pair(f"truth {n}", labels[n % 6]) for n in range(1000)]
    behind = Echo()
    with BackgroundService(behind) as service, client(service.url, batch_size=7) as judge:
        assert judge.judge(pairs) == echoed(pairs)
        assert judge.judge([]) == []
    assert sorted(behind.asked, key=pairs.index) == pairs


def test_bodies_stay_under_a_limit():
    pairs = [Pair("x" * 1000 + str(n), "wrong") for n in range(3000)]
    with (
        BackgroundService(Echo(), options=ServiceOptions(max_body_bytes=1_100_000)) as service,
        client(service.url, batch_size=4000) as judge,
    ):
        assert judge.judge(pairs) == echoed(pairs)


def test_odd_texts_do_no_harm():
    pairs = [Pair("a\0", "wrong"), Pair("\ud800", "wrong"), Pair("\u72ac\n\u2028", "wrong")]
    with BackgroundService(Echo()) as service, client(service.url) as judge:
        first, second, third = judge.judge(pairs)
    assert {type(first), type(second)} == {Unjudged}
    assert third == Verdict(Category.WRONG, "echo:\u72ac\n\u2028")


def test_verdicts_come_before_the_slow_ones():
    go = threading.Event()
    behind = Stream(lambda pair: pair.truth != "c" or go.wait(WAIT_S))
    with BackgroundService(behind) as service, client(service.url) as judge:
        each = judge.judge_each(PAIRS)
        assert {next(each)[0], next(each)[0]} == {0, 1}
        go.set()
        assert list(each) == [(2, echoed(PAIRS)[2])]


def test_a_caller_that_stops_listening_ends_its_requests():
    go = threading.Event()
    behind = Stream(lambda pair: pair.truth == "a" or go.wait(WAIT_S))
    with BackgroundService(behind) as service, client(service.url) as judge:
        each = judge.judge_each(PAIRS)
        next(each)
        each.close()
        go.set()
        assert behind.ended.wait(WAIT_S)
        assert judge.judge(PAIRS[:1]) == echoed(PAIRS[:1])


def test_closing_leaves_what_is_asked_unjudged_and_the_next_call_opens_again():
    go = threading.Event()
    behind = Stream(lambda pair: pair.truth == "a" or go.wait(WAIT_S))
    with BackgroundService(behind) as service:
        judge = client(service.url)
        each = judge.judge_each(PAIRS)
        assert next(each)[0] == 0
        judge.close()
        reason = f"{service.url}: closed while it was asked"
        assert list(each) == [(1, Unjudged(reason, True)), (2, Unjudged(reason, True))]
        go.set()
        assert judge.judge(PAIRS) == echoed(PAIRS)
        judge.close()
        judge.close()


def test_threads_share_a_judge():
    found = {}
    with BackgroundService(ExactJudge()) as service, client(service.url, concurrency=2) as judge:

        def ask(number):
            pairs = [Pair(f"{number}.{n}", f"{number}.{n % 7}") for n in range(100)]
            found[number] = judge.judge(pairs) == ExactJudge().judge(pairs)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == dict.fromkeys(range(16), True)


@pytest.mark.parametrize("given", [b"", b"{", b'{"index":2,"category":"gen'], ids=["", "{", "half"])
def test_a_cut_answer_stands_and_the_rest_is_asked_again(given):
    def cut(reply, body):
        reply.cut(answer(body, 1, done=False) + given)

    with scripted(cut, whole) as (url, bodies), client(url) as judge:
        assert judge.judge(PAIRS) == echoed(PAIRS)
        assert judge.stats.value("backend_errors", kind="connection") == 1
    assert asked(bodies) == ["abc", "ac"]


def test_a_connection_dropped_without_an_answer():
    def drop(reply, body):
        reply.close_connection = True

    with scripted(drop, drop, whole) as (url, _), client(url) as judge:
        assert judge.judge(PAIRS) == echoed(PAIRS)


NONSENSE = {
    "not-json": b"<html>\n",
    "not-utf8": b"\xff\xfe\n",
    "blank": b"\n",
    "list": b"[]\n",
    "no-index": b'{"category":"wrong","source":"x","cached":false}\n',
    "index-far": b'{"index":3,"category":"wrong","source":"x","cached":false}\n',
    "index-negative": b'{"index":-1,"category":"wrong","source":"x","cached":false}\n',
    "index-bool": b'{"index":false,"category":"wrong","source":"x","cached":false}\n',
    "index-float": b'{"index":0.0,"category":"wrong","source":"x","cached":false}\n',
    "index-text": b'{"index":"0","category":"wrong","source":"x","cached":false}\n',
    "category": b'{"index":0,"category":"right","source":"x","cached":false}\n',
    "category-case": b'{"index":0,"category":"WRONG","source":"x","cached":false}\n',
    "category-number": b'{"index":0,"category":0,"source":"x","cached":false}\n',
    "category-list": b'{"index":0,"category":["wrong"],"source":"x","cached":false}\n',
    "no-source": b'{"index":0,"category":"wrong","cached":false}\n',
    "cached": b'{"index":0,"category":"wrong","source":"x","cached":1}\n',
    "both": b'{"index":0,"category":"wrong","source":"x","cached":false,"unjudged":"y"}\n',
    "no-reason": b'{"index":0,"unjudged":"","transient":false}\n',
    "reason": b'{"index":0,"unjudged":5}\n',
    "surrogate": b'{"index":0,"category":"wrong","source":"\\ud800","cached":false}\n',
    "deep": b"[" * 1000 + b"\n",
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_a_malformed_line_is_no_verdict_and_its_pair_is_asked_again(nonsense):
    def odd(reply, body):
        reply.whole(nonsense + answer(body, 1, 2))

    with scripted(odd, whole) as (url, bodies), client(url) as judge:
        assert judge.judge(PAIRS) == echoed(PAIRS)
    assert asked(bodies) == ["abc", "a"]


def test_only_nonsense_leaves_all_unjudged():
    def odd(reply, body):
        reply.whole(b"".join(NONSENSE.values()))

    with scripted(odd, odd) as (url, bodies), client(url, retries=1) as judge:
        reason = f"{url}/v1/judge: the answer ended with 3 of 3 pairs unanswered"
        assert judge.judge(PAIRS) == [Unjudged(reason, transient=True)] * 3
    assert len(bodies) == 2


@pytest.mark.parametrize(
    "body", [b"x\n" * 100_000, b"x" * 10**6, b"\n" * 10**6], ids=["lines", "long", "blank"]
)
def test_an_answer_of_endless_nonsense_is_given_up(body):
    def odd(reply, _):
        reply.send_response(200)
        reply.send_header("Transfer-Encoding", "chunked")
        reply.end_headers()
        reply.close_connection = True
        with contextlib.suppress(OSError):  # until the client hangs up
            while True:
                reply.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))

    with scripted(odd) as (url, _), client(url, retries=0) as judge:
        [judgement, *_] = judge.judge(PAIRS)
        assert judgement.transient


def test_the_first_judgement_of_a_pair_stands():
    def twice(reply, body):
        other = encode_line(0, Verdict(Category.MORE_SPECIFIC, "other"))
        reply.whole(answer(body, 0, 1, done=False) + other + answer(body, 2))

    with scripted(twice) as (url, _), client(url) as judge:
        assert list(judge.judge_each(PAIRS)) == list(enumerate(echoed(PAIRS)))


def test_a_missing_last_line_is_no_matter_once_all_is_said():
    def short(reply, body):
        reply.cut(answer(body, done=False))

    with scripted(short) as (url, _), client(url) as judge:
        assert judge.judge(PAIRS) == echoed(PAIRS)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_failing_service_is_asked_again(status):
    def fail(reply, body):
        reply.whole(b"<html>busy", status)

    with scripted(fail, fail, whole) as (url, _), client(url) as judge:
        assert judge.judge(PAIRS) == echoed(PAIRS)
        assert judge.stats.value("backend_errors", kind=f"status_{status}") == 2


def test_a_service_that_keeps_failing():
    def fail(reply, body):
        reply.whole(b'{"detail":"no  \\n memory"}', 503)

    with scripted(*[fail] * 3) as (url, _), client(url, retries=2) as judge:
        reason = f"{url}/v1/judge: 503: no memory"
        assert judge.judge(PAIRS) == [Unjudged(reason, transient=True)] * 3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 413, 422])
def test_a_refusal_is_final_and_says_why(status):
    def refuse(reply, body):
        reply.whole(b'{"detail":"not here"}', status)

    with scripted(refuse) as (url, _), client(url) as judge:
        assert judge.judge(PAIRS) == [Unjudged(f"{url}/v1/judge: {status}: not here")] * 3


def test_a_failed_batch_leaves_the_others_alone():
    def some(reply, body):
        if b'"b"' in body:
            reply.whole(b"no", 422)
        else:
            whole(reply, body)

    with scripted(some, some, some) as (url, _), client(url, batch_size=1) as judge:
        first, second, third = judge.judge(PAIRS)
        assert [first, third] == [echoed(PAIRS)[0], echoed(PAIRS)[2]]
        assert second == Unjudged(f"{url}/v1/judge: 422: no")


def test_a_service_may_ask_for_a_wait():
    def busy(reply, body):
        reply.whole(b"", 429, Retry_After="0")

    # Its own wait would never end.
    with scripted(busy, whole) as (url, _), HTTPJudge(url, wait_s=10**6) as judge:
        assert judge.judge(PAIRS) == echoed(PAIRS)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("100000", 100000),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after(value) == seconds


def test_no_sign_of_the_service_in_time():
    go = threading.Event()

    def hang(reply, body):
        go.wait(WAIT_S)
        reply.close_connection = True

    with scripted(hang) as (url, _), client(url, retries=0, timeout_s=0.05) as judge:
        [judgement, *_] = judge.judge(PAIRS)
        go.set()
        assert judgement == Unjudged(f"{url}/v1/judge: no answer in time (ReadTimeout)", True)
        assert judge.stats.value("backend_errors", kind="timeout") == 1


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with client(url, retries=1) as judge:
        judgements = judge.judge(PAIRS)
        assert {type(judgement) for judgement in judgements} == {Unjudged}
        assert all(judgement.transient and url in judgement.reason for judgement in judgements)
        with pytest.raises(JudgeUnavailableError, match=url):
            judge.check()


def test_a_service_that_comes_late_or_back_is_used():
    judge = client("http://127.0.0.1:1", retries=0)
    for _ in range(2):
        with BackgroundService(Echo()) as service:
            judge.url = service.url
            judge.close()
            assert judge.judge(PAIRS) == echoed(PAIRS)
        assert judge.judge(PAIRS)[0].transient
    judge.close()


@pytest.mark.parametrize(("token", "expected"), [("s3cret", None), (None, "401"), ("other", "401")])
def test_the_token_comes_from_the_environment(monkeypatch, token, expected):
    monkeypatch.delenv("SPECIARL_JUDGE_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("A_TOKEN", token)
    with (
        BackgroundService(Echo(), token="s3cret") as service,
        client(service.url, token_env="A_TOKEN") as judge,
    ):
        judgements = judge.judge(PAIRS)
    if expected is None:
        assert judgements == echoed(PAIRS)
    else:
        reason = f"{service.url}/v1/judge: 401: expected the bearer token of this service"
        assert judgements == [Unjudged(reason)] * 3


def test_a_token_given_in_code_is_used_and_not_shown():
    with (
        BackgroundService(Echo(), token="s3cret") as service,
        client(service.url, _token="s3cret") as judge,
    ):
        assert judge.judge(PAIRS) == echoed(PAIRS)
    parser = ArgumentParser()
    parser.add_subclass_arguments(Judge, "judge")
    config = {"class_path": "HTTPJudge", "init_args": {"url": "http://node1:8765"}}
    parsed = parser.parse_object({"judge": config})
    assert set(parsed.judge.init_args.as_dict()) == {
        "url",
        "token_env",
        "batch_size",
        "concurrency",
        "timeout_s",
        "retries",
        "wait_s",
    }
    assert isinstance(parser.instantiate(parsed).judge, HTTPJudge)


def test_a_token_that_cannot_be_sent_is_said_at_once(monkeypatch):
    monkeypatch.setenv("SPECIARL_JUDGE_TOKEN", "s\u00e9cret\n")
    with pytest.raises(JudgeError, match="SPECIARL_JUDGE_TOKEN") as caught:
        client("http://127.0.0.1:1").open()
    assert "cret" not in str(caught.value)


def test_check_asks_what_is_behind_the_service():
    behind = BackEnd()
    options = ServiceOptions(check_interval_s=0.01)
    with BackgroundService(behind, options=options) as service, client(service.url) as judge:
        assert until(lambda: is_ready(judge))
        behind.is_up = False
        assert until(lambda: not is_ready(judge))
        with pytest.raises(JudgeUnavailableError, match="readyz: 503: connection refused"):
            judge.check()
        behind.is_up = True
        assert until(lambda: is_ready(judge))


def test_services_in_a_row_agree():
    with (
        BackgroundService(ExactJudge()) as first,
        client(first.url) as between,
        BackgroundService(between) as second,
        client(second.url) as judge,
    ):
        pairs = [Pair("lion", "Lion"), Pair("lion", "cat"), Pair("lion", "none"), Pair("", "x")]
        assert judge.judge(pairs)[:3] == ExactJudge().judge(pairs)[:3]
        assert judge.judge(pairs)[3] == Unjudged("no truth to compare with")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "node1:8765"}, "url: expected one such as"),
        ({"url": "ftp://node1"}, "url: expected one such as"),
        ({"url": "http://[::1"}, "url: expected one such as"),
        ({"url": "http://user:s3cret@node1"}, "without a password, got 'node1'"),
        ({"batch_size": 0}, "batch_size: expected an int >= 1, got 0"),
        ({"concurrency": 0}, "concurrency: expected an int >= 1, got 0"),
        ({"retries": -1}, "retries: expected an int >= 0, got -1"),
        ({"timeout_s": 0}, "timeout_s: expected seconds > 0, got 0"),
        ({"wait_s": -1}, "wait_s: expected seconds > 0, got -1"),
        ({"_token": "a b"}, "token .SPECIARL_JUDGE_TOKEN.: expected visible ASCII"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        HTTPJudge(**{"url": "http://node1:8765", **arguments})
