import json
import threading

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_tools import WAIT_S, BackEnd, Echo, Stream, until

from speciarl_pl.category import Category
from speciarl_pl.judge import Judge, JudgeUnavailableError
from speciarl_pl.judge.service.options import ServiceOptions
from speciarl_pl.judge.service.serving import BackgroundService
from speciarl_pl.records import Pair, Unjudged, Verdict

LABELS = [category.label for category in Category]
ANY = st.text(st.characters(exclude_categories=()))
"""Any text, lone surrogates included."""
PLENTY = "pairs: List should have at most 64 items after validation, not 65"
PARSING = "There was an error parsing the body"
MANY = json.dumps({"pairs": [dict.fromkeys(map(str, range(100)), 0)]}).encode()
BUG = {"unjudged": "the judge failed on this pair; the log of the service says why"}


class Served:
    """A service and a connection to it."""

    def __init__(self, judge, **options):
        self.judge = judge
        token = options.pop("token", None)
        self.service = BackgroundService(judge, token=token, options=ServiceOptions(**options))

    def __enter__(self):
        self.service.start()
        self.client = httpx.Client(base_url=self.service.url, timeout=WAIT_S, trust_env=False)
        return self

    def __exit__(self, *exc_info):
        self.client.close()
        self.service.stop()

    def post(self, *pairs, **fields):
        return self.client.post("/v1/judge", json={"pairs": [*map(as_json, pairs)], **fields})

    def verdicts(self, *pairs):
        answer = self.post(*pairs)
        assert answer.status_code == 200
        return answer.json()["verdicts"]

    def metric(self, line):
        text = self.client.get("/metrics").text
        return [float(row.split()[-1]) for row in text.splitlines() if row.startswith(line)]


def as_json(pair):
    return {"truth": pair[0], "prediction": pair[1]}


def verdict(label, truth):
    return {"category": label, "source": f"echo:{truth}", "cached": False}


@pytest.fixture(scope="module")
def echo():
    with Served(Echo(), max_pairs=64, max_chars=20, max_body_bytes=10_000) as served:
        yield served


def test_verdicts_stand_in_the_order_of_their_pairs(echo):
    assert echo.verdicts(*((f"truth {n}", label) for n, label in enumerate(LABELS))) == [
        verdict(label, f"truth {n}") for n, label in enumerate(LABELS)
    ]


def test_no_pairs_no_verdicts(echo):
    assert echo.verdicts() == []


def test_what_differs_in_case_and_space_is_asked_once(echo):
    echo.judge.asked.clear()
    assert echo.verdicts(("dog", "wrong"), ("cat", "wrong"), (" DOG", "Wrong ")) == [
        verdict("wrong", "dog"),
        verdict("wrong", "cat"),
        verdict("wrong", "dog"),
    ]
    assert echo.judge.asked == [Pair("dog", "wrong"), Pair("cat", "wrong")]


def test_data_sets_reach_the_judge_and_keep_pairs_apart(echo):
    echo.judge.asked.clear()
    pair = {"truth": "lotus", "prediction": "generic"}
    asked = [pair, pair | {"dataset": "cars"}, pair | {"dataset": "cars"}, pair | {"dataset": ""}]
    answer = echo.client.post("/v1/judge", json={"pairs": asked})
    assert answer.json()["verdicts"] == [verdict("generic", "lotus")] * 4
    assert echo.judge.asked == [Pair("lotus", "generic"), Pair("lotus", "generic", "cars")]


