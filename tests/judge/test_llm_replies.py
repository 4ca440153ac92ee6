"""Replies that no LLM should give never become a category that they do not plainly state."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judge.fake_llm import Reply, completion, fake_llm

from speciarl_pl.category import Category
from speciarl_pl.judge.llm.llm_judge import LLMJudge
from speciarl_pl.records import Pair, Unjudged, Verdict

PAIR = Pair("Samoyed", "husky")
LABELS = [category.label for category in Category]


@pytest.fixture(scope="module")
def server():
    with fake_llm(None) as server:
        yield server


@pytest.fixture(scope="module", params=["choice", "json_schema", "text"])
def judge(server, request):
    with LLMJudge(server.url, "m", constraint=request.param, retries=0) as judge:
        yield judge


@pytest.fixture(scope="module")
def batch(server):
    options = {"constraint": "text", "retries": 0, "prompt": "batch", "batch_size": 3}
    with LLMJudge(server.url, "m", **options) as judge:
        yield judge


def answers(server, *replies):
    """Let the server give these replies in turn, the last one for ever."""
    first = len(server.bodies)
    server.answer = lambda body, number: replies[min(number - first, len(replies) - 1)]


RAW = {
    "nothing": b"",
    "no-json": b"specific",
    "web-page": b"<html>502</html>",
    "not-utf-8": b'{"choices": "\xff\xfe"}',
    "null": b"null",
    "number": b"4",
    "text": b'"specific"',
    "list": b"[]",
    "deep": b"[" * 200_000,
    "empty-object": b"{}",
    "no-choices": b'{"choices": []}',
    "null-choices": b'{"choices": null}',
    "odd-choices": b'{"choices": {"0": "specific"}}',
    "odd-choice": b'{"choices": ["specific"]}',
    "no-message": b'{"choices": [{}]}',
    "null-message": b'{"choices": [{"message": null}]}',
    "odd-message": b'{"choices": [{"message": "specific"}]}',
    "error-inside": b'{"error": {"message": "specific"}}',
    "zipped": gzip.compress(b"specific"),
}

CONTENTS = {
    "null": None,
    "empty": "",
    "blank": " \n\t",
    "other-word": "Dog",
    "several": "specific, more specific",
    "choice": "specific or generic",
    "sentence": "It is specific.",
    "denied": "not specific",
    "huge": "specific " * 120_000,
    "number": 4,
    "object": {"category": "specific"},
    "parts": [{"type": "text", "text": "specific"}],
    "null-value": '{"category": null}',
    "number-value": '{"category": 4}',
    "nested": '{"category": {"category": "specific"}}',
    "two-keys": '{"category": "specific", "category": "wrong"}',
    "list": '["specific"]',
    "letters": "spec\u0456fic",
    "surrogate": "\ud800specific",
}

MESSAGES = {
    "cut": completion("specific", finish="length"),
    "cut-while-thinking": completion("<think>specific", finish="length"),
    "cut-reasoning": completion(None, finish="length", reasoning="specific"),
    "filtered": completion("specific", finish="content_filter"),
    "refused": completion("specific", refusal="I cannot help with that"),
    "refused-without-text": completion(None, refusal="I cannot help with that"),
    "tool": completion("specific", tool_calls=[{"function": {"name": "specific"}}]),
    "tool-without-text": completion(None, finish="tool_calls", tool_calls=[{"id": "x"}]),
    "reasoning-only": completion(None, reasoning_content="specific"),
    "two-choices": Reply(
        body=json.dumps(
            {"choices": [{"message": {"content": one}} for one in ("specific", "wrong")]}
        ).encode()
    ),
}

UNREADABLE = (
    {f"body-{name}": Reply(body=body) for name, body in RAW.items()}
    | {f"content-{name}": completion(content) for name, content in CONTENTS.items()}
    | MESSAGES
)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_reply_that_states_no_level_is_asked_again_and_then_unjudged(server, judge, name):
    answers(server, UNREADABLE[name])
    before = len(server.bodies), judge.stats.value("backend_errors", kind="unreadable")
    (judgement,) = judge.judge([PAIR])
    assert isinstance(judgement, Unjudged)
    assert judgement.reason.startswith("llm: unreadable reply (")
    assert judgement.reason.isprintable()
    assert len(judgement.reason) < 160
    assert not judgement.transient
    assert len(server.bodies) == before[0] + 2
    assert judge.stats.value("backend_errors", kind="unreadable") == before[1] + 2


@pytest.mark.parametrize("name", UNREADABLE)
def test_after_an_unreadable_reply_a_good_one_counts(server, judge, name):
    answers(server, UNREADABLE[name], _stating(judge, "generic"))
    assert judge.judge([PAIR])[0] == Verdict(Category.GENERIC, "llm:single@1:m")


@pytest.mark.parametrize("name", ["cut-while-thinking", "cut-reasoning"])
def test_a_reply_that_is_cut_while_thinking_says_what_to_raise(server, judge, name):
    answers(server, UNREADABLE[name])
    (judgement,) = judge.judge([PAIR])
    assert "(cut while thinking, raise max_tokens: " in judgement.reason


def test_a_reply_whose_thought_ended_in_the_text_is_read(server, judge):
    answers(server, completion("It is a breed... </think> less_specific<|im_end|>"))
    assert judge.judge([PAIR])[0] == Verdict(Category.LESS_SPECIFIC, "llm:single@1:m")


PIECES = st.sampled_from(
    [*LABELS, *'{}[]":,.', '{"category": "', '"}', "category", "not ", " or ", "\n", "null", "1"]
)
FUZZ = st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=30)


@pytest.mark.slow
@given(content=FUZZ)
@settings(max_examples=150)
def test_fuzzed_contents(server, judge, content):
    answers(server, completion(content))
    (judgement,) = judge.judge([PAIR])
    said = judgement.category.label if isinstance(judgement, Verdict) else None
    folded = " ".join(content.replace("_", " ").replace("-", " ").casefold().split())
    assert said is None or said in folded
    assert content.strip() not in LABELS or said == content.strip()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | FUZZ,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "finish_reason", "usage", "x"]), inner
        )
    ),
)


@pytest.mark.slow
@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=150)
def test_fuzzed_bodies(server, judge, body):
    answers(server, Reply(body=body))
    (judgement,) = judge.judge([PAIR])
    assert isinstance(judgement, Unjudged)


@pytest.mark.parametrize(
    "usage",
    [None, [], {"prompt_tokens": "many"}, {"prompt_tokens": -5}, {"completion_tokens": None}],
    ids=str,
)
def test_odd_costs_do_not_matter(server, judge, usage):
    reply = json.loads(_stating(judge, "wrong").body)
    answers(server, Reply(body=json.dumps(reply | {"usage": usage}).encode()))
    assert judge.judge([PAIR])[0] == Verdict(Category.WRONG, "llm:single@1:m")


PAIRS = [Pair("a", "1"), Pair("b", "2"), Pair("c", "3")]

BATCHES = {
    "too-few": '{"1": "wrong", "2": "generic"}',
    "too-many": '{"1": "wrong", "2": "wrong", "3": "wrong", "4": "wrong"}',
    "from-0": '{"0": "wrong", "1": "wrong", "2": "wrong"}',
    "repeated": '{"1": "wrong", "1": "generic", "2": "wrong", "3": "wrong"}',
    "repeated-for-missing": '{"1": "wrong", "2": "wrong", "2": "wrong"}',
    "list": '["wrong", "wrong", "wrong"]',
    "lines": "wrong\nwrong\nwrong",
    "one-unknown": '{"1": "wrong", "2": "bad", "3": "wrong"}',
    "one-null": '{"1": "wrong", "2": null, "3": "wrong"}',
    "empty": "",
    "cut": '{"1": "wrong", "2": "wro',
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_that_does_not_fit_is_asked_one_by_one(server, batch, name):
    singles = [completion(json.dumps({"1": label})) for label in ("specific", "odd", "generic")]
    singles.insert(1, singles[1])
    answers(server, completion(BATCHES[name]), *singles)
    first, second, third = batch.judge(PAIRS)
    assert first == Verdict(Category.SPECIFIC, "llm:batch@1:m")
    assert second.reason.startswith("llm: unreadable reply (not just one label a pair: ")
    assert third == Verdict(Category.GENERIC, "llm:batch@1:m")


def test_a_batch_that_is_always_unreadable_is_unjudged(server, batch):
    answers(server, completion(BATCHES["too-many"]))
    before = len(server.bodies)
    assert all(isinstance(one, Unjudged) for one in batch.judge(PAIRS))
    assert len(server.bodies) == before + 1 + 2 * 3


@given(values=st.lists(st.sampled_from([*LABELS, "bad", None]), max_size=5), order=st.randoms())
def test_verdicts_of_a_batch_never_shift(server, batch, values, order):
    members = [(str(number), value) for number, value in enumerate(values, 1)]
    order.shuffle(members)
    answers(server, completion(json.dumps(dict(members))), completion("?"))
    judged = [
        one.category.label if isinstance(one, Verdict) else None for one in batch.judge(PAIRS)
    ]
    fits = len(values) == 3 and set(values) <= set(LABELS)
    assert judged == (values if fits else [None] * 3)


def _mode(judge):
    return json.loads(judge.fingerprint)["decoding"]["constraint"]


def _stating(judge, label):
    """A reply that states `label` in the way that the judge asks for."""
    is_json = _mode(judge) == "json_schema"
    return completion(json.dumps({"category": label}) if is_json else label)
