"""What a pool of servers does when they fail; against servers that fail on demand."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import vllm_tools

from engine.fake_server import FakeServer, first, hangs, says
from speciarl_pl.engine.adapter_store import AdapterVersion
from speciarl_pl.engine.vllm_servers import ServerOptions, VLLMServers
from speciarl_pl.errors import RolloutError
from speciarl_pl.sampling import Sampling

pytestmark = pytest.mark.slow  # all together: servers that hang or come back take their time

CHAT, LOAD, MODELS = "/v1/chat/completions", "/v1/load_lora_adapter", "/v1/models"
QUICK = ServerOptions(start_timeout=0.5, request_timeout=5, push_timeout=1, inspect=False)
ONE = Sampling(max_new_tokens=16)
GONE = "http://127.0.0.1:9"


def version(number):
    return AdapterVersion(f"speciarl-abc-v{number}", number, Path(f"/adapters/x/v{number}"))


@pytest.fixture
def requests(policy):
    return vllm_tools.requests(policy, count=8, size=2)


@pytest.fixture
def fakes(requests):
    servers = [FakeServer(requests), FakeServer(requests)]
    yield servers
    for server in servers:
        server.stop()


@pytest.fixture
def pool_of(policy, fakes):
    pools = []

    def make(*urls, **options):
        pool = VLLMServers(list(urls), replace(QUICK, **options))
        pool.open(policy)
        pools.append(pool)
        return pool

    def close():
        while pools:
            pools.pop().close()

    make.close = close
    yield make
    close()


@pytest.fixture
def pool(pool_of, fakes):
    pool = pool_of(*(fake.url for fake in fakes))
    pool.push(version(1), None)
    return pool


def sources(drawn):
    return {one.source for one in drawn}


# ------------------------------------------------------------- when all is well


def test_groups_come_back_in_order_from_both_servers(pool, requests, fakes):
    drawn = pool.draw(requests, ONE)
    assert [one.sample.id for one in drawn] == [r.sample.id for r in requests]
    assert [tuple(r.seed for r in one.rollouts) for one in drawn] == [
        request.seeds for request in requests
    ]
    for one in drawn:
        assert [r.tokens.tolist() for r in one.rollouts] == [[7, 8], [7, 9]]
        assert one.rollouts[0].logprobs.tolist() == [-0.5, -0.25]
    assert sources(drawn) == {fake.url for fake in fakes}
    assert [fake.count(CHAT) for fake in fakes] == [4, 4]


def test_every_setting_is_named_to_the_server(pool, requests, fakes, policy):
    pool.draw(requests[:1], replace(ONE, temperature=0.6, top_p=0.95, stop=("x",)))
    (body,) = [body for fake in fakes for path, body, _ in fake.asked if path == CHAT]
    assert body["model"] == version(1).name
    assert (body["temperature"], body["top_p"], body["n"]) == (0.6, 0.95, 2)
    assert (body["top_k"], body["min_p"], body["repetition_penalty"]) == (-1, 0.0, 1.0)
    assert body["seed"] == requests[0].seeds[0]
    assert body["stop"] == ["x"]
    assert set(body["logit_bias"]) == {str(token) for token in policy.banned_token_ids}


def test_a_greedy_group_is_drawn_once_and_copied(pool, requests, fakes):
    """vLLM refuses to draw the same several times."""
    (drawn,) = pool.draw(requests[:1], replace(ONE, temperature=0.0))
    (body,) = [body for fake in fakes for path, body, _ in fake.asked if path == CHAT]
    assert body["n"] == 1
    assert [r.tokens.tolist() for r in drawn.rollouts] == [[7, 8], [7, 8]]
    assert tuple(r.seed for r in drawn.rollouts) == requests[0].seeds


def test_pushes_replace_the_old_version_everywhere(pool, fakes):
    pool.push(version(2), version(1))
    assert [fake.adapters for fake in fakes] == [[version(2).name]] * 2
    assert pool.holds(version(2))
    assert not pool.holds(version(1))


def test_adapters_can_be_elsewhere_for_the_servers(pool_of, fakes):
    pool_of(fakes[0].url, server_adapter_dir="/mnt/adapters").push(version(1), None)
    (body,) = [body for path, body, _ in fakes[0].asked if path == LOAD]
    assert body["lora_path"] == "/mnt/adapters/x/speciarl-abc-v1"


def test_the_key_is_sent(pool_of, fakes, monkeypatch):
    monkeypatch.setenv("KEY", "secret")
    pool_of(fakes[0].url + "/v1/", api_key_env="KEY")
    assert fakes[0].asked[0][2] == "Bearer secret"


def test_closing_removes_the_adapter_from_the_servers(pool_of, fakes):
    pool = pool_of(fakes[0].url)
    pool.push(version(1), None)
    pool_of.close()
    assert fakes[0].adapters == []


# ------------------------------------------------------------- when they fail


def test_a_server_that_is_down_at_start_is_named(pool_of, fakes):
    with pytest.raises(RolloutError, match=rf"{GONE}.*does not answer .*start_timeout=0.5 s"):
        pool_of(fakes[0].url, GONE)


def test_a_server_that_hangs_at_start_is_named(pool_of, fakes):
    fakes[0].broken[MODELS] = hangs(3)
    with pytest.raises(RolloutError, match=rf"{fakes[0].url}: the server does not .*start_timeout"):
        pool_of(fakes[0].url)


def test_a_server_that_comes_up_late_is_waited_for(pool_of, fakes):
    fakes[0].broken[MODELS] = first(1, says(503, {}), fakes[0].reply)
    assert pool_of(fakes[0].url, start_timeout=10).sources == [fakes[0].url]


def test_something_else_than_a_server_of_vllm_is_named(pool_of, fakes):
    fakes[0].broken[MODELS] = says(200, b"<html>")
    with pytest.raises(RolloutError, match="no vLLM server: '<html>'"):
        pool_of(fakes[0].url)


def test_no_server_at_all_is_refused():
    with pytest.raises(ValueError, match="servers: expected at least one URL"):
        VLLMServers([], QUICK)


def test_loading_that_is_switched_off_is_explained(pool_of, fakes):
    fakes[0].broken[LOAD] = says(404, {"detail": "Not Found"})
    with pytest.raises(RolloutError, match="VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"):
        pool_of(fakes[0].url).push(version(1), None)


def test_a_path_that_the_server_cannot_read_is_explained(pool_of, fakes):
    fakes[0].broken[LOAD] = says(404, {"error": {"message": "No adapter found for lora v1"}})
    with pytest.raises(RolloutError, match=r"No adapter found.*adapter_dir, server_adapter_dir"):
        pool_of(fakes[0].url).push(version(1), None)


def test_an_old_version_left_loaded_is_caught(pool, fakes):
    fakes[1].broken["/v1/unload_lora_adapter"] = says(200, b"removed")
    with pytest.raises(RolloutError, match=r"expected speciarl-abc-v2 alone.*an old version"):
        pool.push(version(2), version(1))


def test_a_server_that_cannot_be_inspected_is_explained(pool_of, fakes):
    pool = pool_of(fakes[0].url, inspect=True)
    with pytest.raises(RolloutError, match=r"--worker-extension-cls .*or set inspect: false"):
        pool.report(["a"])


def test_a_busy_server_is_asked_again(pool, requests, fakes):
    for fake in fakes:
        fake.broken[CHAT] = first(2, says(503, {"error": "full"}), fake.reply)
    assert len(pool.draw(requests, ONE)) == len(requests)
    assert len(pool.sources) == 2


@pytest.mark.parametrize("kind", ["gone", "dead engine", "hung"])
def test_what_one_server_fails_at_the_other_does(pool_of, fakes, requests, kind):
    bad, good = fakes
    pool = pool_of(bad.url, good.url, request_timeout=0.5)
    pool.push(version(1), None)
    if kind == "gone":
        bad.broken[CHAT] = lambda path, body: 1 / 0  # the connection breaks
    else:
        broken = {"dead engine": says(500, {"error": "EngineDeadError"}), "hung": hangs(3)}
        bad.broken[CHAT] = broken[kind]
    with pytest.warns(UserWarning, match=rf"{bad.url}.*going on with 1 servers"):
        drawn = pool.draw(requests, ONE)
    assert [one.sample.id for one in drawn] == [r.sample.id for r in requests]
    assert sources(drawn) == {good.url}
    assert pool.sources == [good.url]


def test_a_server_that_answers_again_is_used_again_after_a_push(pool, requests, fakes):
    fakes[0].broken[CHAT] = says(500, {})
    with pytest.warns(UserWarning, match="going on"):
        pool.draw(requests, ONE)
    fakes[0].broken.clear()
    fakes[0].adapters.clear()  # it was started anew
    assert not pool.holds(version(1))
    pool.push(version(2), version(1))
    assert sources(pool.draw(requests, ONE)) == {fake.url for fake in fakes}


def test_a_server_that_missed_pushes_is_brought_up_to_date(pool, requests, fakes):
    """It was out of reach, and comes back with what it had."""
    fakes[0].broken[MODELS] = says(503, {})
    with pytest.warns(UserWarning, match="going on"):
        assert pool.holds(version(1)), "the other one does"
    pool.push(version(2), version(1))
    fakes[0].broken.clear()
    assert not pool.holds(version(2))
    pool.push(version(3), version(2))
    assert [fake.adapters for fake in fakes] == [[version(3).name]] * 2
    assert sources(pool.draw(requests, ONE)) == {fake.url for fake in fakes}


def test_the_last_server_failing_ends_it_with_all_reasons(pool, requests, fakes):
    for fake in fakes:
        fake.broken[CHAT] = says(500, {"error": {"message": "engine died"}})
    with (
        pytest.warns(UserWarning, match="going on"),
        pytest.raises(RolloutError, match=rf"{fakes[0].url}.*engine died.*{fakes[1].url}"),
    ):
        pool.draw(requests, ONE)


def test_a_request_that_cannot_succeed_is_made_once(pool, requests, fakes):
    for fake in fakes:
        fake.broken[CHAT] = says(400, {"error": {"message": "no such thing"}})
    with pytest.raises(RolloutError, match="400: no such thing"):
        pool.draw(requests[:1], ONE)
    assert sum(fake.count(CHAT) for fake in fakes) == 1


def test_attempts_are_limited(pool_of, fakes, requests):
    pool = pool_of(fakes[0].url, attempts=2)
    pool.push(version(1), None)
    fakes[0].broken[CHAT] = says(429, {"error": "slow down"})
    with pytest.raises(RolloutError, match=r"in 2 attempts; the last: .*slow down"):
        pool.draw(requests[:1], ONE)
    assert fakes[0].count(CHAT) == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda reply: reply.pop("prompt_token_ids"), "cannot be read"),
        (lambda reply: reply["choices"].pop(), "cannot be read"),
        (lambda reply: reply["choices"][0].update(logprobs=None), "cannot be read"),
        (lambda reply: reply["choices"][0].update(token_ids=[7]), "1 tokens with 2 log-prob"),
        (lambda reply: reply["choices"][0].update(token_ids=[]), "0 tokens"),
        (lambda reply: reply["prompt_token_ids"].append(1), "the engine made .* prompt tokens"),
    ],
    ids=["no prompt", "short of one", "no log-probs", "tokens missing", "empty", "other prompt"],
)
def test_an_answer_that_is_not_whole_is_never_used(pool_of, fakes, requests, spoil, message):
    pool = pool_of(fakes[0].url)
    pool.push(version(1), None)

    def spoiled(path, body):
        reply = fakes[0].chat(body)
        spoil(reply)
        return 200, reply

    fakes[0].broken[CHAT] = spoiled
    with pytest.raises(RolloutError, match=message):
        pool.draw(requests[:1], ONE)


def test_a_prompt_beyond_the_context_is_named_before_anything_is_asked(pool, requests, fakes):
    with pytest.raises(RolloutError, match="do not fit into the engine's context of 512"):
        pool.draw(requests, Sampling(max_new_tokens=510))
    assert sum(fake.count(CHAT) for fake in fakes) == 0


def test_an_error_ends_the_other_requests(pool, requests, fakes):
    """It is not waited for what can not be used any more."""
    fakes[0].broken[CHAT] = says(400, {"error": "bad"})
    fakes[1].broken[CHAT] = hangs(4)
    start = time.monotonic()
    with pytest.raises(RolloutError, match="400"):
        pool.draw(requests, ONE)
    assert time.monotonic() - start < 3


def test_other_ranks_use_only_what_was_pushed_to(pool, fakes):
    fakes[1].adapters.clear()
    pool.adopt(version(1))
    assert pool.sources == [fakes[0].url]
    fakes[0].adapters.clear()
    with pytest.raises(RolloutError, match=f"{version(1).name} was not pushed to it"):
        pool.adopt(version(1))


@pytest.mark.parametrize("name", ["connect_timeout", "request_timeout", "start_timeout"])
def test_time_limits_have_to_be_positive(name):
    with pytest.raises(ValueError, match=f"{name}: expected seconds > 0, got 0"):
        ServerOptions(**{name: 0})


@pytest.mark.parametrize("name", ["attempts", "max_in_flight"])
def test_counts_have_to_be_positive(name):
    with pytest.raises(ValueError, match=f"{name}: expected an int >= 1, got 0"):
        ServerOptions(**{name: 0})


def test_a_group_is_told_of_when_its_server_has_answered(pool, requests):
    told = []
    drawn = pool.draw(requests, ONE, lambda sample, text: told.append((sample.id, text)))
    expected = [(d.sample.id, r.text) for d in drawn for r in d.rollouts]
    assert sorted(told) == sorted(expected)