def test_texts_reach_the_judge_as_written(echo):
    echo.judge.asked.clear()
    echo.verdicts(("Citro\u00ebn  F/A, 1.4!", "specific"), ("\u72ac \U0001f436\u202e", "wrong"))
    assert [pair.truth for pair in echo.judge.asked] == [
        "Citro\u00ebn  F/A, 1.4!",
        "\u72ac \U0001f436\u202e",
    ]


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (("  ", "wrong"), "no truth to compare with"),
        (("dog", "x" * 21), "prediction: expected at most 20 characters, got 21"),
        (("x" * 21, "wrong"), "truth: expected at most 20 characters, got 21"),
        (("dog\0", "wrong"), "truth: expected text without NUL and lone surrogates"),
        (("dog", "\ud83d"), "prediction: expected text without NUL and lone surrogates"),
        (("\udc00x", "\ud800\ud800"), "truth: expected text without NUL and lone surrogates"),
    ],
    ids=["blank-truth", "long-prediction", "long-truth", "nul", "surrogate", "surrogates"],
)
def test_a_pair_that_cannot_be_asked_is_unjudged_and_the_others_are_not(echo, pair, reason):
    body = json.dumps({"pairs": [as_json(one) for one in (("a", "wrong"), pair, ("b", "abstain"))]})
    answer = echo.client.post(
        "/v1/judge", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.json()["verdicts"] == [
        verdict("wrong", "a"),
        {"unjudged": reason, "transient": False},
        verdict("abstain", "b"),
    ]


@given(st.lists(st.tuples(ANY, ANY), max_size=8))
def test_any_text_gets_an_answer(echo, pairs):
    body = json.dumps({"pairs": [as_json(pair) for pair in pairs]})
    headers = {"Content-Type": "application/json"}
    verdicts = echo.client.post("/v1/judge", content=body, headers=headers).json()["verdicts"]
    assert len(verdicts) == len(pairs)
    assert all(("category" in one) != ("unjudged" in one) for one in verdicts)


class Failing(Judge):
    """Answers the first pair and fails then."""

    def __init__(self, error):
        self.error = error

    def judge(self, pairs):
        raise AssertionError

    def judge_each(self, pairs):
        yield 0, Verdict(Category.WRONG, "first")
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    "error",
    [ConnectionError("refused"), TimeoutError("3 s"), JudgeUnavailableError("over\ud800loaded")],
    ids=lambda error: type(error).__name__,
)
def test_an_outage_spoils_the_rest_only(error):
    with Served(Failing(error)) as served:
        first, *others = served.verdicts(("a", "x"), ("b", "x"), ("c", "x"))
        assert first == {"category": "wrong", "source": "first", "cached": False}
        reason = f"Failing: {type(error).__name__}: {error}".replace("\ud800", "?")
        assert others == [{"unjudged": reason, "transient": True}] * 2
        assert served.metric("speciarl_judge_bugs_total") == [0]


class Odd(Judge):
    """Breaks the contract in a given way."""

    def __init__(self, items):
        self.items = items

    def judge(self, pairs):
        raise AssertionError

    def judge_each(self, pairs):
        return iter(self.items)


GOOD = Verdict(Category.SPECIFIC, "odd")


