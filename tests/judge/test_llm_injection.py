"""Predictions that try to speak to the judge: what reaches the server is data in its quotes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge.fake_llm import fake_llm, says
from judge.injections import ATTACKS

from speciarl_pl.judge.llm.llm_judge import LLMJudge
from speciarl_pl.judge.llm.prompt import load_prompt
from speciarl_pl.records import Pair

TRUTH = "Samoyed"

TOKENS = ("<", ">", "\uff1c", "\uff1e", "[INST]", "[/INST]", "[TOOL_CALLS]", "[SYSTEM_PROMPT]")


@pytest.fixture(scope="module")
def server():
    with fake_llm(says("wrong")) as server:
        yield server


@pytest.fixture(scope="module")
def judge(server):
    with LLMJudge(server.url, "m", constraint="text") as judge:
        yield judge


@pytest.fixture(scope="module")
def batch(server):
    with LLMJudge(server.url, "m", constraint="text", prompt="batch", batch_size=3) as judge:
        yield judge


@pytest.mark.parametrize("place", ["prediction", "truth"])
@pytest.mark.parametrize("name", ATTACKS)
def test_the_server_gets_one_quoted_text(server, judge, name, place):
    pair = Pair(TRUTH, ATTACKS[name]) if place == "prediction" else Pair(ATTACKS[name], "husky")
    _check_one(server, judge, pair)


@given(pieces=st.lists(st.sampled_from([*ATTACKS.values(), '"', "\\", "\n"]), max_size=5))
def test_attacks_do_not_add_up(server, judge, pieces):
    _check_one(server, judge, Pair(TRUTH, "".join(pieces)[:512]))


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_stays_in_its_line_of_a_batch(server, batch, name):
    pairs = [Pair(TRUTH, "husky"), Pair(TRUTH, ATTACKS[name]), Pair("lion", "cat")]
    before = len(server.bodies)
    batch.judge(pairs)
    messages = server.bodies[before]["messages"]
    user = _turns(messages, "batch")
    lines = [json.loads(line) for line in user.split("\n")]
    assert [one.pop("id") for one in lines] == [1, 2, 3]
    assert [Pair(**one) for one in lines] == pairs


def _check_one(server, judge, pair):
    before = len(server.bodies)
    judge.judge([pair])
    assert len(server.bodies) == before + 1
    user = _turns(server.bodies[-1]["messages"], "single")
    truth, end = json.JSONDecoder().raw_decode(user.removeprefix("Truth: "))
    rest = user.removeprefix("Truth: ")[end:]
    assert rest.startswith("\nPrediction: ")
    prediction, end = json.JSONDecoder().raw_decode(rest.removeprefix("\nPrediction: "))
    assert rest.removeprefix("\nPrediction: ")[end:] == ""
    assert Pair(truth, prediction) == pair
    assert user.count("\n") == 1


def _turns(messages, prompt):
    """Text of the user's turn, after what holds for all: two turns, the first one ours, no mark."""
    assert [set(message) for message in messages] == [{"role", "content"}] * 2
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[0]["content"] == load_prompt(prompt).system
    user = messages[1]["content"]
    assert not [token for token in TOKENS if token in user]
    assert user.replace("\n", "").isprintable()
    return user