@pytest.mark.parametrize(
    ("judge", "judged"),
    [
        (Failing(ZeroDivisionError()), [0]),
        (Odd([(0, GOOD)]), [0]),
        (Odd([(1, GOOD), (1, GOOD)]), [1]),
        (Odd([(2, GOOD)]), []),
        (Odd([(0, None), (1, GOOD)]), []),
        (Odd([(0, Verdict(4, "no category"))]), []),
        (Odd([(0, Unjudged(None))]), []),
        (Odd([GOOD, GOOD]), []),
        (Odd(None), []),
    ],
    ids=["raises", "one-left", "twice", "place", "none", "category", "reason", "bare", "no-iter"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_bug_in_a_judge_is_logged_and_counted_and_no_error_of_the_service(
    judge, judged, stream, caplog
):
    with Served(judge) as served:
        answer = served.post(("a", "x"), ("b", "x"), stream=stream)
        assert answer.status_code == 200
        if stream:
            lines = [json.loads(line) for line in answer.text.splitlines()[:-1]]
            found = {line.pop("index"): line for line in lines}
        else:
            found = dict(enumerate(answer.json()["verdicts"]))
        assert len(found) == 2
        assert [place for place in (0, 1) if "category" in found[place]] == judged
        rest = [found[place] for place in (0, 1) if place not in judged]
        assert rest == [{**BUG, "transient": False}] * len(rest)
        assert served.metric("speciarl_judge_bugs_total") == [1]
    [record] = [record for record in caplog.records if record.name.startswith("speciarl_pl.judge")]
    assert record.exc_info
    assert f"{type(judge).__name__} failed" in record.message


def test_a_stream_ends_with_the_number_of_pairs(echo):
    answer = echo.post(("a", "wrong"), ("b", "generic"), stream=True)
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    *lines, last = [json.loads(line) for line in answer.text.splitlines()]
    assert sorted(lines, key=lambda line: line["index"]) == [
        {"index": 0, **verdict("wrong", "a")},
        {"index": 1, **verdict("generic", "b")},
    ]
    assert last == {"done": 2}
    assert echo.post(stream=True).text == '{"done":0}\n'


def test_a_stream_does_not_wait_for_a_slow_pair():
    go = threading.Event()
    judge = Stream(lambda pair: pair.truth != "slow" or go.wait(WAIT_S))
    body = {"pairs": [as_json(("quick", "wrong")), as_json(("slow", "wrong"))], "stream": True}
    with Served(judge) as served, served.client.stream("POST", "/v1/judge", json=body) as answer:
        lines = answer.iter_lines()
        assert json.loads(next(lines))["source"] == "echo:quick"
        assert not judge.ended.is_set()
        go.set()
        assert json.loads(next(lines))["source"] == "echo:slow"
        assert json.loads(next(lines)) == {"done": 2}


def test_a_client_that_leaves_ends_the_work():
    left = threading.Event()
    judge = Stream(lambda pair: pair.truth == "1" or left.wait(WAIT_S))
    pairs = [as_json((str(n), "wrong")) for n in range(1, 1000)]
    with Served(judge, max_asking=1) as served:
        body = {"pairs": pairs, "stream": True}
        with served.client.stream("POST", "/v1/judge", json=body) as answer:
            next(answer.iter_lines())
        # Its connection is closed; the service notices while the judge still blocks.
        assert until(lambda: served.metric("speciarl_judge_request_seconds_count") == [1])
        left.set()
        assert judge.ended.wait(WAIT_S)
        assert len(judge.asked) < 10
        assert served.verdicts(("after", "wrong")) == [
            verdict("wrong", "after")
        ]  # its slot is free


def test_many_clients_wait_at_once():
    met = threading.Barrier(20)
    judge = Stream(lambda pair: met.wait(WAIT_S))
    with Served(judge) as served:
        threads = [
            threading.Thread(target=served.verdicts, args=((str(n), "wrong"),)) for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(judge.asked) == 20
    assert not met.broken


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 422, "Field required"),
        (b"{", 422, "Invalid JSON: Expecting property name"),
        (b"\xff\xfe\xfd", 400, PARSING),
        (b'{"pairs": "\xff"}', 400, PARSING),
        (b"[" * 9_000, 400, PARSING),
        (b"[]", 422, "Input should be a valid dictionary"),
        (b"{}", 422, "pairs: Field required"),
        (
            b'{"pairs": [{"truth": 3, "prediction": "a"}]}',
            422,
            "pairs.0.truth: Input should be an instance of str",
        ),
        (
            b'{"pairs": [{"truth": "\\ud800", "prediction": 1}]}',
            422,
            "pairs.0.prediction: Input should",
        ),
        (b'{"pairs": [{"truth": "a"}]}', 422, "pairs.0.prediction: Field required"),
        (b'{"pairs": [], "stream": "yes"}', 422, "stream: Input should be a valid boolean"),
        (b'{"pairs": [], "streem": true}', 422, "streem: Extra inputs are not permitted"),
        (b'{"pairs": [], "\\ud800": true}', 422, "Input should be a valid string"),
        (MANY, 422, "pairs.0: expected at most 10 members, got 100"),
    ],
    ids=[
        "empty",
        "cut",
        "bytes",
        "no-utf8",
        "deep",
        "list",
        "no-pairs",
        "number",
        "number-beside-surrogate",
        "no-prediction",
        "stream",
        "other-field",
        "surrogate-field",
        "many-fields",
    ],
)
def test_what_is_no_request_is_refused(echo, body, status, detail):
    headers = {"Content-Type": "application/json"}
    answer = echo.client.post("/v1/judge", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)


def test_too_many_pairs(echo):
    assert len(echo.verdicts(*[("a", "wrong")] * 64)) == 64
    answer = echo.post(*[("a", "wrong")] * 65)
    assert answer.status_code == 422
    assert answer.json() == {"detail": PLENTY}


def test_a_form_is_refused(echo):
    answer = echo.client.post("/v1/judge", data={"pairs": "x"})
    assert answer.status_code == 415
    assert "application/x-www-form-urlencoded" in answer.json()["detail"]


def test_a_large_body_is_refused_by_its_length(echo):
    answer = echo.post(("a", "x" * 10_000))
    assert answer.status_code == 413
    assert answer.json() == {"detail": "expected a body of at most 10000 bytes"}


def test_an_endless_body_is_not_read_to_the_end(echo):
    sent = 0

    def body():
        nonlocal sent
        while sent < 10**10:
            sent += 1000
            yield b" " * 1000

    headers = {"Content-Type": "application/json"}
    answer = echo.client.post("/v1/judge", content=body(), headers=headers)
    assert answer.status_code == 413
    assert sent < 10**10


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer s3cret", 200),
        ("bearer s3cret", 200),
        (None, 401),
        ("Bearer s3cre", 401),
        ("Bearer s3cret2", 401),
        ("Bearer S3CRET", 401),
        ("Basic s3cret", 401),
        ("s3cret", 401),
        ("Bearer", 401),
        (b"Bearer s3cr\xe9t", 401),
    ],
)
@pytest.mark.parametrize("path", ["/v1/judge", "/metrics"])
def test_the_token(secret, path, header, status):
    headers = {} if header is None else {"Authorization": header}
    if path == "/metrics":
        answer = secret.client.get(path, headers=headers)
    else:
        answer = secret.client.post(path, json={"pairs": []}, headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json() == {"detail": "expected the bearer token of this service"}


@pytest.fixture(scope="module")
def secret():
    with Served(Echo(), token="s3cret", max_body_bytes=100) as served:
        yield served


def test_strangers_cannot_make_the_service_read_a_body(secret):
    assert secret.post(("a", "x" * 1000)).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs"])
def test_open_without_a_token(secret, path):
    assert until(lambda: secret.client.get(path).status_code == 200)


def test_ready_follows_the_back_end_and_alive_does_not():
    judge = BackEnd()
    with Served(judge, check_interval_s=0.02, check_timeout_s=5) as served:
        for is_up, status in ((True, 200), (False, 503), (True, 200)):
            judge.is_up = is_up
            assert until(lambda: served.client.get("/readyz").status_code == status)  # noqa: B023
            state = served.client.get("/readyz").json()
            assert state.pop("since") >= 0
            assert state == {"ready": is_up, "reason": "ok" if is_up else "connection refused"}
            assert served.client.get("/healthz").json() == {"alive": True}


def test_metrics_are_those_of_the_judge_and_of_the_service():
    judge = Echo()
    with Served(judge) as served:
        served.verdicts(("a", "wrong"), ("b", "wrong"), ("", "wrong"))
        served.client.post("/v1/judge", json={})
        judge.stats.count_cache("hit", 3)
        assert served.metric('speciarl_judge_pairs_total{result="verdict",source="echo"}') == [2]
        assert served.metric('speciarl_judge_pairs_total{result="unjudged",source="none"}') == [1]
        assert served.metric('speciarl_judge_cache_total{result="hit"}') == [3]
        assert served.metric('speciarl_judge_requests_total{status="200"}') == [1]
        assert served.metric('speciarl_judge_requests_total{status="422"}') == [1]
        assert served.metric("speciarl_judge_request_seconds_count") == [2]


def test_unknown_paths_and_methods(echo):
    assert echo.client.get("/nothing").json() == {"detail": "Not Found"}
    answer = echo.client.get("/v1/judge")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("served", ["echo", "secret"])
def test_the_document_says_what_is_answered(served, request):
    document = request.getfixturevalue(served).client.get("/openapi.json").json()
    paths = document["paths"]
    assert {path: list(methods) for path, methods in paths.items()} == {
        "/v1/judge": ["post"],
        "/healthz": ["get"],
        "/readyz": ["get"],
        "/metrics": ["get"],
    }
    guard = {"401"} if served == "secret" else {"421"}
    judge = paths["/v1/judge"]["post"]
    assert set(judge["responses"]) == {"200", "400", "408", "413", "415", "422"} | guard
    assert set(judge["responses"]["200"]["content"]) == {"application/json", "application/x-ndjson"}
    assert ("security" in judge) == (served == "secret")
    assert set(paths["/readyz"]["get"]["responses"]) == {"200", "503"}
    assert set(paths["/metrics"]["get"]["responses"]) == {"200"} | guard
    assert list(paths["/metrics"]["get"]["responses"]["200"]["content"]) == ["text/plain"]
    assert document["components"]["schemas"]["JudgeRequest"]["properties"]["pairs"]["maxItems"]
    [example] = document["components"]["schemas"]["JudgeRequest"]["examples"]
    for line in judge["responses"]["200"]["content"]["application/x-ndjson"][
        "example"
    ].splitlines():
        json.loads(line)
    if served == "echo":
        assert len(request.getfixturevalue(served).verdicts(("a", "wrong"))) == 1
        assert request.getfixturevalue(served).client.post("/v1/judge", json=example).is_success
